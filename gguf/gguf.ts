import { GgufError, messageOf } from "./errors.ts";
import { type Header, readHeader } from "./header.ts";
import type { Metadata, MetadataEntry } from "./metadata.ts";
import { joinTensors, orderShards, type Shard, siblings } from "./shards.ts";
import { type ByteSource, type Interruption, openSource, type SourceLocation } from "./source.ts";
import type { TensorInfo } from "./tensor_reader.ts";

/** An open model file, or the open shards of one model. */
export interface GgufFile {
  /** The path or URL of the file, or of the first shard. */
  readonly name: string;
  /** Version of the format: 2 or 3. */
  readonly version: number;
  /** Bytes that tensors are aligned to. */
  readonly alignment: number;
  /** The metadata by key; that of the first shard. */
  readonly metadata: Metadata;
  /** The same metadata with the types that it is stored in, fit for the writer. */
  readonly entries: readonly MetadataEntry[];
  /** The tensors of all shards by name, in the files' order. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The files, in the shards' order; `TensorInfo.source` is an index into them. */
  readonly sources: readonly ByteSource[];
  /**
   * Reads a tensor's data, or as much of it as `into` has room for, from `byteOffset` on (bytes
   * within the tensor). Returns the bytes read: the front of `into` if that is given.
   *
   * @throws {GgufError} If the file can not be read.
   * @throws {RangeError} If `byteOffset` lies outside the tensor, or memory for it does not exist.
   */
  readTensor(tensor: TensorInfo, into?: Uint8Array, byteOffset?: number): Promise<Uint8Array>;
  /** Closes the files. */
  close(): Promise<void>;
  /** Closes the files. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How a model file is opened. */
export interface OpenOptions {
  /** Ends the opening by its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a GGUF model: reads and checks its header, and nothing else until a tensor is asked for.
 *
 * Where the model is split into shards, opening one by path or URL finds the others beside it.
 * A list of all shards, in any order, may be given instead.
 *
 * @example
 * ```ts ignore
 * await using file = await openGguf("qwen3-coder-30b-a3b-q4_k_m.gguf");
 * const embedding = file.tensors.get("token_embd.weight")!;
 * const firstRow = new Uint8Array(rowBytes(embedding.type, embedding.shape[0]!));
 * await file.readTensor(embedding, firstRow);
 * ```
 *
 * @throws {GgufError} If it is missing, truncated, corrupt or of another format.
 * @throws the signal's reason, if that is aborted
 */
export async function openGguf(
  from: SourceLocation | readonly SourceLocation[],
  { signal }: OpenOptions = {},
): Promise<GgufFile> {
  const opening = { signal };
  const interruption = () => opening.signal;
  const shards: Shard[] = [];
  try {
    const given = isList(from) ? from : [from];
    if (given.length === 0) throw new RangeError("the list of shards is empty");
    for (const location of given) shards.push(await openShard(location, interruption));
    if (given.length === 1) await openSiblings(shards, interruption);
    // What is read later is none of its business.
    opening.signal = undefined;
    return asFile(orderShards(shards));
  } catch (error) {
    for (const shard of shards) await shard.source.close();
    throw error;
  }
}

function isList(
  from: SourceLocation | readonly SourceLocation[],
): from is readonly SourceLocation[] {
  return Array.isArray(from);
}

async function openShard(location: SourceLocation, interruption: Interruption): Promise<Shard> {
  const source = await openSource(location, interruption);
  try {
    return { source, header: await readHeader(source) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Opens the shards beside the one in `shards` and appends them. */
async function openSiblings(shards: Shard[], interruption: Interruption): Promise<void> {
  const [first] = shards as [Shard];
  for (const sibling of siblings(first)) {
    try {
      shards.push(await openShard(sibling, interruption));
    } catch (cause) {
      interruption()?.throwIfAborted();
      throw new GgufError({
        file: first.source.name,
        found: `a shard that can not be opened beside it (${messageOf(cause)})`,
        expected: "all shards of the model",
        wayOut: "Fetch the missing shards into the same place",
        cause,
      });
    }
  }
}

function asFile(shards: readonly Shard[]): GgufFile {
  const sources = shards.map((shard) => shard.source);
  const { version, alignment, metadata, entries }: Header = shards[0]!.header;
  let open = true;

  async function close(): Promise<void> {
    if (!open) return;
    open = false;
    for (const source of sources) await source.close();
  }

  async function readTensor(
    tensor: TensorInfo,
    into?: Uint8Array,
    byteOffset = 0,
  ): Promise<Uint8Array> {
    if (!Number.isInteger(byteOffset) || byteOffset < 0 || byteOffset > tensor.bytes) {
      throw new RangeError(`byteOffset ${byteOffset} is outside ${tensor.name}: ${tensor.bytes}`);
    }
    const left = tensor.bytes - byteOffset;
    const target = into?.subarray(0, left) ?? new Uint8Array(left);
    await sources[tensor.source]!.read(tensor.offset + byteOffset, target);
    return target;
  }

  return {
    name: sources[0]!.name,
    version,
    alignment,
    metadata,
    entries,
    tensors: joinTensors(shards),
    sources,
    readTensor,
    close,
    [Symbol.asyncDispose]: close,
  };
}
