import {
  type GgufFile,
  layoutGguf,
  type MetadataValue,
  openGguf,
  type SourceLocation,
  type TensorInfo,
  writeGguf,
} from "../../gguf/mod.ts";
import { type GgufFormat, ggufFormat } from "../gguf_format/gguf_format.ts";
import { type BoundMutant, mutants } from "./mutant.ts";
import { type Faults, placeInOrder, readMetadata } from "./plain_gguf.ts";

type Locations = Parameters<GgufFormat["open"]>[0];

/** The engine's reader and writer, with one of their parts replaced. */
function format(broken: Partial<GgufFormat>): () => GgufFormat {
  return () => ({ open: openGguf, layout: layoutGguf, write: writeGguf, ...broken });
}

/** A reader that has parts of each file wrong. */
function afterwards(change: (file: GgufFile, from: Locations) => Partial<GgufFile>) {
  return format({
    open: async (from) => {
      const file = await openGguf(from);
      return { ...file, ...change(file, from) };
    },
  });
}

/** A reader that has each tensor wrong. */
function withTensors(change: (tensor: TensorInfo, file: GgufFile) => Partial<TensorInfo>) {
  return afterwards((file) => ({
    tensors: new Map(
      Array.from(
        file.tensors,
        ([name, tensor]) => [name, { ...tensor, ...change(tensor, file) }],
      ),
    ),
  }));
}

/** A reader of what `change` makes of a file's bytes. */
function beforehand(change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>) {
  const changed = async (from: SourceLocation) =>
    from instanceof Blob ? new Blob([change(new Uint8Array(await from.arrayBuffer()))]) : from;
  return format({
    open: async (from) =>
      await openGguf(
        Array.isArray(from)
          ? await Promise.all(from.map(changed))
          : await changed(from as SourceLocation),
      ),
  });
}

/** A reader whose metadata come from a plain one with a fault, which runs first. */
function withMetadata(faults: Faults) {
  return format({
    open: async (from) => {
      const metadata = from instanceof Blob
        ? readMetadata(new DataView(await from.arrayBuffer()), faults)
        : undefined;
      const file = await openGguf(from);
      return metadata === undefined ? file : { ...file, metadata };
    },
  });
}

/** The first place of a text in bytes, or -1. */
function find(bytes: Uint8Array, text: string): number {
  return new TextDecoder("latin1").decode(bytes).indexOf(text);
}

/** Bytes in which the key of the alignment is another, which means nothing. */
function withoutAlignment<Bytes extends Uint8Array>(bytes: Bytes): Bytes {
  const at = find(bytes, "general.alignment");
  if (at >= 0) bytes[at] = "x".charCodeAt(0);
  return bytes;
}

/** Bytes whose tensors have other offsets, where they can be read that far. */
function inOrder(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const changed = bytes.slice();
  try {
    placeInOrder(new DataView(changed.buffer));
    return changed;
  } catch {
    return bytes;
  }
}

const asNumber = (value: MetadataValue) => typeof value === "bigint" ? Number(value) : value;

export const ggufFormatMutants: BoundMutant[] = mutants(ggufFormat, [
  {
    name: "the version ignored",
    caughtBy: ["F-GGUF-001"],
    subject: beforehand((bytes) => {
      if (bytes.length >= 8) bytes.set([3, 0, 0, 0], 4);
      return bytes;
    }),
  },
  {
    name: "booleans of four bytes",
    caughtBy: ["F-GGUF-002", "F-GGUF-003"],
    subject: withMetadata({ booleanBytes: 4 }),
  },
  {
    name: "64-bit integers as floating-point numbers",
    caughtBy: ["F-GGUF-002"],
    subject: afterwards(({ metadata }) => ({
      metadata: new Map(Array.from(metadata, ([key, value]) => [key, asNumber(value)])),
    })),
  },
  {
    name: "strings that end at their first zero byte",
    caughtBy: ["F-GGUF-003"],
    subject: withMetadata({ stringsEndAtZero: true }),
  },
  {
    name: "dimensions reversed",
    caughtBy: ["F-GGUF-004"],
    subject: withTensors(({ shape }) => ({ shape: shape.toReversed() })),
  },
  {
    name: "blocks of Q6_K without their scale of two bytes",
    caughtBy: ["F-GGUF-005"],
    subject: withTensors(({ type, bytes }) => type === "Q6_K" ? { bytes: bytes / 210 * 208 } : {}),
  },
  {
    name: "an alignment of 32 for every file",
    caughtBy: ["F-GGUF-006"],
    subject: beforehand(withoutAlignment),
  },
  {
    name: "offsets counted from the beginning of the file",
    caughtBy: ["F-GGUF-006"],
    subject: withTensors(({ offset }, { tensors }) => ({
      offset: offset - Math.min(...Array.from(tensors.values(), (tensor) => tensor.offset)),
    })),
  },
  {
    name: "offsets ignored, each tensor behind the one before",
    caughtBy: ["F-GGUF-007"],
    subject: beforehand(inOrder),
  },
  {
    name: "tensors of the size that their elements would have in F32",
    caughtBy: ["F-GGUF-005", "F-GGUF-008"],
    subject: withTensors(({ shape }) => ({ bytes: 4 * shape.reduce((a, b) => a * b, 1) })),
  },
  {
    name: "a part of a tensor read from its beginning",
    caughtBy: ["F-GGUF-004", "F-GGUF-009"],
    subject: afterwards((file) => ({
      readTensor: (tensor, into) => file.readTensor(tensor, into),
    })),
  },
  {
    name: "lengths unchecked",
    caughtBy: ["F-GGUF-010", "F-GGUF-011", "F-GGUF-013"],
    subject: withMetadata({ lengthsUnchecked: true }),
  },
  {
    name: "the first of two entries with one key taken",
    caughtBy: ["F-GGUF-012"],
    // Two entries "k" come to be an entry "k" and one that nobody asks for.
    subject: beforehand((bytes) => {
      const key = "\x01\0\0\0\0\0\0\0k";
      const [first, second] = [find(bytes, key), find(bytes.subarray(30), key)];
      if (first === 24 && second >= 0) bytes[30 + second + 8] = "x".charCodeAt(0);
      return bytes;
    }),
  },
  {
    name: "a writer that does not say the alignment",
    caughtBy: ["F-GGUF-014", "F-GGUF-015"],
    subject: format({
      layout: (declaration) => {
        const layout = layoutGguf(declaration);
        return { ...layout, header: withoutAlignment(layout.header) };
      },
    }),
  },
  {
    name: "a writer without padding behind the last tensor",
    caughtBy: ["F-GGUF-014"],
    subject: format({
      layout: (declaration) => {
        const layout = layoutGguf(declaration);
        const { offset, bytes } = layout.tensors.at(-1)!;
        return { ...layout, size: offset + bytes };
      },
    }),
  },
  {
    name: "the whole file read to open it",
    caughtBy: ["F-GGUF-016"],
    subject: beforehand((bytes) => bytes),
  },
  {
    name: "shards in the order in which they are given",
    caughtBy: ["F-GGUF-017"],
    subject: format({
      open: async (from) => {
        const file = await openGguf(from);
        if (!Array.isArray(from)) return file;
        return {
          ...file,
          readTensor: async ({ source, offset, bytes }) => {
            const data = await (from[source] as Blob).slice(offset, offset + bytes).arrayBuffer();
            return new Uint8Array(data);
          },
        };
      },
    }),
  },
]);
