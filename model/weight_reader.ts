/**
 * Reading weights from files into windows, packed on the way where the kernels like that better.
 *
 * @module
 */
import type { ByteSource, TensorInfo } from "../gguf/mod.ts";
import {
  PACKED_ROWS,
  WEIGHT_FORMATS,
  weightRowBytes,
  type WeightType,
} from "../kernels/formats.ts";
import { packJob } from "../kernels/matrix.ts";
import type { MemoryPlan, Place } from "../kernels/memory_plan.ts";
import { dequantizeRow } from "../kernels/oracles/dequantize.ts";
import type { Team } from "../kernels/team.ts";
import type { MatrixPart } from "../moe/expert_store.ts";
import type { PackedPart } from "../moe/expert_runs.ts";
import type { ModelTensors } from "./tensors.ts";

/** Bytes that are read at once for packing: one part of an expert of Qwen3-30B-A3B, at most. */
const PIECE_BYTES = 1_310_720;

/** Pieces that are on their way at once. */
const PIECES = 4;

/** Room in every window for rows that have been read and not been packed. */
export class Inbox {
  readonly #starts = new Map<number, number>();
  /** bytes of one piece: what the largest matrix takes, or {@linkcode PIECE_BYTES}, or one group */
  readonly pieceBytes: number;

  constructor({ global, layers }: ModelTensors) {
    let [largest, widestGroup] = [0, 0];
    for (const { type, shape } of [global, ...layers].flatMap((part) => Object.values(part))) {
      const [columns = 1, rows = 1] = shape;
      if (WEIGHT_FORMATS[type as WeightType].packed === undefined) continue;
      const rowBytes = weightRowBytes(type as WeightType, columns);
      largest = Math.max(largest, rows * rowBytes);
      widestGroup = Math.max(widestGroup, PACKED_ROWS * rowBytes);
    }
    this.pieceBytes = Math.max(Math.min(largest, PIECE_BYTES), widestGroup);
  }

  /** Bytes in each window. */
  get bytes(): number {
    return PIECES * this.pieceBytes;
  }

  /** Reserves the room in a window that was just opened. */
  reserve(window: number, plan: MemoryPlan): void {
    this.#starts.set(window, plan.reserve(window, this.bytes).address);
  }

  /** Where a piece, 0 to {@linkcode PIECES} - 1, lies. */
  address(window: number, piece: number): number {
    return this.#starts.get(window)! + piece * this.pieceBytes;
  }
}

/** Rows that are read together: all of a matrix that stays as it is, or whole groups of it. */
interface Piece extends MatrixPart {
  /** bytes before it within the tensor */
  readonly offset: number;
  readonly bytes: number;
  /** the first group, of packed matrices */
  readonly first: number;
  readonly groups: number;
}

/** Reads from a model's files. */
export class WeightReader {
  constructor(
    readonly sources: readonly ByteSource[],
    readonly inbox: Inbox,
    readonly team: Team,
    /** a view of `bytes` bytes at a place */
    readonly viewOf: (place: Place, bytes: number) => Uint8Array,
  ) {}

  /** A whole tensor of one dimension, as f32. */
  async vector(tensor: TensorInfo): Promise<Float32Array> {
    const bytes = new Uint8Array(tensor.bytes);
    await this.sources[tensor.source]!.read(tensor.offset, bytes);
    return dequantizeRow(tensor.type as WeightType, bytes, tensor.shape[0]!);
  }

  /**
   * Reads matrices, several pieces at once.
   *
   * @param onBytes hears how many bytes of the file have come so far
   * @throws {GgufError} If something can't be read; no read is under way any more then.
   */
  async matrices(
    parts: readonly MatrixPart[],
    onBytes: (bytes: number) => void = () => {},
  ): Promise<void> {
    const pieces = parts.flatMap((part) => this.#cut(part));
    let next = 0;
    let bytes = 0;
    let failed = false;
    const readOn = async (lane: number) => {
      while (next < pieces.length && !failed) {
        const piece = pieces[next++]!;
        try {
          await this.#read(piece, lane);
        } catch (error) {
          failed = true;
          throw error;
        }
        bytes += piece.bytes;
        onBytes(bytes);
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: PIECES }, (_, i) => readOn(i)));
    for (const lane of lanes) if (lane.status === "rejected") throw lane.reason;
  }

  /** Packs groups of rows of matrices that lie in memory as in the file. */
  pack(parts: readonly PackedPart[]): void {
    this.team.run(parts.map(({ from, to, first, groups }) => {
      const groupBytes = PACKED_ROWS * weightRowBytes(from.format.type, from.columns);
      return packJob(to, from.address + first * groupBytes, first, groups);
    }));
  }

  #cut(part: MatrixPart): Piece[] {
    const { matrix: { format, rows, columns, packed }, offset } = part;
    const rowBytes = weightRowBytes(format.type, columns);
    if (packed === undefined) return [{ ...part, bytes: rows * rowBytes, first: 0, groups: 0 }];
    const groupBytes = PACKED_ROWS * rowBytes;
    const most = Math.floor(this.inbox.pieceBytes / groupBytes);
    const pieces: Piece[] = [];
    for (let first = 0; first < rows / PACKED_ROWS; first += most) {
      const groups = Math.min(most, rows / PACKED_ROWS - first);
      const bytes = groups * groupBytes;
      pieces.push({ ...part, offset: offset + first * groupBytes, bytes, first, groups });
    }
    return pieces;
  }

  async #read(piece: Piece, lane: number): Promise<void> {
    const { tensor, offset, bytes, matrix, first, groups } = piece;
    const { window } = matrix;
    const address = matrix.packed ? this.inbox.address(window, lane) : matrix.address;
    const view = this.viewOf({ window, address }, bytes);
    await this.sources[tensor.source]!.read(tensor.offset + offset, view);
    if (matrix.packed) this.team.run([packJob(matrix, address, first, groups)]);
  }
}
