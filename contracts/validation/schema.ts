/**
 * The JSON Schema of contracts: which keys there are, and what values they take.
 *
 * @module
 */
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import schema from "../contract.schema.json" with { type: "json" };
import type { Mapping, Place } from "./document.ts";

const { metadata, equations, proof_obligations, falsification_tests, qa_gate } = schema.properties;

/** The keys that mean something, by the mapping that they stand in. */
export const KNOWN_KEYS = {
  contract: Object.keys(schema.properties),
  metadata: Object.keys(metadata.properties),
  equation: Object.keys(equations.additionalProperties.properties),
  obligation: Object.keys(proof_obligations.items.properties),
  falsificationTest: Object.keys(falsification_tests.items.properties),
  qaGate: Object.keys(qa_gate.properties),
} as const satisfies Record<string, readonly string[]>;

/** A value that is not what the schema says. */
export interface Mismatch {
  /** of the value, or of what is missing */
  readonly place: Place;
  readonly message: string;
}

const check = new Ajv2020({
  allErrors: true,
  verbose: true,
  allowUnionTypes: true,
  // Conditions speak of keys that are described elsewhere.
  strictRequired: false,
  strictTypes: false,
}).compile(schema);

/**
 * The values of the wrong type or form. What is missing or empty is left to those who call, but for
 * a test's id.
 */
export function mismatches(contract: Mapping): Mismatch[] {
  if (check(contract)) return [];
  return check.errors!.filter(isOfForm).map((error) => {
    const place = placeOf(error.instancePath, contract);
    if (error.keyword === "required") {
      return { place: [...place, "id"], message: `${describe(place)} has no id` };
    }
    const message = `${describe(place)}: expected ${expected(error)}, found ${found(error.data)}`;
    return { place, message };
  });
}

/** A place as people write it: `falsification_tests[2].id`. */
export function describe(place: Place): string {
  return place.map((step, index) =>
    typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`
  ).join("");
}

function isOfForm({ keyword, params }: ErrorObject): boolean {
  if (keyword === "required") return params["missingProperty"] === "id";
  return keyword === "type" || keyword === "enum" || keyword === "pattern";
}

/** A JSON pointer as keys and indexes. */
function placeOf(pointer: string, contract: Mapping): Place {
  let value: unknown = contract;
  return pointer.split("/").slice(1).map((step) => {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    const place = Array.isArray(value) ? Number(key) : key;
    value = (value as Mapping)[place];
    return place;
  });
}

const KINDS: Readonly<Record<string, string>> = {
  object: "a mapping",
  array: "a list",
  string: "text",
  number: "a number",
  boolean: "true or false",
};

function expected({ keyword, schema }: ErrorObject): string {
  if (keyword === "enum") return `one of ${(schema as string[]).join(", ")}`;
  if (keyword === "pattern") {
    return schema === "\\S" ? "text that is not blank" : "a version of the form 1.0.0";
  }
  return [schema as string | string[]].flat().map((type) => KINDS[type] ?? type).join(" or ");
}

/** A value for a message; nothing of what is in a mapping or a list. */
function found(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  // Unquoted text with ": " in it is a mapping in YAML.
  if (typeof value === "object") return 'a mapping (text with ": " in it must be quoted)';
  if (typeof value === "string") return JSON.stringify(shortened(value));
  return `the ${typeof value} ${String(value)}`;
}

/** Text for a message. */
export function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
