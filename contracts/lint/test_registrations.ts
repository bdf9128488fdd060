/**
 * The calls of `Deno.test` in a source, in all their forms.
 *
 * @module
 */
import {
  childOf,
  children,
  excerpt,
  keyName,
  lineOf,
  listOf,
  memberPath,
  type Node,
  parseModule,
  type Text,
  textOf,
  UNKNOWN_TEXT,
  untyped,
} from "./syntax_tree.ts";

/** A call of `Deno.test` or of one of its variants. */
export interface Registration {
  readonly title: Text;
  /** from 1 */
  readonly line: number;
  /** how the test is left out of the run; undefined where nothing at its place says so */
  readonly skipped: string | undefined;
  /** whether it has the file's other tests left out */
  readonly only: boolean;
}

/**
 * The registrations of a source, in its order. Where `Deno.test` is not called but handed on, what
 * is registered by it can't be known; that is a skipped registration of an unknown title.
 *
 * @param source TypeScript
 * @param path for errors
 * @throws {SourceError} If the source does not parse.
 */
export function findRegistrations(source: string, path: string): Registration[] {
  const found: Registration[] = [];

  function visit(node: Node, condition: string | undefined): void {
    const call = readCall(node, source);
    if (call !== undefined) {
      found.push({ line: lineOf(node), ...call, skipped: call.skipped ?? condition });
      for (const argument of listOf(node, "arguments")) visit(argument, condition);
      return;
    }
    if (isPartOfDenoTest(node)) {
      const handedOn = variantOf(node);
      if (handedOn === undefined) return;
      const skipped = `${handedOn.name} is not called where it is named`;
      found.push({ title: UNKNOWN_TEXT, line: lineOf(node), skipped, only: handedOn.only });
      return;
    }
    for (const [property, child] of children(node)) {
      const own = isBranch(node, property)
        ? `registered under a condition (line ${lineOf(node)})`
        : undefined;
      visit(child, condition ?? own);
    }
  }

  visit(parseModule(source, path), undefined);
  return found;
}

/** What runs only if something else is so. */
const BRANCHES: Readonly<Record<string, readonly string[]>> = {
  IfStatement: ["consequent", "alternate"],
  ConditionalExpression: ["consequent", "alternate"],
  LogicalExpression: ["right"],
  SwitchCase: ["consequent"],
  CatchClause: ["body"],
};

function isBranch(node: Node, property: string): boolean {
  return BRANCHES[node.type]?.includes(property) === true;
}

/** `Deno.test`, or what it is written with: `Deno.test.ignore`, `Deno.test.only.each`. */
interface Variant {
  readonly name: string;
  readonly ignored: boolean;
  readonly only: boolean;
  /** whether it takes a list of cases and gives a function that registers a test of each */
  readonly each: boolean;
}

function nameOf(expression: Node): string {
  const path = memberPath(expression) ?? [];
  return (path[0] === "globalThis" ? path.slice(1) : path).join(".");
}

/** Whether an expression is `Deno.test`, a variant of it, or another of its parts. */
function isPartOfDenoTest(expression: Node): boolean {
  return /^Deno\.test(\.|$)/.test(nameOf(expression));
}

function variantOf(expression: Node): Variant | undefined {
  const name = nameOf(expression);
  const match = /^Deno\.test(?:\.(ignore|only))?(\.each)?$/.exec(name);
  if (match === null) return undefined;
  const [, modifier, each] = match;
  return {
    name,
    ignored: modifier === "ignore",
    only: modifier === "only",
    each: each !== undefined,
  };
}

function isCall(node: Node): boolean {
  return node.type === "CallExpression" || node.type === "OptionalCallExpression";
}

/** What a call registers; undefined if it is not one of `Deno.test`. */
function readCall(
  call: Node,
  source: string,
): Pick<Registration, "title" | "skipped" | "only"> | undefined {
  const callee = isCall(call) ? untyped(childOf(call, "callee")!) : undefined;
  if (callee === undefined) return undefined;
  const ofCases = isCall(callee) ? variantOf(childOf(callee, "callee")!) : undefined;
  const variant = ofCases?.each ? ofCases : variantOf(callee);
  if (variant === undefined || (variant.each && variant !== ofCases)) return undefined;

  const { title, options } = readArguments(listOf(call, "arguments"));
  const flags = readOptions(options, source);
  return {
    title: variant.each ? patternOf(title) : title,
    skipped: variant.ignored ? variant.name : flags.skipped,
    only: variant.only || flags.only,
  };
}

/** A title of `each`: the cases fill in what begins with % or $, and say how many tests there are. */
function patternOf({ text }: Text): Text {
  return { text: text.split(/[%$]/)[0]!, whole: false };
}

/** A function's name is no falsification test's: it can't have a hyphen. */
const FUNCTION_NAME: Text = { text: "a function's name", whole: true };

/** What a call says of a test. Options that are no object literal can't be read. */
interface TestArguments {
  readonly title: Text;
  readonly options: Node | undefined;
}

/** (title, function), (title, options, function), (definition), (options, function), (function). */
function readArguments(args: readonly Node[]): TestArguments {
  const [first, second] = args.map(untyped);
  if (first === undefined || isFunction(first)) {
    return { title: FUNCTION_NAME, options: undefined };
  }
  if (first.type === "ObjectExpression") return { title: nameIn(first), options: first };
  // One argument that is no function, or `...rest`, may hold whatever a definition does.
  const open = args.length === 1 ? first : args.find(({ type }) => type === "SpreadElement");
  const hasOptions = args.length > 2 || second?.type === "ObjectExpression";
  return { title: textOf(first), options: open ?? (hasOptions ? second : undefined) };
}

function isFunction(node: Node): boolean {
  return node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression";
}

/** The title in a definition; where it has none, its function's name is the title. */
function nameIn(definition: Node): Text {
  let title = FUNCTION_NAME;
  for (const property of listOf(definition, "properties")) {
    const key = keyName(property);
    if (key === undefined) title = UNKNOWN_TEXT;
    if (key !== "name") continue;
    const value = childOf(property, "value");
    title = value === undefined ? UNKNOWN_TEXT : textOf(value);
  }
  return title;
}

function readOptions(
  options: Node | undefined,
  source: string,
): Pick<Registration, "skipped" | "only"> {
  const unreadable = "its options can't be read off the source";
  if (options === undefined) return { skipped: undefined, only: false };
  if (options.type !== "ObjectExpression") return { skipped: unreadable, only: false };
  let skipped: string | undefined;
  let only = false;
  for (const property of listOf(options, "properties")) {
    const key = keyName(property);
    const value = childOf(property, "value");
    const isFalse = value?.type === "BooleanLiteral" && value.value === false;
    if (key === undefined) skipped = unreadable;
    if (key === "only") only = !isFalse;
    if (key === "ignore") skipped = isFalse ? undefined : excerpt(property, source);
  }
  return { skipped, only };
}
