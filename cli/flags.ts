/**
 * The flags that several verbs share, and what their help says.
 *
 * @module
 */

/** Prints JSON instead of text. */
export const JSON_FLAG = { json: { type: "boolean" } } as const;

/** Overrides what `general.architecture` says. */
export const ARCHITECTURE_FLAG = { "assume-architecture": { type: "string" } } as const;

/** The help of {@linkcode ARCHITECTURE_FLAG}. */
export const ARCHITECTURE_HELP =
  "--assume-architecture NAME  take the file for this architecture, whatever it says";

/** The help of an operand MODEL. */
export const MODEL_HELP = "MODEL is the path or URL of a GGUF file, or of the first of its shards.";
