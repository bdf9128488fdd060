/**
 * Runs Mixture-of-Experts language models from GGUF files on the CPU, in WebAssembly.
 *
 * ```ts ignore
 * import { loadModel } from "@apr/moe";
 *
 * await using model = await loadModel("qwen3-coder-30b-a3b-q4_k_m.gguf", { threads: 8 });
 * for await (const text of model.chat([{ role: "user", content: "Write a haiku" }])) {
 *   console.log(text);
 * }
 * ```
 *
 * A {@linkcode Model} is the loaded weights; a {@linkcode Session} is one inference timeline, to which
 * callers hand whole token prefixes.
 *
 * Which experts each token went through, and by what weight, comes out where someone listens: in
 * `onRouting`, an option of {@linkcode Session.sync} and of generations.
 *
 * ```ts ignore
 * await session.sync(tokens, {
 *   onRouting(routing) {
 *     for (const { position, layer, experts, weights } of routing) {
 *       console.log(position, layer, experts, weights);
 *     }
 *   },
 * });
 * ```
 *
 * @module
 */

// The model and what it generates.
export { loadModel, type LoadOptions, type LoadProgress } from "./engine/load.ts";
export { type ChatOptions, type CompletionOptions, Model } from "./engine/model.ts";
export {
  type FinishReason,
  Generation,
  type GenerationOptions,
  type GenerationResult,
  type Throughput,
} from "./engine/generation.ts";
export {
  type LogitsOptions,
  type PositionsOptions,
  Session,
  type SyncOptions,
} from "./engine/session.ts";
export type { KvFormat } from "./kernels/kv_formats.ts";
export type { ExpertUse } from "./moe/expert_store.ts";
export { type Route, Routing, type RoutingRecord } from "./moe/routing.ts";
export type { HyperParameters } from "./model/hyperparameters.ts";
export type { SamplingOptions } from "./sampling/mod.ts";

// Conversations.
export type {
  ChatTemplate,
  Message,
  RenderOptions,
  ToolCall,
  ToolDefinition,
  ToolFunction,
} from "./chat/mod.ts";

// Text to tokens and back.
export type { DecodeOptions, EncodeOptions, Tokenizer } from "./tokenizer/mod.ts";

// Files.
export type {
  Metadata,
  MetadataArray,
  MetadataValue,
  NumericArray,
  SourceDescriptor,
  SourceLocation,
} from "./gguf/mod.ts";

// Architectures and their names.
export { type Architecture, normalizeArchitecture } from "./contracts/mod.ts";

// Errors.
export { ChatTemplateError } from "./chat/mod.ts";
export { GgufError } from "./gguf/mod.ts";
export {
  ContextLengthError,
  DisposedError,
  MemoryBudgetError,
  ModelError,
  UnsupportedOperationError,
} from "./model/errors.ts";
export { TokenizerError } from "./tokenizer/mod.ts";
