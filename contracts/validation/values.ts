/**
 * Looking into the values of a YAML file without trusting that they are what they should be.
 *
 * @module
 */
import type { Mapping, Place } from "./document.ts";

/** A part of a file and where it stands. */
export interface Part {
  readonly place: Place;
  readonly value: unknown;
}

export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands at a key; undefined where nothing does, or where `value` is no mapping. */
export function valueAt(value: unknown, key: string): unknown {
  return isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The part at a key. */
export function partAt({ place, value }: Part, key: string): Part {
  return { place: [...place, key], value: valueAt(value, key) };
}

/** The entries of a list; none of anything else. */
export function itemsOf({ place, value }: Part): Part[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return items.map((item, index) => ({ place: [...place, index], value: item }));
}

/** The entries of a mapping; none of anything else. */
export function entriesOf({ place, value }: Part): Part[] {
  return Object.entries(isMapping(value) ? value : {})
    .map(([name, entry]) => ({ place: [...place, name], value: entry }));
}

/** Whether a text is missing: not there, nothing after its key, or only white space. */
export function isBlank(value: unknown): boolean {
  return value === undefined || value === null || typeof value === "string" && value.trim() === "";
}

/** Whether a list or a mapping is missing: not there, nothing after its key, or without entries. */
export function isEmpty(value: unknown): boolean {
  return isBlank(value) || typeof value === "object" && Object.keys(value!).length === 0;
}

/**
 * Whether an obligation is waived. What says so with another value than true is of the wrong type,
 * and counts.
 */
export function isWaived(obligation: unknown): boolean {
  const waived = valueAt(obligation, "waived");
  return waived !== undefined && waived !== false;
}
