/**
 * Activations: f32 rows, and beside them the forms that matrices of other types multiply with.
 *
 * @module
 */
import type { Job } from "./board.ts";
import { activationBytes, type ActivationFormat, ACTIVATIONS } from "./formats.ts";
import type { MemoryPlan } from "./memory_plan.ts";

/** [rows, columns] in one window: the f32 values and the forms made from them. */
export interface Activations {
  readonly window: number;
  readonly columns: number;
  /** the address of each form; "f32" is always there */
  readonly forms: ReadonlyMap<ActivationFormat, number>;
}

/** Reserves rows in f32 and in each of `formats`. */
export function reserveActivations(
  plan: MemoryPlan,
  window: number,
  rows: number,
  columns: number,
  formats: Iterable<ActivationFormat>,
): Activations {
  const forms = new Map<ActivationFormat, number>();
  for (const format of new Set<ActivationFormat>(["f32", ...formats])) {
    forms.set(format, plan.reserve(window, rows * activationBytes(format, columns)).address);
  }
  return { window, columns, forms };
}

/** The address of a form that was reserved. */
export function formAddress(activations: Activations, format: ActivationFormat): number {
  const address = activations.forms.get(format);
  if (address === undefined) throw new Error(`no room was reserved for the form ${format}`);
  return address;
}

/** Jobs that make the forms `formats` of the first `rows` rows from their f32 values. */
export function convertJobs(
  activations: Activations,
  formats: Iterable<ActivationFormat>,
  rows: number,
): Job[] {
  const { window, columns } = activations;
  const from = formAddress(activations, "f32");
  const jobs: Job[] = [];
  for (const format of new Set(formats)) {
    const operation = ACTIVATIONS[format].quantize;
    if (operation === undefined) continue;
    const args = [from, formAddress(activations, format), columns];
    jobs.push({ operation, window, units: rows, cost: columns * 4, args });
  }
  return jobs;
}
