/**
 * Small models with random weights, and their logits as the published implementations in Hugging Face's
 * transformers compute them in f32. tools/reference writes them.
 *
 * @module
 */
import { packageBytes, packageText } from "../package_files.ts";
import { decodeRows } from "./format.ts";

/** A sequence of tokens, and the logits at each of its positions. */
export interface PublishedSequence {
  readonly tokens: readonly number[];
  /** [tokens][vocabulary] */
  readonly rows: readonly Float32Array[];
}

/** What the published implementation says about a model. */
export interface PublishedLogits {
  /** the class, and the versions that it ran with */
  readonly reference: string;
  readonly vocabulary: number;
  readonly sequences: readonly PublishedSequence[];
}

/** What tools/reference/models.py describes: see there what each is for. */
export const PUBLISHED_NAMES = [
  "qwen3moe-odd",
  "qwen3moe-constants",
  "qwen3moe-plain-weights",
  "qwen3moe-top-1",
  "qwen2moe",
  "qwen2moe-normalized",
  "mixtral",
  "qwen3",
  "qwen2",
  "llama",
] as const;

export type PublishedName = (typeof PUBLISHED_NAMES)[number];

/** A published model's file as it is stored. */
interface Stored {
  readonly reference: string;
  readonly vocabulary: number;
  /** logits: little-endian f32 [tokens, vocabulary] in base64 */
  readonly sequences: readonly { readonly tokens: readonly number[]; readonly logits: string }[];
}

const known = new Map<PublishedName, Promise<PublishedLogits>>();

/** A model's logits. They are read once. */
export function publishedLogits(name: PublishedName): Promise<PublishedLogits> {
  let logits = known.get(name);
  if (logits === undefined) known.set(name, logits = readLogits(name));
  return logits;
}

async function readLogits(name: PublishedName): Promise<PublishedLogits> {
  return parsePublishedLogits(await packageText(pathOf(name, "json")));
}

/** Logits out of the JSON that tools/reference writes. */
export function parsePublishedLogits(json: string): PublishedLogits {
  const { reference, vocabulary, sequences }: Stored = JSON.parse(json);
  return {
    reference,
    vocabulary,
    sequences: sequences.map(({ tokens, logits }) => ({
      tokens,
      rows: decodeRows(logits, vocabulary),
    })),
  };
}

/**
 * The GGUF file of a model. Both hold the same weights: bfloat16 has them all. The package that is
 * published has the F32 files alone.
 */
export async function publishedFile(name: PublishedName, types: "f32" | "bf16"): Promise<Blob> {
  return new Blob([await packageBytes(pathOf(name, `${types}.gguf`))]);
}

function pathOf(name: PublishedName, ending: string): string {
  return `falsification/recorded/published/${name}.${ending}`;
}
