import { type Environment, Interpreter } from "@huggingface/jinja";
import { ChatTemplateError } from "./error.ts";
import {
  CHARACTERS_PER_STEP,
  checkListLength,
  checkTextLength,
  MAX_STEPS,
  SLOW_CHARACTERS_PER_STEP,
  STEPS_PER_ITEM,
} from "./limits.ts";
import {
  type Arguments,
  STRIP_METHODS,
  stripMethod,
  type TemplateValue,
  TEXT_FILTERS,
} from "./text_filters.ts";
import { toText } from "./python_text.ts";

type Statement = Parameters<Interpreter["evaluate"]>[0];

/** A node of the syntax tree, with the fields that the kinds handled here have. */
interface TemplateNode {
  type: string;
  value?: unknown;
  operator?: { value: string };
  left?: TemplateNode;
  right?: TemplateNode;
  operand?: TemplateNode;
  filter?: TemplateNode;
  callee?: TemplateNode;
  args?: TemplateNode[];
  key?: TemplateNode;
  loopvar?: TemplateNode;
  body?: TemplateNode[];
  object?: TemplateNode;
  property?: TemplateNode;
  computed?: boolean;
}

/**
 * Runs a parsed template with three additions to the interpreter of `@huggingface/jinja`: values
 * turn into text as they do in Python, variables set in a loop last for one turn, and a budget of
 * steps ends a template that would run forever.
 */
export class ChatInterpreter extends Interpreter {
  #steps = 0;
  #sourceLength: number;
  /** The node about to be evaluated, if its value will not be walked through. */
  #glanced: TemplateNode | undefined;
  /** Loops, by the node as it was parsed. */
  #loops: WeakMap<TemplateNode, TemplateNode> = new WeakMap();

  /** @param sourceLength Characters of the template. */
  constructor(environment: Environment, sourceLength: number) {
    super(environment);
    this.#sourceLength = sourceLength;
  }

  /** Evaluates one node; the base class comes through here for every node below it. */
  override evaluate(statement: Statement, environment: Environment): TemplateValue {
    const node = statement as TemplateNode | undefined;
    if (node === undefined) return super.evaluate(undefined, environment);
    if (node.type === "Evaluated") return node.value as TemplateValue;

    const isGlanced = node === this.#glanced;
    const rewritten = this.#rewrite(node, environment);
    this.#glanced = glancedBy(node);
    const value = super.evaluate(rewritten as Statement, environment);
    this.#spend(stepsFor(node, this.#sourceLength) + stepsForValue(node, value.value, isGlanced));
    return value;
  }

  /** What the base class evaluates instead: often the node itself, else the text it stands for. */
  #rewrite(node: TemplateNode, environment: Environment): TemplateNode {
    switch (node.type) {
      case "FilterExpression":
        return this.#filter(node, environment);
      case "CallExpression":
        return this.#callMethod(node, environment);
      case "CallStatement":
        return text(toText(super.evaluate(node as Statement, environment)));
      case "BinaryExpression":
        return this.#concatenate(node, environment);
      case "For":
        return this.#loop(node);
      case "NewTurn":
        return forgetVariables(node, environment);
      default:
        return node;
    }
  }

  #filter(node: TemplateNode, environment: Environment): TemplateNode {
    const name = (node.filter!.callee ?? node.filter!).value as string;
    const filter = TEXT_FILTERS.get(name);
    if (!filter) return node;
    const operand = this.#value(node.operand!, environment);
    return text(filter(operand, this.#arguments(node.filter!, environment)));
  }

  #callMethod(node: TemplateNode, environment: Environment): TemplateNode {
    const { type, object, property, computed } = node.callee!;
    const name = property?.value as string;
    if (type !== "MemberExpression" || computed || !STRIP_METHODS.has(name)) return node;
    const operand = this.#value(object!, environment);
    return text(stripMethod(name, operand, this.#arguments(node, environment)));
  }

  /** `~` joins the texts of any two values, `+` only strings: Python refuses "a" + 1. */
  #concatenate(node: TemplateNode, environment: Environment): TemplateNode {
    const operator = node.operator!.value;
    if (operator !== "~" && operator !== "+") return node;
    const left = this.#value(node.left!, environment);
    const right = this.#value(node.right!, environment);
    if (operator === "~") return text(toText(left) + toText(right));

    const strings = [left, right].filter(({ type }) => type === "StringValue").length;
    if (strings === 1) throw new TypeError(`"+" cannot join ${left.type} and ${right.type}`);
    return { ...node, left: evaluated(left), right: evaluated(right) };
  }

  /** The loop with a statement before its body that ends the scope of the turn before. */
  #loop(node: TemplateNode): TemplateNode {
    let loop = this.#loops.get(node);
    if (!loop) {
      const newTurn: TemplateNode = { type: "NewTurn", value: node.loopvar };
      loop = { ...node, body: [newTurn, ...node.body!] };
      this.#loops.set(node, loop);
    }
    return loop;
  }

  #arguments({ args = [] }: TemplateNode, environment: Environment): Arguments {
    const positional: TemplateValue[] = [];
    const named = new Map<string, TemplateValue>();
    for (const argument of args) {
      if (argument.type === "KeywordArgumentExpression") {
        const value = this.#value(argument.value as TemplateNode, environment);
        named.set(argument.key!.value as string, value);
      } else {
        positional.push(this.#value(argument, environment));
      }
    }
    return { positional, named };
  }

  #value(node: TemplateNode, environment: Environment): TemplateValue {
    return this.evaluate(node as Statement, environment);
  }

  #spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) {
      throw new ChatTemplateError(`The chat template takes more than ${MAX_STEPS} steps to render`);
    }
  }
}

function text(value: string): TemplateNode {
  checkTextLength(value.length);
  return { type: "StringLiteral", value };
}

/** Drops what a turn of a loop has set, but for the loop's own variables. Gives nothing to print. */
function forgetVariables(node: TemplateNode, environment: Environment): TemplateNode {
  const { type, value } = node.value as TemplateNode;
  const targets = type === "TupleLiteral"
    ? (value as TemplateNode[])
    : [node.value as TemplateNode];
  const kept = new Set(["loop", "namespace", ...targets.map((target) => target.value)]);
  for (const name of environment.variables.keys()) {
    if (!kept.has(name)) environment.variables.delete(name);
  }
  return { type: "Comment" };
}

/** A node that stands for its value, so that an operand is never evaluated twice. */
function evaluated(value: TemplateValue): TemplateNode {
  return { type: "Evaluated", value };
}

/** The part of `list[index]` or `list | length` that is a list, of which no item is looked at. */
function glancedBy(node: TemplateNode): TemplateNode | undefined {
  if (node.type === "MemberExpression" && !isSlice(node)) return node.object;
  const isLength = node.type === "FilterExpression" && node.filter!.value === "length";
  return isLength ? node.operand : undefined;
}

function isSlice({ property }: TemplateNode): boolean {
  return property?.type === "SliceExpression";
}

/** Steps for the node itself: defining a macro scans the tree below it. */
function stepsFor({ type }: TemplateNode, sourceLength: number): number {
  return type === "Macro" || type === "CallStatement" ? 1 + sourceLength / 8 : 1;
}

/** Steps for a node's value, as it was built and may be walked through; checks its size as well. */
function stepsForValue(node: TemplateNode, value: unknown, isGlanced: boolean): number {
  if (typeof value === "string") {
    checkTextLength(value.length);
    const isSlow = node.type === "CallExpression" || isSlice(node);
    return value.length / (isSlow ? SLOW_CHARACTERS_PER_STEP : CHARACTERS_PER_STEP);
  }
  if (!Array.isArray(value)) return 0;
  checkListLength(value.length);
  return isGlanced ? 0 : value.length * STEPS_PER_ITEM;
}
