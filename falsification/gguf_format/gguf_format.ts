/**
 * The tests of contract gguf-format-v1.
 *
 * @module
 */
import {
  type GgufFile,
  layoutGguf,
  openGguf,
  type SourceLocation,
  writeGguf,
} from "../../gguf/mod.ts";
import type { Falsification } from "../falsification.ts";
import { fileTests } from "./files.ts";
import { refusalTests } from "./refusals.ts";
import { tensorTests } from "./tensors.ts";
import { valueTests } from "./values.ts";

/** A reader and a writer of GGUF under test. */
export interface GgufFormat {
  /** @throws {GgufError} for whatever is no sound GGUF file */
  open(from: SourceLocation | readonly SourceLocation[]): Promise<GgufFile>;
  /** The header of a file that is to be written, and where its tensors come to lie. */
  readonly layout: typeof layoutGguf;
  /** Writes the header, and the tensors' data behind it. */
  readonly write: typeof writeGguf;
}

/** The tests of gguf-format-v1. */
export const ggufFormat: Falsification<GgufFormat> = {
  contract: "gguf-format-v1",
  subject: () => ({ open: openGguf, layout: layoutGguf, write: writeGguf }),
  tests: [...valueTests, ...tensorTests, ...refusalTests, ...fileTests],
};
