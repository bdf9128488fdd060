/**
 * What there is to know about a model file without reading its weights: the answer of `inspect`.
 *
 * @module
 */
import {
  CONTRACT,
  CONTRACT_VERSION,
  isKnownArchitecture,
  normalizeArchitecture,
} from "../contracts/mod.ts";
import type { GgufFile, Metadata, MetadataValue, TensorInfo } from "../gguf/mod.ts";
import { readHyperParameters } from "../model/hyperparameters.ts";
import { resolveTensors } from "../model/tensors.ts";
import { RANDOM_WEIGHTS_KEY } from "../synth/mod.ts";
import { describeExperts, type ExpertDescription, isExpertStack } from "./expert_description.ts";

/** A model file; null stands for what the file does not say. */
export interface Description {
  readonly file: {
    readonly name: string;
    readonly files: number;
    /** Bytes of all files together. */
    readonly bytes: number;
    readonly version: number;
    /** Bytes. */
    readonly alignment: number;
  };
  readonly name: string | null;
  /** Whether the weights are random, as `synth` writes them. */
  readonly random: boolean;
  readonly architecture: {
    readonly declared: string | null;
    /** The contract's key; null if the contract doesn't know the architecture. */
    readonly normalized: string | null;
    readonly contract: string;
    readonly version: string;
  };
  readonly forwardPass: {
    readonly available: boolean;
    /** Why not. */
    readonly reason: string | null;
  };
  readonly hyperParameters: HyperParameterValues;
  /** The metadata of the architecture that is not among the hyper-parameters above. */
  readonly otherParameters: Readonly<Record<string, unknown>>;
  readonly parameters: {
    readonly total: number;
    /** Those that a token is computed with: all, but of the experts only the share that is used. */
    readonly active: number | null;
  };
  /** null for a dense model */
  readonly experts: ExpertDescription | null;
  /** By bytes, the largest first. */
  readonly quantization: readonly Quantization[];
  readonly tokenizer: {
    readonly model: string | null;
    readonly pre: string | null;
    readonly tokens: number | null;
    readonly addBos: boolean | null;
    readonly special: readonly SpecialToken[];
  };
  readonly chatTemplate: string | null;
}

/** The tensors of one type. */
export interface Quantization {
  readonly type: string;
  readonly tensors: number;
  readonly bytes: number;
  /** Of the bytes of all tensors, from 0 to 1. */
  readonly share: number;
}

/** A token that the file gives a part to play. */
export interface SpecialToken {
  /** As in the key: "eos", "padding". */
  readonly part: string;
  readonly id: number;
  /** As in the file; null where the vocabulary is not in it. */
  readonly text: string | null;
}

/** The metadata keys, behind the architecture's name, of the hyper-parameters. */
const HYPER_PARAMETERS = {
  layers: "block_count",
  context: "context_length",
  hidden: "embedding_length",
  heads: "attention.head_count",
  kvHeads: "attention.head_count_kv",
  headSize: "attention.key_length",
  feedForward: "feed_forward_length",
  experts: "expert_count",
  expertsUsed: "expert_used_count",
  expertFeedForward: "expert_feed_forward_length",
  sharedFeedForward: "expert_shared_feed_forward_length",
  rmsEpsilon: "attention.layer_norm_rms_epsilon",
  ropeBase: "rope.freq_base",
  ropeDimensions: "rope.dimension_count",
} as const;

/** A number; a list where the layers differ; null where the file has none. */
export type HyperParameterValues = Readonly<Record<keyof typeof HYPER_PARAMETERS, unknown>>;

const SPECIAL_TOKEN_KEY = /^tokenizer\.ggml\.(\w+)_token_id$/;

/** Describes an open model. */
export function describeModel(file: GgufFile, assumeArchitecture?: string): Description {
  const { metadata } = file;
  const declared = textAt(metadata, "general.architecture");
  const architecture = assumeArchitecture ?? declared ?? "";
  const known = isKnownArchitecture(architecture);
  const prefix = `${declared}.`;
  const values = new Map(
    file.entries
      .filter(({ key }) => declared !== null && key.startsWith(prefix))
      .map((
        entry,
      ) => [entry.key.slice(prefix.length), shortened(metadata.get(entry.key)!, entry.type)]),
  );
  const keys: readonly string[] = Object.values(HYPER_PARAMETERS);
  const tensors = [...file.tensors.values()];
  const experts = values.get(HYPER_PARAMETERS.experts);
  const expertsUsed = values.get(HYPER_PARAMETERS.expertsUsed);
  const parameters = countParameters(tensors, experts, expertsUsed);
  return {
    file: {
      name: file.name,
      files: file.sources.length,
      bytes: file.sources.reduce((sum, { size }) => sum + size, 0),
      version: file.version,
      alignment: file.alignment,
    },
    name: textAt(metadata, "general.name"),
    random: metadata.get(RANDOM_WEIGHTS_KEY) === true,
    architecture: {
      declared,
      normalized: known
        ? normalizeArchitecture(architecture, typeof experts === "number" ? experts : 0)
        : null,
      contract: CONTRACT,
      version: CONTRACT_VERSION,
    },
    forwardPass: forwardPass(file, assumeArchitecture),
    hyperParameters: Object.fromEntries(
      Object.entries(HYPER_PARAMETERS).map(([name, key]) => [name, values.get(key) ?? null]),
    ) as HyperParameterValues,
    otherParameters: Object.fromEntries([...values].filter(([key]) => !keys.includes(key))),
    parameters,
    experts: describeExperts(tensors, experts, expertsUsed, parameters),
    quantization: sumQuantization(tensors),
    tokenizer: describeTokenizer(metadata),
    chatTemplate: textAt(metadata, "tokenizer.chat_template"),
  };
}

/** Values as JSON has them, and f32 with the digits that it has. */
function shortened(value: MetadataValue, type: string): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && type === "f32") return Number(value.toPrecision(7));
  if (!ArrayBuffer.isView(value)) return value;
  return Array.from(
    value as ArrayLike<unknown>,
    (item) => typeof item === "bigint" ? Number(item) : item,
  );
}

/** Asks the same questions as loading the model does, as far as the header answers them. */
function forwardPass(
  file: GgufFile,
  assumeArchitecture: string | undefined,
): Description["forwardPass"] {
  try {
    resolveTensors(file, readHyperParameters(file, { assumeArchitecture }));
    return { available: true, reason: null };
  } catch (error) {
    return { available: false, reason: (error as Error).message };
  }
}

function countParameters(
  tensors: readonly TensorInfo[],
  experts: unknown,
  expertsUsed: unknown,
): Description["parameters"] {
  const count = (chosen: readonly TensorInfo[]) =>
    chosen.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  const total = count(tensors);
  const inExperts = count(tensors.filter(isExpertStack));
  if (inExperts === 0) return { total, active: total };
  if (typeof experts !== "number" || typeof expertsUsed !== "number" || experts === 0) {
    return { total, active: null };
  }
  return { total, active: total - inExperts + Math.round(inExperts * expertsUsed / experts) };
}

function sumQuantization(tensors: readonly TensorInfo[]): Quantization[] {
  const all = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const byType = new Map<string, { tensors: number; bytes: number }>();
  for (const { type, bytes } of tensors) {
    const sum = byType.get(type) ?? { tensors: 0, bytes: 0 };
    byType.set(type, { tensors: sum.tensors + 1, bytes: sum.bytes + bytes });
  }
  return [...byType]
    .map(([type, sum]) => ({ type, ...sum, share: sum.bytes / all }))
    .sort((a, b) => b.bytes - a.bytes);
}

function describeTokenizer(metadata: Metadata): Description["tokenizer"] {
  const list = metadata.get("tokenizer.ggml.tokens");
  const tokens = Array.isArray(list) ? list : null;
  const addBos = metadata.get("tokenizer.ggml.add_bos_token");
  const special: SpecialToken[] = [];
  for (const [key, id] of metadata) {
    const part = SPECIAL_TOKEN_KEY.exec(key)?.[1];
    if (part === undefined || typeof id !== "number") continue;
    const text = tokens?.[id];
    special.push({ part, id, text: typeof text === "string" ? text : null });
  }
  return {
    model: textAt(metadata, "tokenizer.ggml.model"),
    pre: textAt(metadata, "tokenizer.ggml.pre"),
    tokens: tokens?.length ?? null,
    addBos: typeof addBos === "boolean" ? addBos : null,
    special,
  };
}

/** The string at a key; null for anything else, for a description is no place to complain. */
function textAt(metadata: Metadata, key: string): string | null {
  const value = metadata.get(key);
  return typeof value === "string" ? value : null;
}
