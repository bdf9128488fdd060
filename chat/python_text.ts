// How Python writes values as text, where it differs from JavaScript: models were trained on
// prompts that Python's jinja2 rendered, and `True` and `true` are different tokens.
import type { Interpreter } from "@huggingface/jinja";
import { checkTextLength } from "./limits.ts";

/** A value inside a running template. */
export type TemplateValue = ReturnType<Interpreter["evaluate"]>;

/** How scalars and containers are written. */
interface Style {
  none: string;
  true: string;
  false: string;
  quote: (text: string) => string;
  itemSeparator: string;
  keySeparator: string;
  /** Set, it puts every item on its own line, indented by this for each level. */
  indent?: string;
  sortKeys: boolean;
}

/** Options of Python's `json.dumps`. */
export interface JsonOptions {
  indent?: number;
  ensureAscii?: boolean;
  sortKeys?: boolean;
  separators?: readonly [item: string, key: string];
}

const REPR: Style = {
  none: "None",
  true: "True",
  false: "False",
  quote: quoteLikePython,
  itemSeparator: ", ",
  keySeparator: ": ",
  sortKeys: false,
};

/** Python's `str()`. What is undefined gives no text, as in jinja2. */
export function toText(value: TemplateValue): string {
  if (value.type === "StringValue") return value.value as string;
  if (value.type === "UndefinedValue") return "";
  return write(value, REPR);
}

/** Python's `json.dumps()` as the `transformers` library sets it up for templates. */
export function toJson(value: TemplateValue, options: JsonOptions = {}): string {
  const { indent, ensureAscii = false, sortKeys = false, separators } = options;
  return write(value, {
    none: "null",
    true: "true",
    false: "false",
    quote: ensureAscii ? (text) => escapeNonAscii(JSON.stringify(text)) : JSON.stringify,
    itemSeparator: separators?.[0] ?? (indent === undefined ? ", " : ","),
    keySeparator: separators?.[1] ?? ": ",
    ...(indent !== undefined && { indent: " ".repeat(indent) }),
    sortKeys,
  });
}

function write(value: TemplateValue, style: Style): string {
  const parts: string[] = [];
  let length = 0;

  function emit(part: string): void {
    length += part.length;
    // Values can share parts, so that a small program makes a text of astronomic length.
    checkTextLength(length);
    parts.push(part);
  }

  function emitItems<Item>(
    [open, close]: string,
    items: Item[],
    depth: number,
    emitItem: (item: Item) => void,
  ): void {
    const lineBreak = style.indent === undefined ? "" : "\n";
    emit(open!);
    items.forEach((item, index) => {
      emit((index > 0 ? style.itemSeparator : "") + lineBreak);
      emit((style.indent ?? "").repeat(depth + 1));
      emitItem(item);
    });
    if (items.length > 0) emit(lineBreak + (style.indent ?? "").repeat(depth));
    emit(close!);
  }

  function emitValue(value: TemplateValue, depth: number): void {
    const content: unknown = value.value;
    if (typeof content === "string") emit(style.quote(content));
    else if (typeof content === "boolean") emit(content ? style.true : style.false);
    else if (value.type === "FloatValue") emit(floatText(content as number));
    else if (typeof content === "number") emit(String(content));
    else if (content === null || content === undefined) emit(style.none);
    else if (Array.isArray(content)) {
      emitItems("[]", content, depth, (item) => emitValue(item, depth + 1));
    } else if (content instanceof Map) {
      const entries: [string, TemplateValue][] = [...content];
      if (style.sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : 1));
      emitItems("{}", entries, depth, ([key, item]) => {
        emit(style.quote(key) + style.keySeparator);
        emitValue(item, depth + 1);
      });
    } else {
      throw new TypeError("A function cannot be written as text");
    }
  }

  emitValue(value, 0);
  return parts.join("");
}

/** Python's `repr(float)`: an exponent of at least two digits, below 1e-4 and from 1e16 up. */
function floatText(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  if (Object.is(value, -0)) return "-0.0";
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Python's `repr(str)`: single quotes unless that saves escapes. */
function quoteLikePython(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(
    /[\\'"]|(?! )[\p{C}\p{Z}]/gu,
    (character) => /['"]/.test(character) && character !== quote ? character : escape(character),
  );
  return quote + escaped + quote;
}

const SHORT_ESCAPES: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escape(character: string): string {
  if (/['"\\]/.test(character)) return `\\${character}`;
  const short = SHORT_ESCAPES[character];
  if (short) return short;
  const code = character.codePointAt(0)!;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

function escapeNonAscii(json: string): string {
  return json.replace(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
