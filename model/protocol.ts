/**
 * What the caller's thread and the conductor say to each other.
 *
 * @module
 */
import { GgufError, type SourceDescriptor } from "../gguf/mod.ts";
import type { KvFormat } from "../kernels/kv_formats.ts";
import type { ArchitectureDescription } from "./architectures.ts";
import type { ExpertUse } from "../moe/expert_store.ts";
import type { RoutingRecord } from "../moe/routing.ts";
import { MemoryBudgetError } from "./errors.ts";
import type { HyperParameters } from "./hyperparameters.ts";
import type { Budget } from "./memory_budget.ts";
import type { ModelTensors } from "./tensors.ts";

export interface OpenRequest {
  readonly kind: "open";
  readonly sources: readonly SourceDescriptor[];
  readonly sizes: HyperParameters;
  readonly description: ArchitectureDescription;
  readonly tensors: ModelTensors;
  readonly threads: number;
  /** the helpers' ends, `threads - 1` of them */
  readonly helpers: readonly MessagePort[];
  /** tokens that a forward pass takes at once */
  readonly batch: number;
  readonly kv: KvFormat;
  readonly maxWindowBytes: number | undefined;
  readonly budget: Budget;
}

export interface ForwardRequest {
  readonly kind: "forward";
  readonly session: number;
  /** where the first of the tokens stands; everything before is in the cache */
  readonly position: number;
  /** at most a batch */
  readonly tokens: readonly number[];
  /** of which of the tokens logits are wanted */
  readonly outputs: "none" | "last" | "all";
  /** whether the routers' choices are wanted */
  readonly routing: boolean;
  /** memory for the logits of "last", [vocabulary] f32; moves with the message. New memory without. */
  readonly into?: Float32Array<ArrayBuffer> | undefined;
}

export type ConductorRequest =
  | OpenRequest
  | ForwardRequest
  | { readonly kind: "openSession"; readonly capacity: number }
  | { readonly kind: "closeSession"; readonly session: number }
  | { readonly kind: "measureStream" }
  | { readonly kind: "close" };

export interface OpenAnswer {
  /** the board's words, so that the caller can set the abort flag; absent where memory can't be shared */
  readonly board: SharedArrayBuffer | undefined;
  /** positions of a session, where the session does not say */
  readonly context: number;
}

export interface ForwardAnswer {
  /** [outputs, vocabulary] f32 */
  readonly logits: Float32Array<ArrayBuffer>;
  /** the largest of the last row; -1 without outputs */
  readonly argMax: number;
  /** of all of the request's tokens; undefined unless it was asked for */
  readonly routing: RoutingRecord | undefined;
  /** since the model was loaded */
  readonly experts: ExpertUse;
}

/** Told while the model loads. */
export interface LoadNotice {
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

/** An error as it is posted: structured cloning would lose its class. */
export type PostedError =
  | { readonly kind: "gguf"; readonly message: string; readonly problem: PostedProblem }
  | { readonly kind: "memory"; readonly budget: number; readonly smallest: number }
  | { readonly kind: "other"; readonly name: string; readonly message: string };

type PostedProblem = {
  readonly file: string;
  readonly offset: number | undefined;
  readonly found: string;
  readonly expected: string;
};

export function postableError(error: unknown): PostedError {
  if (error instanceof GgufError) {
    const { message, file, offset, found, expected } = error;
    return { kind: "gguf", message, problem: { file, offset, found, expected } };
  }
  if (error instanceof MemoryBudgetError) {
    const { budget, smallest } = error;
    return { kind: "memory", budget, smallest };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { kind: "other", name, message };
}

/** The posted error as the class it was. Errors of the worker itself pass through. */
export function revivedError(posted: unknown): unknown {
  if (posted instanceof Error) return posted;
  const error = posted as PostedError;
  if (error.kind === "gguf") {
    return Object.assign(new GgufError(error.problem), { message: error.message });
  }
  if (error.kind === "memory") return new MemoryBudgetError(error.budget, error.smallest);
  const Class = error.name === "RangeError" ? RangeError : Error;
  return Object.assign(new Class(error.message), { name: error.name });
}
