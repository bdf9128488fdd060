/**
 * Contracts, as the tools that compare them see them.
 *
 * @module
 */
import { isReadable, type Place, type Unreadable, type YamlDocument } from "./document.ts";
import { BEGINNING, type Position } from "./finding.ts";
import {
  entriesOf,
  isBlank,
  isMapping,
  isWaived,
  itemsOf,
  type Part,
  partAt,
  valueAt,
} from "./values.ts";

/** A part of a contract, and where it stands in the file. */
export interface Placed {
  readonly place: Place;
}

/** One of a list of names. */
export interface Name extends Placed {
  readonly name: string;
}

/** An entry of `equations`. */
export interface Equation extends Placed {
  readonly name: string;
  readonly formula: string | undefined;
  readonly domain: string | undefined;
  readonly codomain: string | undefined;
  readonly preconditions: readonly string[];
  readonly invariants: readonly string[];
  readonly postconditions: readonly string[];
  readonly assumes: readonly Assumption[];
}

/** An entry of an equation's `assumes`. */
export interface Assumption extends Placed {
  /** such as "softmax-kernel-v1.softmax" */
  readonly from: string | undefined;
  /** what the other equation says, word for word */
  readonly that: string | undefined;
}

/** An entry of `proof_obligations`. */
export interface Obligation extends Placed {
  readonly id: string | undefined;
  readonly property: string | undefined;
  readonly formal: string | undefined;
  readonly tolerance: string | undefined;
  /** the name of an equation */
  readonly appliesTo: string | undefined;
  readonly waived: boolean;
}

/** An entry of `falsification_tests`. */
export interface TestEntry extends Placed {
  readonly id: string | undefined;
  /** the property or the id of an obligation */
  readonly rule: string | undefined;
  readonly prediction: string | undefined;
  /** the title of a test in the code */
  readonly test: string | undefined;
  readonly ifFails: string | undefined;
}

/**
 * A contract, as far as it is well-formed: what is missing, blank or of another type is undefined,
 * or left out of its list.
 */
export interface Contract {
  /** the file's name without its ending */
  readonly name: string;
  /** where the file is, as the user named it */
  readonly path: string;
  readonly id: string | undefined;
  readonly version: string | undefined;
  readonly references: readonly string[];
  readonly dependsOn: readonly Name[];
  readonly equations: readonly Equation[];
  readonly obligations: readonly Obligation[];
  readonly tests: readonly TestEntry[];
  /** the ids that the gate checks; undefined without a gate */
  readonly checks: readonly Name[] | undefined;
  /** where a part stands; see {@linkcode YamlDocument} */
  position(place: Place, aim?: "key" | "value"): Position;
}

/** The contract of a file; an empty one if the file can't be read. */
export function contractOf(name: string, file: YamlDocument | Unreadable): Contract {
  const whole: Part = { place: [], value: isReadable(file) ? file.value : {} };
  const metadata = partAt(whole, "metadata");
  const gate = partAt(whole, "qa_gate");
  return {
    name,
    path: file.path,
    id: textAt(metadata, "id"),
    version: textAt(metadata, "version"),
    references: textsAt(metadata, "references"),
    dependsOn: namesOf(partAt(metadata, "depends_on")),
    equations: entriesOf(partAt(whole, "equations")).map(equationOf),
    obligations: mappingsOf(partAt(whole, "proof_obligations")).map(obligationOf),
    tests: mappingsOf(partAt(whole, "falsification_tests")).map(testOf),
    checks: isMapping(gate.value) ? namesOf(partAt(gate, "checks")) : undefined,
    position: (place, aim) => isReadable(file) ? file.position(place, aim) : BEGINNING,
  };
}

function equationOf(part: Part): Equation {
  return {
    place: part.place,
    name: String(part.place.at(-1)),
    formula: textAt(part, "formula"),
    domain: textAt(part, "domain"),
    codomain: textAt(part, "codomain"),
    preconditions: textsAt(part, "preconditions"),
    invariants: textsAt(part, "invariants"),
    postconditions: textsAt(part, "postconditions"),
    assumes: mappingsOf(partAt(part, "assumes")).map((assumption) => ({
      place: assumption.place,
      from: textAt(assumption, "from"),
      that: textAt(assumption, "that"),
    })),
  };
}

function obligationOf(part: Part): Obligation {
  const tolerance = valueAt(part.value, "tolerance");
  return {
    place: part.place,
    id: textAt(part, "id"),
    property: textAt(part, "property"),
    formal: textAt(part, "formal"),
    tolerance: typeof tolerance === "number" ? String(tolerance) : textAt(part, "tolerance"),
    appliesTo: textAt(part, "applies_to"),
    waived: isWaived(part.value),
  };
}

function testOf(part: Part): TestEntry {
  return {
    place: part.place,
    id: textAt(part, "id"),
    rule: textAt(part, "rule"),
    prediction: textAt(part, "prediction"),
    test: textAt(part, "test"),
    ifFails: textAt(part, "if_fails"),
  };
}

function textAt({ value }: Part, key: string): string | undefined {
  const text = valueAt(value, key);
  return typeof text === "string" && !isBlank(text) ? text : undefined;
}

function textsAt(part: Part, key: string): string[] {
  return namesOf(partAt(part, key)).map(({ name }) => name);
}

function namesOf(list: Part): Name[] {
  return itemsOf(list).flatMap(({ place, value }) =>
    typeof value === "string" && !isBlank(value) ? [{ place, name: value }] : []
  );
}

function mappingsOf(list: Part): Part[] {
  return itemsOf(list).filter(({ value }) => isMapping(value));
}
