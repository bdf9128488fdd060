/**
 * TypeScript as a tree, and what can be read off its expressions without running them.
 *
 * @module
 */
import { parse } from "@babel/parser";

/** A node, with properties by its type: those of Babel's syntax tree. */
export interface Node {
  /** such as "CallExpression" */
  readonly type: string;
  readonly [property: string]: unknown;
}

/** A text in a source, as far as the source says it. */
export interface Text {
  /** the text, or what it begins with */
  readonly text: string;
  /** whether that is all of it */
  readonly whole: boolean;
}

/** A text of which the source says nothing. */
export const UNKNOWN_TEXT: Text = { text: "", whole: false };

/** A source that does not parse. The message names the file and the place. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}

/**
 * The tree of a module.
 *
 * @param source TypeScript
 * @param path for errors
 * @throws {SourceError} If the source does not parse.
 */
export function parseModule(source: string, path: string): Node {
  try {
    const { program } = parse(source, {
      sourceType: "module",
      plugins: [
        "typescript",
        "decorators",
        "decoratorAutoAccessors",
        "deferredImportEvaluation",
        "sourcePhaseImports",
      ],
    });
    return program as unknown as Node;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SourceError(`${path} does not parse: ${error.message}`);
  }
}

/** The nodes below a node, each with the property that it is in, in the order of the source. */
export function children(node: Node): [property: string, child: Node][] {
  return Object.entries(node).flatMap(([property, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter(isNode)
      .map((child): [string, Node] => [property, child])
  );
}

/** The node in a property; undefined if it holds none, or a list. */
export function childOf(node: Node | undefined, property: string): Node | undefined {
  const child = node?.[property];
  return isNode(child) ? child : undefined;
}

/** The nodes in a property that holds a list. */
export function listOf(node: Node, property: string): readonly Node[] {
  const list = node[property];
  return Array.isArray(list) ? list.filter(isNode) : [];
}

/** The line that a node begins in, from 1. */
export function lineOf(node: Node): number {
  return (node.loc as { start: { line: number } }).start.line;
}

/** What a node is written as, on one line, its end left out if it is long. */
export function excerpt(node: Node, source: string): string {
  const text = source.slice(node.start as number, node.end as number).replaceAll(/\s+/g, " ");
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}

const TYPE_ONLY = [
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "ParenthesizedExpression",
];

/** An expression without what says only its type. */
export function untyped(node: Node): Node {
  const inner = TYPE_ONLY.includes(node.type) ? childOf(node, "expression") : undefined;
  return inner === undefined ? node : untyped(inner);
}

/** The names of `a.b.c`, whichever way it is written; undefined for anything else. */
export function memberPath(expression: Node): string[] | undefined {
  const node = untyped(expression);
  if (node.type === "Identifier") return [node.name as string];
  const object = /^(Optional)?MemberExpression$/.test(node.type)
    ? childOf(node, "object")
    : undefined;
  const before = object && memberPath(object);
  const name = keyName(node, "property");
  return before === undefined || name === undefined ? undefined : [...before, name];
}

/** The name of a property; undefined where only running the source would tell. */
export function keyName(node: Node, property: "key" | "property" = "key"): string | undefined {
  const key = childOf(node, property);
  if (key?.type === "StringLiteral") return key.value as string;
  return key?.type === "Identifier" && node.computed !== true ? key.name as string : undefined;
}

/** A text that is written down: in a literal, or in several with + between them. */
export function textOf(expression: Node): Text {
  const node = untyped(expression);
  if (node.type === "StringLiteral") return { text: node.value as string, whole: true };
  if (node.type === "TemplateLiteral") {
    const { cooked } = listOf(node, "quasis")[0]!.value as { cooked: string | null };
    return { text: cooked ?? "", whole: listOf(node, "expressions").length === 0 };
  }
  if (node.type !== "BinaryExpression" || node.operator !== "+") return UNKNOWN_TEXT;
  const left = textOf(childOf(node, "left")!);
  if (!left.whole) return left;
  const right = textOf(childOf(node, "right")!);
  return { text: left.text + right.text, whole: right.whole };
}

function isNode(value: unknown): value is Node {
  return typeof (value as { type?: unknown } | null | undefined)?.type === "string";
}
