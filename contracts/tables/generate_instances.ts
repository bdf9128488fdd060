/**
 * The table of published models: `qwen3-moe-forward-v1.yaml` → `instances.ts`.
 *
 * @module
 */
import { parse } from "yaml";
import { origin, union } from "./generated_source.ts";

/** What an instance says beside its name: whole numbers, but for the last two. */
const SIZES = {
  layers: "transformer layers",
  hidden: "width of the residual stream",
  heads: "query heads",
  kvHeads: "key-value heads",
  headSize: "width of one head",
  experts: "experts of one layer",
  expertsUsed: "experts that each token goes through",
  expertFeedForward: "width of one expert",
  vocabulary: "tokens that have an embedding",
  contextLength: "positions the model was trained for",
  ropeBase: "base of the rotary positions' frequencies",
  rmsEpsilon: "added to the mean square in each RMSNorm",
} as const;
const FRACTIONS: readonly string[] = ["ropeBase", "rmsEpsilon"];

interface InstancesContract {
  metadata: { id: string };
  instances: Record<string, Record<string, unknown>>;
}

/**
 * The source of `instances.ts`, formatted as `deno fmt` would.
 *
 * @param yaml the text of `qwen3-moe-forward-v1.yaml`
 * @throws {Error} If the text is not YAML, or an instance lacks a size, or has one that is no size.
 */
export function generateInstances(yaml: string): string {
  const { metadata, instances = {} } = parse(yaml) as InstancesContract;
  const fields = Object.entries(SIZES).map(([size, meaning]) =>
    `  /** ${meaning} */\n  readonly ${size}: number;\n`
  );
  return `${origin(metadata.id)}
/** A published model's sizes, in elements, and constants. */
export interface Instance {
  /** what its makers call it */
  readonly name: string;
${fields.join("")}}

${union("InstanceKey", "The key of a published model.", Object.keys(instances))}
/** The published models whose shape the contract states. */
export const INSTANCES: Readonly<Record<InstanceKey, Instance>> = {
${Object.entries(instances).map(row).join("")}};
`;
}

/** One instance, its fields in the order of the interface. */
function row([key, { name, ...sizes }]: [string, Record<string, unknown>]): string {
  const refuse = (problem: string): never => {
    throw new Error(`instances.${key}: ${problem}`);
  };
  if (typeof name !== "string") refuse("has no name");
  const stranger = Object.keys(sizes).find((size) => !Object.hasOwn(SIZES, size));
  if (stranger !== undefined) refuse(`'${stranger}' is no size of a model`);
  const lines = Object.keys(SIZES).map((size) => {
    const value = sizes[size];
    const fits = typeof value === "number" && value > 0 &&
      (FRACTIONS.includes(size) ? Number.isFinite(value) : Number.isSafeInteger(value));
    if (!fits) refuse(`'${size}' is ${value}`);
    return `    ${size}: ${literal(Number(value))},\n`;
  });
  return `  ${JSON.stringify(key)}: {\n    name: ${JSON.stringify(name)},\n${lines.join("")}  },\n`;
}

/** A number as it is written by hand: groups of three digits from five on, small ones as powers. */
function literal(value: number): string {
  if (!Number.isInteger(value)) return value.toExponential();
  return value < 10_000 ? String(value) : String(value).replace(/\B(?=(?:\d{3})+$)/g, "_");
}
