/**
 * The rules of `validate`, each over a contract's values.
 *
 * @module
 */
import type { Mapping, Place } from "./document.ts";
import { nearMiss } from "./near_miss.ts";
import { describe, KNOWN_KEYS, shortened } from "./schema.ts";
import type { ValidateRule } from "./rules.ts";
import {
  entriesOf,
  isBlank,
  isEmpty,
  isMapping,
  isWaived,
  itemsOf,
  type Part,
  partAt,
  valueAt,
} from "./values.ts";

/** Something wrong with a part of a contract. */
export interface Problem {
  readonly rule: ValidateRule;
  /** of the part, or of what is missing */
  readonly place: Place;
  readonly message: string;
}

/** A key that is almost a known one. */
export interface MisspeltKey extends Problem {
  /** where the known one would stand */
  readonly meant: Place;
}

/** The keys that are almost known ones. */
export function misspeltKeys(contract: Mapping): MisspeltKey[] {
  const whole = { place: [], value: contract };
  const at = (key: string) => partAt(whole, key);
  return [
    ...misspeltIn(KNOWN_KEYS.contract, [whole]),
    ...misspeltIn(KNOWN_KEYS.metadata, [at("metadata")]),
    ...misspeltIn(KNOWN_KEYS.equation, entriesOf(at("equations"))),
    ...misspeltIn(KNOWN_KEYS.obligation, itemsOf(at("proof_obligations"))),
    ...misspeltIn(KNOWN_KEYS.falsificationTest, itemsOf(at("falsification_tests"))),
    ...misspeltIn(KNOWN_KEYS.qaGate, [at("qa_gate")]),
  ];
}

function misspeltIn(known: readonly string[], mappings: readonly Part[]): MisspeltKey[] {
  return mappings.flatMap(entriesOf).flatMap(({ place }) => {
    const key = String(place.at(-1));
    const word = nearMiss(key, known);
    if (word === undefined) return [];
    const meant = [...place.slice(0, -1), word];
    const message = `the key '${shortened(key)}' is not known; '${word}' is`;
    return [{ rule: "SCHEMA-019", place, meant, message }];
  });
}

/**
 * What breaks a rule other than those of spelling and of types.
 *
 * @param isThere whether something stands at a place under another name, and is not missing
 */
export function breaches(contract: Mapping, isThere: (place: Place) => boolean): Problem[] {
  const whole = { place: [], value: contract };
  const obligations = itemsOf(partAt(whole, "proof_obligations")).filter(isOfMapping);
  const tests = itemsOf(partAt(whole, "falsification_tests")).filter(isOfMapping);
  return [
    ...metadataBreaches(partAt(whole, "metadata")),
    ...equationBreaches(whole),
    ...obligations.flatMap((part) => missing("SCHEMA-005", part, "property")),
    ...repeated("SCHEMA-006", obligations, "formal"),
    ...obligations.flatMap(waiverBreaches),
    ...repeated("SCHEMA-007", tests, "id"),
    ...tests.flatMap((part) => missing("SCHEMA-008", part, "prediction")),
    ...tests.flatMap((part) => missing("SCHEMA-009", part, "if_fails")),
    ...gateBreaches(partAt(whole, "qa_gate")),
    ...provabilityBreaches(contract, isThere),
  ].filter(({ place }) => !isThere(place));
}

function metadataBreaches(metadata: Part): Problem[] {
  if (!isBlank(metadata.value) && !isMapping(metadata.value)) return [];
  const references = partAt(metadata, "references");
  const blank = itemsOf(references).filter(({ value }) => isBlank(value));
  const without = isEmpty(references.value)
    ? [{ place: references.place, message: "metadata.references names nothing" }]
    : blank.map(({ place }) => ({ place, message: `${describe(place)} is blank` }));
  return [
    ...without.map((problem) => ({ rule: "SCHEMA-001" as const, ...problem })),
    ...missing("SCHEMA-002", metadata, "version"),
  ];
}

function equationBreaches(contract: Part): Problem[] {
  const equations = partAt(contract, "equations");
  const kind = valueAt(valueAt(contract.value, "metadata"), "kind") ?? "kernel";
  if (isEmpty(equations.value)) {
    if (kind !== "kernel" && kind !== "model") return [];
    const message = `a contract of kind '${kind}' needs at least one equation`;
    return [{ rule: "SCHEMA-003", place: equations.place, message }];
  }
  return entriesOf(equations)
    .filter(({ value }) => isMapping(value) || isBlank(value))
    .flatMap((part) => missing("SCHEMA-004", part, "formula"));
}

function waiverBreaches(obligation: Part): Problem[] {
  const { place, value } = obligation;
  if (isWaived(value)) {
    return [
      ...missing("SCHEMA-021", obligation, "reason", "is waived without"),
      ...missing("SCHEMA-022", obligation, "owner", "is waived without"),
    ];
  }
  const key = ["reason", "owner"].find((key) => !isBlank(valueAt(value, key)));
  if (key === undefined) return [];
  const message = `${describe(place)} has the ${key} of a waiver, and not 'waived: true'`;
  return [{ rule: "SCHEMA-023", place: [...place, key], message }];
}

function gateBreaches({ place, value }: Part): Problem[] {
  return isEmpty(value) ? [{ rule: "SCHEMA-013", place, message: "there is no qa_gate" }] : [];
}

function provabilityBreaches(contract: Mapping, isThere: (place: Place) => boolean): Problem[] {
  const rule = "PROVABILITY-001";
  const lists = ["proof_obligations", "falsification_tests"] as const;
  const lacks = lists.filter((key) => isEmpty(valueAt(contract, key)) && !isThere([key]));
  if (lacks.length > 0) {
    return [{ rule, place: [lacks[0]!], message: `there are no ${lacks.join(" and no ")}` }];
  }
  const [obligations, tests] = lists.map((key) => valueAt(contract, key));
  if (!Array.isArray(obligations) || !Array.isArray(tests)) return [];
  const owed = obligations.filter((entry) => isMapping(entry) && !isWaived(entry)).length;
  if (tests.length >= owed) return [];
  const message = `too few tests: ${tests.length}, for ${owed} obligations that are not waived`;
  return [{ rule, place: ["falsification_tests"], message }];
}

/** Texts at a key that an earlier part has too, white space aside. */
function repeated(rule: ValidateRule, parts: readonly Part[], key: string): Problem[] {
  const first = new Map<string, Place>();
  return parts.flatMap(({ place, value }) => {
    const text = valueAt(value, key);
    if (typeof text !== "string" || isBlank(text)) return [];
    const words = text.trim().replaceAll(/\s+/g, " ");
    const earlier = first.get(words);
    if (earlier === undefined) {
      first.set(words, place);
      return [];
    }
    const message = `${describe(place)} has the same ${key} as ${describe(earlier)}`;
    return [{ rule, place: [...place, key], message }];
  });
}

/** One problem if the text at a key is missing. */
function missing(
  rule: ValidateRule,
  { place, value }: Part,
  key: string,
  fault: string = "has no",
): Problem[] {
  if (!isBlank(valueAt(value, key))) return [];
  return [{ rule, place: [...place, key], message: `${describe(place)} ${fault} ${key}` }];
}

function isOfMapping({ value }: Part): boolean {
  return isMapping(value);
}
