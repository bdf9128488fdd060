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

/** A model as the published implementation knows it. */
export interface PublishedModel {
  readonly name: string;
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

const models = new Map<PublishedName, Promise<PublishedModel>>();

/** A model's logits. They are read once. */
export function publishedModel(name: PublishedName): Promise<PublishedModel> {
  let model = models.get(name);
  if (model === undefined) models.set(name, model = readModel(name));
  return model;
}

async function readModel(name: PublishedName): Promise<PublishedModel> {
  const stored: Stored = JSON.parse(await packageText(pathOf(name, "json")));
  const { reference, vocabulary } = stored;
  const sequences = stored.sequences.map(({ tokens, logits }) => ({
    tokens,
    rows: decodeRows(logits, vocabulary),
  }));
  return { name, reference, vocabulary, sequences };
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
