/**
 * Models in several files, as llama.cpp's `gguf-split` makes them: `name-00001-of-00003.gguf`, the
 * keys `split.no` (from 0), `split.count` and `split.tensors.count` in each. The first has the
 * model's metadata.
 *
 * @module
 */
import { GgufError } from "./errors.ts";
import type { Header } from "./header.ts";
import { MAX_SHARDS } from "./limits.ts";
import { metadataNumber } from "./metadata.ts";
import type { ByteSource, SourceDescriptor } from "./source.ts";
import type { TensorInfo } from "./tensor_reader.ts";

/** A source and its header. */
export interface Shard {
  /** The bytes. */
  readonly source: ByteSource;
  /** Their header. */
  readonly header: Header;
}

/**
 * Into how many files the model is split, by this file's own word: 1 if it says nothing, or 0, which is
 * what `gguf-split --merge` writes.
 */
export function shardCount({ source, header }: Shard): number {
  const count = metadataNumber(header.metadata, "split.count") ?? 0;
  if (Number.isInteger(count) && count >= 0 && count <= MAX_SHARDS) return count || 1;
  throw new GgufError({
    file: source.name,
    found: `a split.count of ${count}`,
    expected: `0 to ${MAX_SHARDS}`,
  });
}

/**
 * Where the other shards of a model should be, by the name of one.
 *
 * @throws {GgufError} If that has no name, or none like `name-00001-of-00003.gguf`.
 */
export function siblings(shard: Shard): SourceDescriptor[] {
  const { descriptor, name } = shard.source;
  const count = shardCount(shard);
  const others = count === 1 ? [] : siblingNames(descriptor, count);
  if (others !== undefined) return others;
  throw new GgufError({
    file: name,
    found: `one of ${count} shards, under a name that does not tell the others'`,
    expected: `a name such as model-00001-of-${digits(count)}.gguf`,
    wayOut: "Restore the file names, or give the list of all shards",
  });
}

function siblingNames(of: SourceDescriptor, count: number): SourceDescriptor[] | undefined {
  const numbers = Array.from({ length: count }, (_, index) => digits(index + 1));
  if (of.kind === "file") {
    const match = SHARD_NAME.exec(of.path);
    if (match === null || Number(match[3]) !== count) return undefined;
    const own = match[2];
    return numbers.filter((number) => number !== own).map((number) => ({
      kind: "file",
      path: `${match[1]}-${number}-of-${match[3]}.gguf`,
    }));
  }
  if (of.kind === "http") {
    const { version: _ofThis, ...access } = of;
    const url = new URL(of.url);
    const match = SHARD_NAME.exec(url.pathname);
    if (match === null || Number(match[3]) !== count) return undefined;
    const own = match[2];
    return numbers.filter((number) => number !== own).map((number) => {
      url.pathname = `${match[1]}-${number}-of-${match[3]}.gguf`;
      return { ...access, url: url.href };
    });
  }
  return undefined;
}

const SHARD_NAME = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s;

function digits(number: number): string {
  return String(number).padStart(5, "0");
}

/**
 * Checks that the shards are all of one model, each once, and puts them in order.
 *
 * @throws {GgufError} If one is missing, is given twice or belongs to another model.
 */
export function orderShards(shards: readonly Shard[]): Shard[] {
  const count = shardCount(shards[0]!);
  const ordered: Shard[] = [];
  for (const shard of shards) {
    const { source, header } = shard;
    const number = metadataNumber(header.metadata, "split.no") ?? 0;
    const fail = (found: string, expected: string) =>
      new GgufError({ file: source.name, found, expected, wayOut: "Give each shard once" });
    if (shardCount(shard) !== count) {
      throw fail(`a shard of ${shardCount(shard)}`, `shards of one model in ${count}`);
    }
    if (!Number.isInteger(number) || number < 0 || number >= count) {
      throw fail(`a split.no of ${number}`, `0 to ${count - 1}`);
    }
    if (ordered[number] !== undefined) {
      throw fail(`shard ${number + 1} again`, `another shard than ${ordered[number].source.name}`);
    }
    ordered[number] = shard;
  }
  for (let number = 0; number < count; number++) {
    if (ordered[number] === undefined) {
      throw new GgufError({
        file: shards[0]!.source.name,
        found: `no shard ${number + 1} of ${count} beside it`,
        expected: "all shards of the model",
        wayOut: "Give each shard once",
      });
    }
  }
  return ordered;
}

/**
 * The tensors of all shards under one index.
 *
 * @throws {GgufError} If two shards have a tensor of one name, or they are not as many as declared.
 */
export function joinTensors(shards: readonly Shard[]): ReadonlyMap<string, TensorInfo> {
  const tensors = new Map<string, TensorInfo>();
  shards.forEach(({ source, header }, index) => {
    for (const tensor of header.tensors.values()) {
      const other = tensors.get(tensor.name);
      if (other !== undefined) {
        throw new GgufError({
          file: source.name,
          offset: tensor.offset,
          found: `tensor ${tensor.name}, which ${shards[other.source]!.source.name} has too`,
          expected: "each tensor in one shard",
        });
      }
      tensors.set(tensor.name, { ...tensor, source: index });
    }
  });
  const { source, header } = shards[0]!;
  const declared = metadataNumber(header.metadata, "split.tensors.count") ?? tensors.size;
  if (declared !== tensors.size) {
    throw new GgufError({
      file: source.name,
      found: `${tensors.size} tensors in all shards`,
      expected: `${declared}, by split.tensors.count`,
      wayOut: "A shard may be from another version of the model: fetch them all again",
    });
  }
  return tensors;
}
