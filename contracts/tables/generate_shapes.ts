/**
 * The table of shapes: `qwen3moe-shapes-v1.yaml` → `tensor_shapes.ts`.
 *
 * @module
 */
import { parse } from "yaml";
import { origin } from "./generated_source.ts";
import { FUSED_PARTS, GLOBAL_ROLES, LAYER_ROLES } from "../tensor_names.ts";

interface ShapesContract {
  metadata: { id: string };
  /** what each size is, by its name */
  sizes: Record<string, string>;
  /** each dimension as a product of sizes, innermost first, by role */
  shapes: Record<string, string[]>;
}

/** A product of names, divided by a whole number or not: `heads * headSize`, `ropeDimensions / 2`. */
const DIMENSION = /^[a-zA-Z]+(?: \* [a-zA-Z]+)*(?: \/ [1-9][0-9]*)?$/;
const NAME = /[a-zA-Z]+/g;

/**
 * The source of `tensor_shapes.ts`, formatted as `deno fmt` would.
 *
 * @param yaml the text of `qwen3moe-shapes-v1.yaml`
 * @throws {Error} If the text is not YAML, names a role or a size that is not there, or explains a
 * size that no shape has.
 */
export function generateTensorShapes(yaml: string): string {
  const { metadata, sizes = {}, shapes = {} } = parse(yaml) as ShapesContract;
  checkShapes(sizes, shapes);
  const fields = Object.entries(sizes).map(([name, meaning]) =>
    `  /** ${meaning} */\n  readonly ${name}: number;\n`
  );
  const rows = Object.entries(shapes).map(([role, dimensions]) =>
    `  ${role}: (s) => [${
      dimensions.map((dimension) => dimension.replaceAll(NAME, "s.$&")).join(", ")
    }],\n`
  );
  return `${origin(metadata.id)}
import type { Role } from "./tensor_names.ts";

/** The sizes, in elements, that shapes are made of. */
export interface ShapeSizes {
${fields.join("")}}

/** The shape of each role's tensor, innermost dimension first, as GGUF stores it. */
export const SHAPES: Readonly<
  Partial<Record<Role, (sizes: ShapeSizes) => readonly number[]>>
> = {
${rows.join("")}};
`;
}

function checkShapes(sizes: Record<string, string>, shapes: Record<string, string[]>): void {
  const roles: readonly string[] = [...GLOBAL_ROLES, ...LAYER_ROLES, ...Object.keys(FUSED_PARTS)];
  const used = new Set<string>();
  for (const [role, dimensions] of Object.entries(shapes)) {
    if (!roles.includes(role)) throw new Error(`shapes.${role}: no role of tensor-names-v1`);
    if (!Array.isArray(dimensions) || dimensions.length === 0) {
      throw new Error(`shapes.${role}: is no list of dimensions`);
    }
    for (const dimension of dimensions) {
      if (!DIMENSION.test(dimension)) {
        throw new Error(`shapes.${role}: '${dimension}' is no product of sizes`);
      }
      for (const [name] of dimension.matchAll(NAME)) {
        if (!Object.hasOwn(sizes, name)) throw new Error(`shapes.${role}: no size is '${name}'`);
        used.add(name);
      }
    }
  }
  const unused = Object.keys(sizes).find((name) => !used.has(name));
  if (unused !== undefined) throw new Error(`sizes.${unused}: no shape has it`);
}
