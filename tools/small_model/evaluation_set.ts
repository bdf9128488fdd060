/**
 * The questions that the small model is evaluated by, which evaluation.py writes.
 *
 * @module
 */
import type { Message, ToolDefinition } from "../../mod.ts";

/** A conversation so far, and what is to be said next. */
export interface Case {
  readonly kind: string;
  readonly messages: readonly Message[];
  readonly tools?: readonly ToolDefinition[];
  readonly answer: string;
}

const QUESTIONS = new URL("../../tests/fixtures/small_model/questions.json", import.meta.url);

/** All of them. */
export async function readCases(): Promise<Case[]> {
  return JSON.parse(await Deno.readTextFile(QUESTIONS));
}
