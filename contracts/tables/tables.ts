/**
 * The tables that the engine reads, and what makes each of its contract.
 *
 * @module
 */
import { generateInstances } from "./generate_instances.ts";
import { generateTensorNames } from "./generate_names.ts";
import { generateTensorShapes } from "./generate_shapes.ts";

/** A table of a contract, as TypeScript that is generated from it. */
export interface Table {
  /** the contract's name, such as "tensor-names-v1" */
  readonly contract: string;
  /** where the table stands, relative to the repository's root */
  readonly path: string;
  /**
   * The table's source.
   *
   * @param yaml the text of the contract
   * @throws {Error} If the contract's table names what is not there, or can be read in two ways.
   */
  generate(yaml: string): string;
}

/** Every table. */
export const TABLES: readonly Table[] = [
  {
    contract: "tensor-names-v1",
    path: "contracts/tensor_names.ts",
    generate: generateTensorNames,
  },
  {
    contract: "qwen3moe-shapes-v1",
    path: "contracts/tensor_shapes.ts",
    generate: generateTensorShapes,
  },
  {
    contract: "qwen3-moe-forward-v1",
    path: "contracts/instances.ts",
    generate: generateInstances,
  },
];
