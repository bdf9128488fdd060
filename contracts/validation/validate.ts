/**
 * Whether a contract is complete and well-formed, by itself: no other file is looked at.
 *
 * @module
 */
import {
  isReadable,
  type Mapping,
  type Place,
  readDocument,
  type Unreadable,
  type YamlDocument,
} from "./document.ts";
import { type Finding, findingOf, type Position, sortFindings } from "./finding.ts";
import { mismatches, shortened } from "./schema.ts";
import { breaches, misspeltKeys, type Problem } from "./problems.ts";
import { VALIDATE_RULES, type ValidateRule } from "./rules.ts";

/**
 * What is wrong with a contract; nothing where it is sound.
 *
 * @param path where it is, as the user named it
 * @param bytes the file, hostile or not
 */
export function validateContract(path: string, bytes: Uint8Array): Finding[] {
  return validateDocument(readDocument(path, bytes));
}

/** What is wrong with a contract whose file was read already. */
export function validateDocument(file: YamlDocument | Unreadable): Finding[] {
  const finding = (rule: ValidateRule, position: Position, message: string) =>
    findingOf(VALIDATE_RULES, rule, file.path, position, message);
  if (!isReadable(file)) return [finding("SCHEMA-000", file, file.message)];
  const repeated = file.repeatedKeys.map(({ key, ...position }) =>
    finding("SCHEMA-020", position, `the key '${shortened(key)}' stands here a second time`)
  );
  const problems = problemsOf(file.value).map(({ rule, place, message }) =>
    finding(rule, file.position(place, rule === "SCHEMA-000" ? "value" : "key"), message)
  );
  return sortFindings([...repeated, ...problems]);
}

/** Every problem, one for each defect. */
function problemsOf(contract: Mapping): Problem[] {
  const misspelt = misspeltKeys(contract);
  // What a misspelt key stands for is not missing: it is there, under another name.
  const meant = new Set(misspelt.map(({ meant }) => keyOf(meant)));
  const isThere = (place: Place) => withAncestors(place).some((part) => meant.has(keyOf(part)));
  const broken = breaches(contract, isThere);
  // Of what is missing or blank a rule spoke; that nothing is no text needs no saying.
  const spoken = new Set(broken.flatMap(({ place }) => withAncestors(place)).map(keyOf));
  const mismatched = mismatches(contract)
    .filter((mismatch) => !isThere(mismatch.place) && !spoken.has(keyOf(mismatch.place)))
    .map((mismatch) => ({ rule: "SCHEMA-000" as const, ...mismatch }));
  return [...misspelt, ...broken, ...mismatched];
}

/** A place and those that it lies in, the whole file left out. */
function withAncestors(place: Place): Place[] {
  return place.map((_, index) => place.slice(0, index + 1));
}

function keyOf(place: Place): string {
  return JSON.stringify(place);
}
