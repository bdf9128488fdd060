import type { MetadataEntry } from "../gguf/mod.ts";
import { normalizeArchitecture, requiredRoles } from "../contracts/mod.ts";
import { TENSOR_TYPES } from "../gguf/mod.ts";
import { baseType, WEIGHT_TYPES, type WeightTypes } from "./weight_types.ts";

/**
 * The architectures that models can be made of, as `general.architecture` spells them; but for Mixtral,
 * whose files bear Llama's name.
 */
export const SYNTH_ARCHITECTURES = [
  "qwen3moe",
  "qwen2moe",
  "mixtral",
  "qwen3",
  "qwen2",
  "llama",
] as const;

/** An architecture that models can be made of. */
export type SynthArchitecture = (typeof SYNTH_ARCHITECTURES)[number];

/** The shape of a random model. What is left out makes a small one. */
export interface SynthOptions {
  /** Default: "qwen3moe". */
  readonly architecture?: SynthArchitecture | undefined;
  /** Default: 2. */
  readonly layers?: number | undefined;
  /** Width of the residual stream. Default: 256. */
  readonly hidden?: number | undefined;
  /** Query heads. Default: 4. */
  readonly heads?: number | undefined;
  /** Key and value heads, a divisor of `heads`. Default: 2, or 1 if `heads` is odd. */
  readonly kvHeads?: number | undefined;
  /** Elements of a head, even. Default: 64. */
  readonly headSize?: number | undefined;
  /** Default: 8. */
  readonly experts?: number | undefined;
  /** Experts that a token goes through. Default: 2, or all if there are fewer. */
  readonly expertsUsed?: number | undefined;
  /** Width of one expert. Default: 256. */
  readonly expertWidth?: number | undefined;
  /** Width of the expert that all tokens share. Default: that of the experts that a token goes through
   * together. */
  readonly sharedWidth?: number | undefined;
  /** What a layer's experts add to the residual stream, against what a dense branch adds. Default:
   * 0.05. Where two experts come out nearly equal, rounding decides between them; of random experts
   * one is no substitute for the other, so at 1 such a token gets other logits altogether. */
  readonly expertShare?: number | undefined;
  /** Width of the dense feed-forward part; with experts only a number in the metadata, and with those
   * of Mixtral, whose files state their width there, not even that. Default:
   * three times `hidden`. */
  readonly feedForwardWidth?: number | undefined;
  /** Number of tokens of a vocabulary made up for the purpose, at least 260 (default: 512), or the
   * metadata of a file whose vocabulary is taken over. */
  readonly vocabulary?: number | readonly MetadataEntry[] | undefined;
  /** The chat template, where the vocabulary's metadata brings none. */
  readonly chatTemplate?: string | undefined;
  /** Positions that the model claims to be trained for. Default: 4096. */
  readonly context?: number | undefined;
  /** Base of the RoPE angles. Default: 1e6; of llama 1e4. */
  readonly ropeBase?: number | undefined;
  /** Epsilon of RMSNorm. Default: 1e-6. */
  readonly rmsEpsilon?: number | undefined;
  /** Whether the token embedding is the output head as well. Default: false. */
  readonly tied?: boolean | undefined;
  /** How the weights are stored. Default: "q4_k_m". */
  readonly types?: WeightTypes | undefined;
  /** An integer in [0, 2^53): another seed, other weights. Default: 0. */
  readonly seed?: number | undefined;
}

/** All sizes and constants of a random model. */
export type ResolvedSynthOptions =
  & {
    readonly [Key in Exclude<keyof SynthOptions, "chatTemplate">]-?: NonNullable<SynthOptions[Key]>;
  }
  & Pick<SynthOptions, "chatTemplate">;

/** A shape that no model can have. */
export class SynthOptionError extends RangeError {
  override readonly name = "SynthOptionError";
  /** The option at fault. */
  readonly option: keyof SynthOptions;
  /** What is wrong with it, to be read behind its name. */
  readonly problem: string;

  /** Composes the message from the option's name and what is wrong with it. */
  constructor(option: keyof SynthOptions, problem: string) {
    super(`'${option}' ${problem}`);
    this.option = option;
    this.problem = problem;
  }
}

/** What an architecture's contract of names says that it has. */
export interface ArchitectureParts {
  /** Whether its layers have experts that a router chooses among. */
  readonly experts: boolean;
  /** Whether they have one that all tokens share. */
  readonly shared: boolean;
  /** Whether its output head is never the token embedding. */
  readonly ownHead: boolean;
}

/** The parts of an architecture that not all have. */
export function partsOf(architecture: SynthArchitecture): ArchitectureParts {
  const { global, layer } = requiredRoles(normalizeArchitecture(architecture));
  return {
    experts: layer.includes("ffn_gate_exps"),
    shared: layer.includes("ffn_gate_shexp"),
    ownHead: global.includes("output"),
  };
}

const DEFAULT_ROPE_BASES: Readonly<Partial<Record<SynthArchitecture, number>>> = { llama: 1e4 };

/** The options that are numbers of things, and the most that makes sense: a bound against typing
 * errors, well above every real model. */
const COUNTS = {
  layers: 1024,
  hidden: 2 ** 20,
  heads: 1024,
  kvHeads: 1024,
  headSize: 1024,
  experts: 4096,
  expertsUsed: 4096,
  expertWidth: 2 ** 20,
  sharedWidth: 2 ** 20,
  feedForwardWidth: 2 ** 20,
  context: 2 ** 24,
} as const;

const EXPERT_OPTIONS = ["experts", "expertsUsed", "expertWidth", "expertShare"] as const;

/** Smallest vocabulary of our own: 256 bytes, three special tokens, and one merge, without which
 * loaders take the list of merges for missing. */
export const SMALLEST_VOCABULARY = 256 + 3 + 1;
const LARGEST_VOCABULARY = 2 ** 22;

/**
 * Fills in the defaults and checks that the sizes fit together.
 *
 * @throws {SynthOptionError} If they don't.
 */
export function resolveSynthOptions(options: SynthOptions): ResolvedSynthOptions {
  const architecture = options.architecture ?? "qwen3moe";
  const hidden = options.hidden ?? 256;
  const heads = options.heads ?? 4;
  const experts = options.experts ?? 8;
  const expertsUsed = options.expertsUsed ?? Math.min(2, experts);
  const expertWidth = options.expertWidth ?? 256;
  const resolved: ResolvedSynthOptions = {
    architecture,
    layers: options.layers ?? 2,
    hidden,
    heads,
    kvHeads: options.kvHeads ?? (heads % 2 === 0 ? 2 : 1),
    headSize: options.headSize ?? 64,
    experts,
    expertsUsed,
    expertWidth,
    sharedWidth: options.sharedWidth ?? expertsUsed * expertWidth,
    expertShare: options.expertShare ?? 0.05,
    feedForwardWidth: options.feedForwardWidth ?? 3 * hidden,
    vocabulary: options.vocabulary ?? 512,
    chatTemplate: options.chatTemplate,
    context: options.context ?? 4096,
    ropeBase: options.ropeBase ?? (DEFAULT_ROPE_BASES[architecture] ?? 1e6),
    rmsEpsilon: options.rmsEpsilon ?? 1e-6,
    tied: options.tied ?? false,
    types: options.types ?? "q4_k_m",
    seed: options.seed ?? 0,
  };
  checkChoices(options, resolved);
  checkNumbers(resolved);
  checkRows(resolved);
  return resolved;
}

function checkChoices(given: SynthOptions, { architecture, types }: ResolvedSynthOptions): void {
  if (!SYNTH_ARCHITECTURES.includes(architecture)) {
    throw new SynthOptionError(
      "architecture",
      `must be one of ${SYNTH_ARCHITECTURES.join(", ")}, not '${architecture}'`,
    );
  }
  if (!WEIGHT_TYPES.includes(types)) {
    throw new SynthOptionError(
      "types",
      `must be one of ${WEIGHT_TYPES.join(", ")}, not '${types}'`,
    );
  }
  const { experts, shared, ownHead } = partsOf(architecture);
  const refuse = (option: keyof SynthOptions | undefined, why: string) => {
    if (option === undefined) return;
    throw new SynthOptionError(option, `contradicts the architecture: ${architecture} ${why}`);
  };
  const givenOf = (options: readonly (keyof SynthOptions)[]) =>
    options.find((option) => given[option] !== undefined);
  if (!experts) refuse(givenOf(EXPERT_OPTIONS), "is dense");
  if (!shared) refuse(givenOf(["sharedWidth"]), "has no shared expert");
  if (ownHead && given.tied) refuse("tied", "has an output head of its own");
}

function checkNumbers(options: ResolvedSynthOptions): void {
  for (const [option, most] of Object.entries(COUNTS)) {
    checkInteger(options, option as keyof typeof COUNTS, 1, most);
  }
  checkInteger(options, "seed", 0, Number.MAX_SAFE_INTEGER);
  if (typeof options.vocabulary === "number") {
    checkInteger(options, "vocabulary", SMALLEST_VOCABULARY, LARGEST_VOCABULARY);
  }
  for (const option of ["ropeBase", "rmsEpsilon", "expertShare"] as const) {
    const value = options[option];
    if (!Number.isFinite(value) || value <= 0) {
      throw new SynthOptionError(option, `must be a number above 0, not ${value}`);
    }
    // As the file stores it, or as a factor of weights that are f32.
    const stored = Math.fround(value);
    if (!Number.isFinite(stored) || stored === 0) {
      throw new SynthOptionError(option, `must be a number that f32 can hold, not ${value}`);
    }
  }
  const { heads, kvHeads, headSize, experts, expertsUsed } = options;
  if (heads % kvHeads !== 0) {
    throw new SynthOptionError(
      "kvHeads",
      `must divide the number of heads, ${heads}; ${kvHeads} doesn't`,
    );
  }
  if (headSize % 2 !== 0) {
    throw new SynthOptionError("headSize", `must be even, for RoPE turns pairs; ${headSize} isn't`);
  }
  if (expertsUsed > experts) {
    throw new SynthOptionError(
      "expertsUsed",
      `must not exceed the number of experts, ${experts}, as ${expertsUsed} does`,
    );
  }
}

function checkInteger(
  options: ResolvedSynthOptions,
  option: keyof typeof COUNTS | "seed" | "vocabulary",
  least: number,
  most: number,
): void {
  const value = options[option];
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return;
  throw new SynthOptionError(option, `must be an integer from ${least} to ${most}, not ${value}`);
}

/** Rows of weights are sequences of whole blocks. */
function checkRows(options: ResolvedSynthOptions): void {
  const { architecture, types, hidden, heads, headSize, expertWidth, sharedWidth } = options;
  const type = baseType(types);
  const { blockSize } = TENSOR_TYPES[type];
  const { experts, shared } = partsOf(architecture);
  const rows: [keyof SynthOptions, string, number][] = [
    ["hidden", "", hidden],
    ["heads", "times the head size ", heads * headSize],
    experts ? ["expertWidth", "", expertWidth] : ["feedForwardWidth", "", options.feedForwardWidth],
  ];
  if (shared) rows.push(["sharedWidth", "", sharedWidth]);
  for (const [option, times, size] of rows) {
    if (size % blockSize === 0) continue;
    throw new SynthOptionError(
      option,
      `${times}must be a multiple of ${blockSize}, the block size of ${type}, not ${size}`,
    );
  }
}
