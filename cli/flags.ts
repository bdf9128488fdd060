/**
 * The flags that several verbs share, and what their help says.
 *
 * @module
 */

import { KV_FORMATS, type KvFormat } from "../kernels/kv_formats.ts";
import { bytesValue, choiceValue, given, integerValue, type Values } from "./arguments.ts";

/** Prints JSON instead of text. */
export const JSON_FLAG = { json: { type: "boolean" } } as const;

/** Overrides what `general.architecture` says. */
export const ARCHITECTURE_FLAG = { "assume-architecture": { type: "string" } } as const;

/** The help of {@linkcode ARCHITECTURE_FLAG}. */
export const ARCHITECTURE_HELP =
  "--assume-architecture NAME  take the file for this architecture, whatever it says";

/** The help of an operand MODEL. */
export const MODEL_HELP = "MODEL is the path or URL of a GGUF file, or of the first of its shards.";

/** What keys and values are kept in. */
export const KV_FLAG = { kv: { type: "string" } } as const;

/** The help of {@linkcode KV_FLAG}, after the flag. */
export const KV_HELP = "keep keys and values in f16 (default), or in q8_0 for half the memory";

/**
 * The value of {@linkcode KV_FLAG}, as loadModel takes it.
 *
 * @throws {UsageError} If it is no format.
 */
export function kvOption(values: Values<typeof KV_FLAG>): { kv?: KvFormat } {
  return given("kv", choiceValue("kv", values.kv, Object.keys(KV_FORMATS) as KvFormat[]));
}

/** How a model is loaded to answer. */
export const LOAD_FLAGS = {
  threads: { type: "string" },
  memory: { type: "string" },
  ...KV_FLAG,
  ...ARCHITECTURE_FLAG,
} as const;

/** The values of {@linkcode LOAD_FLAGS}, as loadModel takes them. */
export interface LoadValues {
  threads?: number;
  memory?: number;
  kv?: KvFormat;
  assumeArchitecture?: string;
}

/**
 * The values of {@linkcode LOAD_FLAGS}, as loadModel takes them.
 *
 * @throws {UsageError} If one is no value of its flag.
 */
export function loadOptions(values: Values<typeof LOAD_FLAGS>): LoadValues {
  return {
    ...given("threads", integerValue("threads", values.threads, 1)),
    ...given("memory", bytesValue("memory", values.memory)),
    ...kvOption(values),
    ...given("assumeArchitecture", values["assume-architecture"]),
  };
}
