import type { JsonOptions, TemplateValue } from "./python_text.ts";
import { toJson, toText } from "./python_text.ts";

export type { TemplateValue };

/** Arguments of a filter or method. */
export interface Arguments {
  positional: TemplateValue[];
  named: Map<string, TemplateValue>;
}

type TextFilter = (operand: TemplateValue, args: Arguments) => string;

/** The filters of jinja2 and `transformers` that make text of any value. */
export const TEXT_FILTERS: ReadonlyMap<string, TextFilter> = new Map<string, TextFilter>([
  ["string", toText],
  ["tojson", (operand, { named }) => toJson(operand, jsonOptions(named))],
  ["trim", (operand, { positional, named }) => {
    const characters = positional[0] ?? named.get("chars");
    return strip(toText(operand), "strip", characters);
  }],
  ["join", (operand, { positional, named }) => {
    const separator = positional[0] ?? named.get("d");
    const items = itemsOf(operand).map((item) => typeof item === "string" ? item : toText(item));
    return items.join(separator ? toText(separator) : "");
  }],
]);

/** The methods of Python's strings that take characters off their ends. */
export const STRIP_METHODS: ReadonlySet<string> = new Set(["strip", "lstrip", "rstrip"]);

/** @throws {TypeError} If the operand is no string. */
export function stripMethod(
  name: string,
  operand: TemplateValue,
  { positional }: Arguments,
): string {
  const { value } = operand;
  if (typeof value !== "string") throw new TypeError(`${operand.type} has no method ${name}()`);
  return strip(value, name, positional[0]);
}

function itemsOf(operand: TemplateValue): (TemplateValue | string)[] {
  const { value } = operand;
  if (Array.isArray(value)) return value;
  return value instanceof Map ? [...value.keys()] : [...toText(operand)];
}

/** What Python's `str.isspace` accepts; JavaScript's `trim` knows some fewer and one more. */
const PYTHON_WHITESPACE = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003" +
  "\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

/** Takes any of the characters, by default white space, off one end or both. */
function strip(text: string, method: string, characters: TemplateValue | undefined): string {
  const strippable = typeof characters?.value === "string" ? characters.value : PYTHON_WHITESPACE;
  let start = 0;
  let end = text.length;
  if (method !== "rstrip") { while (start < end && strippable.includes(text[start]!)) start++; }
  if (method !== "lstrip") { while (end > start && strippable.includes(text[end - 1]!)) end--; }
  return text.slice(start, end);
}

function jsonOptions(named: ReadonlyMap<string, TemplateValue>): JsonOptions {
  const value = (name: string): unknown => named.get(name)?.value;
  const indent = value("indent");
  const separators = value("separators");
  return {
    ensureAscii: value("ensure_ascii") === true,
    sortKeys: value("sort_keys") === true,
    ...(typeof indent === "number" && { indent }),
    ...(Array.isArray(separators) && {
      separators: [toText(separators[0]), toText(separators[1])] as const,
    }),
  };
}
