/**
 * What the WebAssembly kernels take: one signature for each export of `assembly/`.
 *
 * Addresses are byte offsets into the instance's memory. All values are little-endian, all matrices
 * row-major and contiguous unless a stride is named. Kernels that threads share take a range of work
 * units first, `[start, end)`, and write nothing that another unit writes or reads; the result of a
 * unit never depends on how units are split, nor on how many tokens are computed together.
 *
 * @module
 */

/** `out[token * outStride + row] = dot(weights[row], x[token])` for the rows `start` to `end`. */
export type MatmulOperation = (
  start: number,
  end: number,
  /** [rows, columns] in the operation's quantization type: the address of row 0 */
  weights: number,
  /** [tokens, columns] in the activation format of that type, see formats.ts */
  x: number,
  /** [tokens, outStride] f32 */
  out: number,
  columns: number,
  tokens: number,
  outStride: number,
) => void;

/**
 * Packs the groups `start` to `end` of 8 rows each, for the matmuls of packed weights. Their units are
 * groups; all else is as with rows, to the bit.
 */
export type PackOperation = (
  start: number,
  end: number,
  /** [rows, columns] in the operation's quantization type: the address of row 0 */
  from: number,
  /** the address of group 0 */
  to: number,
  columns: number,
) => void;

/** Writes rows `start` to `end` of `x`, [rows, columns] f32, to `out` in an activation format. */
export type ActivationOperation = (
  start: number,
  end: number,
  x: number,
  out: number,
  columns: number,
) => void;

/**
 * Rounds keys (or values) of the tokens `start` to `end` to the cache's format and puts them into it,
 * token t at position firstPosition + t.
 */
export type AppendOperation = (
  start: number,
  end: number,
  /** [tokens, kvHeads, headSize] f32 */
  x: number,
  /** the cache of one layer's keys (or values), `kvBytes` long */
  cache: number,
  firstPosition: number,
  kvHeads: number,
  headSize: number,
  capacity: number,
) => void;

/**
 * Causal grouped-query attention (Ainslie et al. 2023): query head h reads key-value head
 * `h / (heads / kvHeads)`; token t sees the positions 0 to firstPosition + t.
 * A unit is one tile of `ATTENTION_TILE` tokens of one key-value head: unit u has head
 * `u % kvHeads` and the tokens from `floor(u / kvHeads) * ATTENTION_TILE`.
 *
 * Needs the scratch. Traps if `headSize` exceeds `MAX_HEAD_SIZE`. `out` may be `q`.
 */
export type AttentionOperation = (
  start: number,
  end: number,
  /** [tokens, heads, headSize] f32 */
  q: number,
  /** caches of one layer, `kvBytes` long */
  keys: number,
  values: number,
  /** [tokens, heads, headSize] f32 */
  out: number,
  firstPosition: number,
  tokens: number,
  heads: number,
  kvHeads: number,
  headSize: number,
  capacity: number,
  /** multiplies each score, 1 / sqrt(headSize) */
  scale: number,
) => void;

/**
 * Attention of one token at `position`, so that many threads have something to do: a unit is one
 * span of `ATTENTION_SPAN` positions of one key-value head, and leaves a record of it. Unit u has head
 * `u % kvHeads` and the positions from `floor(u / kvHeads) * ATTENTION_SPAN`.
 *
 * Needs the scratch. Traps as attention does, and for more than 64 heads to a key-value head.
 */
export type AttendSpansOperation = (
  start: number,
  end: number,
  /** [heads, headSize] f32 */
  q: number,
  /** as attention */
  keys: number,
  values: number,
  /** a record for each unit, `spanRecordBytes` long */
  records: number,
  position: number,
  heads: number,
  kvHeads: number,
  headSize: number,
  capacity: number,
  scale: number,
) => void;

export interface Operations {
  /** Gives this instance (one thread's) its private working area of `SCRATCH_BYTES`. */
  setScratch(address: number): void;

  matmulF32: MatmulOperation;
  matmulF16: MatmulOperation;
  matmulBF16: MatmulOperation;
  matmulQ4_0: MatmulOperation;
  matmulQ8_0: MatmulOperation;
  matmulQ4_K: MatmulOperation;
  matmulQ5_K: MatmulOperation;
  matmulQ6_K: MatmulOperation;
  matmulPackedQ4_K: MatmulOperation;
  matmulPackedQ6_K: MatmulOperation;

  packQ4_K: PackOperation;
  packQ6_K: PackOperation;

  quantizeQ8_K: ActivationOperation;
  quantizeQ8_0: ActivationOperation;
  /** Each value rounded to the nearest f16, ties to even, and kept as f32. */
  roundF16: ActivationOperation;
  /** Each value rounded to the nearest bf16, ties to even, and kept as f32. */
  roundBF16: ActivationOperation;

  /**
   * Root-mean-square norm (Zhang and Sennrich 2019) of rows `start` to `end`:
   * `out = x / sqrt(mean(x²) + epsilon) * weight`. `out` may be `x`.
   *
   * x, out: [rows, columns] f32; weight: [columns] f32
   */
  rmsNorm(
    start: number,
    end: number,
    x: number,
    weight: number,
    out: number,
    columns: number,
    epsilon: number,
  ): void;

  /**
   * Rotary position embedding in place for the tokens `start` to `end`, NEOX kind: element i of a
   * head's first `rotary` turns with element i + rotary / 2 (Su et al. 2021, as GPT-NeoX lays it out).
   *
   * x: [tokens, heads, headSize] f32; angles: [tokens, 2, rotary / 2] f32, cosines then sines
   */
  ropeNeox(
    start: number,
    end: number,
    x: number,
    angles: number,
    heads: number,
    headSize: number,
    rotary: number,
  ): void;

  /** As {@linkcode Operations.ropeNeox}, but element 2i turns with 2i + 1: llama's GGUF files. */
  ropePairs(
    start: number,
    end: number,
    x: number,
    angles: number,
    heads: number,
    headSize: number,
    rotary: number,
  ): void;

  appendKeysF16: AppendOperation;
  appendValuesF16: AppendOperation;
  attentionF16: AttentionOperation;
  attendSpansF16: AttendSpansOperation;
  appendKeysQ8_0: AppendOperation;
  appendValuesQ8_0: AppendOperation;
  attentionQ8_0: AttentionOperation;
  attendSpansQ8_0: AttendSpansOperation;

  /**
   * Merges the records of the spans of a token at `position`, for the key-value heads `start` to `end`,
   * and changes the first of each. Together with the operation that made them it gives what attention
   * gives, to the bit.
   *
   * records: see {@linkcode AttendSpansOperation}; out: [heads, headSize] f32
   */
  mergeSpans(
    start: number,
    end: number,
    records: number,
    out: number,
    position: number,
    heads: number,
    kvHeads: number,
    headSize: number,
  ): void;

  /** Softmax of rows `start` to `end`, the largest subtracted first. x, out: [rows, columns] f32; `out` may be `x`. */
  softmax(start: number, end: number, x: number, out: number, columns: number): void;

  /** `out = silu(gate) * up` (Shazeer 2020) for rows `start` to `end`. All [rows, columns] f32; `out` may be `gate`. */
  swiglu(
    start: number,
    end: number,
    gate: number,
    up: number,
    out: number,
    columns: number,
  ): void;

  /**
   * The router's choice for the tokens `start` to `end`: softmax over all experts, the k largest in
   * falling order (the lower expert first on a tie), their weights divided by their sum if
   * `normalize` is 1. NaN and -infinity count as the lowest finite logit and +infinity as the largest,
   * so that ids are distinct and in range whatever the weights are. Traps unless 1 ≤ k ≤ experts.
   *
   * logits: [tokens, experts] f32; ids: [tokens, k] i32; weights: [tokens, k] f32
   */
  route(
    start: number,
    end: number,
    logits: number,
    ids: number,
    weights: number,
    experts: number,
    k: number,
    normalize: number,
  ): void;

  /**
   * `out[t] += sum over j of weights[t, j] * outputs[t, j]` for the tokens `start` to `end`: the sum
   * first, in the order of j.
   *
   * out: [tokens, columns] f32; outputs: [tokens, k, columns] f32; weights: [tokens, k] f32
   */
  combineExperts(
    start: number,
    end: number,
    out: number,
    outputs: number,
    weights: number,
    k: number,
    columns: number,
  ): void;

  /** `out += x` for rows `start` to `end`. Both [rows, columns] f32. */
  add(start: number, end: number, out: number, x: number, columns: number): void;

  /** `out += bias` for each of the rows `start` to `end`. out: [rows, columns] f32; bias: [columns] f32. */
  addBias(start: number, end: number, out: number, bias: number, columns: number): void;

  /** Reads the units `start` to `end` of 64 KiB from `address` on, as fast as memory gives them. */
  readStream(start: number, end: number, address: number, out: number): void;

  /** The position of the largest of `count` f32 values at `x`; the lowest wins a tie, NaN never wins. */
  argMax(x: number, count: number): number;
}

/** An operation that threads share: it takes a range of work units first. */
export type SharedOperation = Exclude<keyof Operations, "setScratch" | "argMax">;
