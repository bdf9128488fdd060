/**
 * A model's sizes and constants, read from GGUF metadata and checked.
 *
 * @module
 */
import {
  type Architecture,
  CONTRACT,
  isKnownArchitecture,
  normalizeArchitecture,
} from "../contracts/mod.ts";
import {
  type GgufFile,
  metadataBoolean,
  metadataNumber,
  metadataString,
  metadataStrings,
} from "../gguf/mod.ts";
import { MAX_HEAD_SIZE } from "../kernels/constants.ts";
import {
  type ArchitectureDescription,
  ARCHITECTURES,
  type MixtureDescription,
} from "./architectures.ts";
import { ModelError, UnsupportedOperationError } from "./errors.ts";

/** A model's sizes, in elements, and constants. */
export interface HyperParameters {
  /** general.architecture as the file has it: the prefix of its keys */
  readonly declaredArchitecture: string;
  /** the name that it was taken by, for messages: the caller's (`assumeArchitecture`), or the file's */
  readonly namedArchitecture: string;
  /** the contract's key for it */
  readonly architecture: Architecture;
  /** transformer layers */
  readonly layers: number;
  /** width of the residual stream */
  readonly hidden: number;
  /** query heads */
  readonly heads: number;
  /** key-value heads */
  readonly kvHeads: number;
  /** width of one head, for queries, keys and values */
  readonly headSize: number;
  /** width of the dense feed-forward part; 0 where every layer has experts */
  readonly feedForward: number;
  /** experts of one layer; 0 for dense models */
  readonly experts: number;
  /** experts that each token goes through */
  readonly expertsUsed: number;
  /** width of one expert */
  readonly expertFeedForward: number;
  /** width of the expert that all tokens share; 0 where there is none */
  readonly sharedFeedForward: number;
  /** whether the chosen experts' weights are divided by their sum */
  readonly normalizeExpertWeights: boolean;
  /** tokens that have an embedding */
  readonly vocabulary: number;
  /** positions the model was trained for */
  readonly contextLength: number;
  /** added to the mean square in each RMSNorm */
  readonly rmsEpsilon: number;
  /** base of the rotary positions' frequencies */
  readonly ropeBase: number;
  /** elements of a head that rotate */
  readonly ropeDimensions: number;
  /** positions are divided by this (linear scaling); 1 for none */
  readonly ropeScale: number;
}

// Limits: a hostile header must not make the plan allocate without end. Each is far above what exists.
const MAX_LAYERS = 1024;
const MAX_WIDTH = 1 << 20;
const MAX_HEADS = 1024;
const MAX_EXPERTS = 4096;
const MAX_VOCABULARY = 1 << 22;
const MAX_CONTEXT = 1 << 24;

export interface HyperParameterOptions {
  /** Take this architecture instead of general.architecture's. */
  readonly assumeArchitecture?: string | undefined;
}

/**
 * The file's architecture, as declared, as the caller names it, and as the contract normalizes it.
 *
 * @throws {ModelError} If the file declares none.
 */
export function architectureOf(
  file: GgufFile,
  options: HyperParameterOptions = {},
): { declared: string; name: string; architecture: Architecture; known: boolean } {
  const declared = metadataString(file.metadata, "general.architecture");
  if (declared === undefined) {
    throw new ModelError(file.name, "the key 'general.architecture' is missing");
  }
  const name = options.assumeArchitecture ?? declared;
  return {
    declared,
    name,
    architecture: normalizeIn(file, name),
    known: isKnownArchitecture(name),
  };
}

/** The same for a file that may declare none; undefined where the contract does not know it. */
export function knownArchitectureOf(
  file: GgufFile,
  options: HyperParameterOptions = {},
): Architecture | undefined {
  const declared = metadataString(file.metadata, "general.architecture");
  const name = options.assumeArchitecture ?? declared ?? "";
  return isKnownArchitecture(name) ? normalizeIn(file, name) : undefined;
}

/** A file's experts tell a mixture from the dense architecture whose name it bears. */
function normalizeIn({ metadata }: GgufFile, name: string): Architecture {
  const declared = metadataString(metadata, "general.architecture");
  return normalizeArchitecture(name, metadataNumber(metadata, `${declared}.expert_count`));
}

/**
 * The description that the layer loop works by.
 *
 * @throws {UnsupportedOperationError} If there is no forward pass for the file's architecture.
 */
export function describeArchitecture(
  file: GgufFile,
  options: HyperParameterOptions = {},
): ArchitectureDescription {
  const { name, architecture, known } = architectureOf(file, options);
  const description = known ? ARCHITECTURES[architecture] : undefined;
  if (description) return description;
  throw new UnsupportedOperationError({
    architecture: name,
    operation: "forward pass",
    contract: CONTRACT,
    wayOut: `Supported: ${Object.keys(ARCHITECTURES).join(", ")}. ` +
      "If the file is one of these under another name, say so with --assume-architecture (assumeArchitecture).",
  });
}

/**
 * Reads and checks the hyper-parameters that the forward pass needs.
 *
 * @throws {UnsupportedOperationError} If the architecture or its RoPE scaling has no forward pass.
 * @throws {ModelError} If a key is missing or out of range.
 */
export function readHyperParameters(
  file: GgufFile,
  options: HyperParameterOptions = {},
): HyperParameters {
  const description = describeArchitecture(file, options);
  const { declared, name, architecture } = architectureOf(file, options);
  const keys = new Keys(file, declared);
  const hidden = keys.integer("embedding_length", MAX_WIDTH);
  const heads = keys.integer("attention.head_count", MAX_HEADS);
  const kvHeads = keys.integer("attention.head_count_kv", MAX_HEADS, heads);
  const headSize = keys.integer("attention.key_length", MAX_HEAD_SIZE, hidden / heads);
  const parameters: HyperParameters = {
    declaredArchitecture: declared,
    namedArchitecture: name,
    architecture,
    layers: keys.integer("block_count", MAX_LAYERS),
    hidden,
    heads,
    kvHeads,
    headSize,
    ...readFeedForward(keys, description.mixture),
    vocabulary: vocabularySize(file, keys),
    contextLength: keys.integer("context_length", MAX_CONTEXT),
    rmsEpsilon: keys.positive("attention.layer_norm_rms_epsilon"),
    ropeBase: keys.positive("rope.freq_base", description.ropeBase),
    ropeDimensions: keys.integer("rope.dimension_count", headSize, headSize),
    ropeScale: ropeScale(file, keys, name),
  };
  checkHeads(file, parameters);
  return parameters;
}

type FeedForwardSizes = Pick<
  HyperParameters,
  | "feedForward"
  | "experts"
  | "expertsUsed"
  | "expertFeedForward"
  | "sharedFeedForward"
  | "normalizeExpertWeights"
>;

function readFeedForward(keys: Keys, mixture: MixtureDescription | undefined): FeedForwardSizes {
  const dense = () => keys.integer("feed_forward_length", MAX_WIDTH);
  if (mixture === undefined) {
    return {
      feedForward: dense(),
      experts: 0,
      expertsUsed: 0,
      expertFeedForward: 0,
      sharedFeedForward: 0,
      normalizeExpertWeights: false,
    };
  }
  const experts = keys.integer("expert_count", MAX_EXPERTS);
  const expertsUsed = keys.integer("expert_used_count", experts);
  const { impliedWidth, shared, normalizeWeights } = mixture;
  const width = (key: string, implied: () => number | undefined) =>
    keys.integer(key, MAX_WIDTH, keys.has(key) ? undefined : implied());
  return {
    feedForward: 0,
    experts,
    expertsUsed,
    expertFeedForward: width("expert_feed_forward_length", () => {
      if (impliedWidth === undefined) return undefined;
      return impliedWidth === "all" ? dense() : Math.floor(dense() / expertsUsed);
    }),
    sharedFeedForward: shared ? width("expert_shared_feed_forward_length", dense) : 0,
    normalizeExpertWeights: keys.boolean("expert_weights_norm") ?? normalizeWeights,
  };
}

function checkHeads(file: GgufFile, parameters: HyperParameters): void {
  const { heads, kvHeads, headSize, ropeDimensions, declaredArchitecture } = parameters;
  const refuse = (problem: string) => {
    throw new ModelError(file.name, `${declaredArchitecture}.${problem}`);
  };
  if (heads % kvHeads !== 0) {
    refuse(`attention.head_count ${heads} is no multiple of head_count_kv ${kvHeads}`);
  }
  if (headSize % 2 !== 0) refuse(`attention.key_length ${headSize} is odd: RoPE needs pairs`);
  if (ropeDimensions % 2 !== 0) refuse(`rope.dimension_count ${ropeDimensions} is odd`);
  const valueSize = metadataNumber(
    file.metadata,
    `${declaredArchitecture}.attention.value_length`,
  ) ?? headSize;
  if (valueSize !== headSize) {
    refuse(`attention.value_length ${valueSize} differs from key_length ${headSize}`);
  }
}

function vocabularySize(file: GgufFile, keys: Keys): number {
  const embedding = file.tensors.get("token_embd.weight")?.shape[1];
  const tokens = metadataStrings(file.metadata, "tokenizer.ggml.tokens")?.length;
  const size = embedding ?? keys.integer("vocab_size", MAX_VOCABULARY, tokens);
  if (size > MAX_VOCABULARY) {
    throw new ModelError(file.name, `a vocabulary of ${size} exceeds the limit ${MAX_VOCABULARY}`);
  }
  return size;
}

/** As llama.cpp reads it: a factor without a type is linear, and an older key has it too. */
function ropeScale(file: GgufFile, keys: Keys, architecture: string): number {
  const type = metadataString(file.metadata, `${keys.prefix}.rope.scaling.type`) ?? "linear";
  if (type === "none") return 1;
  if (type === "linear") {
    const older = metadataNumber(file.metadata, `${keys.prefix}.rope.scale_linear`);
    return keys.positive("rope.scaling.factor", older ?? 1);
  }
  throw new UnsupportedOperationError({
    architecture,
    operation: `RoPE scaling of type '${type}'`,
    contract: CONTRACT,
    wayOut: "Use a file without RoPE scaling, or with the linear type.",
  });
}

/** The numbers under one architecture's prefix. */
class Keys {
  constructor(readonly file: GgufFile, readonly prefix: string) {}

  has(key: string): boolean {
    return this.file.metadata.has(`${this.prefix}.${key}`);
  }

  /** undefined where the file does not say */
  boolean(key: string): boolean | undefined {
    return metadataBoolean(this.file.metadata, `${this.prefix}.${key}`);
  }

  /** A whole number from 1 to `limit`. */
  integer(key: string, limit: number, otherwise?: number): number {
    const value = this.#number(key, otherwise);
    if (Number.isInteger(value) && value >= 1 && value <= limit) return value;
    throw this.#refuse(key, value, `a whole number from 1 to ${limit}`);
  }

  /** A finite number above 0. */
  positive(key: string, otherwise?: number): number {
    const value = this.#number(key, otherwise);
    if (Number.isFinite(value) && value > 0) return value;
    throw this.#refuse(key, value, "a number above 0");
  }

  #number(key: string, otherwise: number | undefined): number {
    const value = metadataNumber(this.file.metadata, `${this.prefix}.${key}`) ?? otherwise;
    if (value !== undefined) return value;
    throw new ModelError(
      this.file.name,
      `the key '${this.prefix}.${key}' is missing, and the forward pass can't do without it`,
    );
  }

  #refuse(key: string, value: number, expected: string): ModelError {
    return new ModelError(
      this.file.name,
      `the key '${this.prefix}.${key}' is ${value}, expected ${expected}`,
    );
  }
}
