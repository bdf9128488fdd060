import { ChatTemplateError } from "./error.ts";

// A template is a program that came with a file, so what it may use up has bounds.

/** Characters of a template. Published ones stay below 64 Ki. */
export const MAX_TEMPLATE_LENGTH = 256 * 1024;

/**
 * Characters of white space in a row. The parser's regular expressions take time that grows with
 * the square of it; no indentation comes near.
 */
export const MAX_WHITESPACE_RUN = 1024;

/** Characters of any text a template builds, its output included: more than any context holds. */
export const MAX_TEXT_LENGTH = 8 * 1024 * 1024;

/** Items of any list a template builds. `range()` in Jinja's sandbox has the same bound. */
export const MAX_LIST_LENGTH = 100_000;

/** Steps of one rendering, a few seconds' worth: a step is a node of the syntax tree evaluated. */
export const MAX_STEPS = 2 ** 23;

/** Steps for an item of a list: a turn of a loop makes a scope and nine variables. */
export const STEPS_PER_ITEM = 8;

/** Characters of a text that are copied or searched in the time of a step. */
export const CHARACTERS_PER_STEP = 256;

/** The same where the work is done character by character, as in `replace()` and slices. */
export const SLOW_CHARACTERS_PER_STEP = 16;

/** @throws {ChatTemplateError} If the text is longer than {@linkcode MAX_TEXT_LENGTH}. */
export function checkTextLength(length: number): void {
  if (length > MAX_TEXT_LENGTH) {
    throw new ChatTemplateError(
      `The chat template builds a text of more than ${MAX_TEXT_LENGTH} characters`,
    );
  }
}

/** @throws {ChatTemplateError} If the list is longer than {@linkcode MAX_LIST_LENGTH}. */
export function checkListLength(length: number): void {
  if (length > MAX_LIST_LENGTH) {
    throw new ChatTemplateError(
      `The chat template builds a list of more than ${MAX_LIST_LENGTH} items`,
    );
  }
}
