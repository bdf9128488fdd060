/**
 * An engine that takes part.
 *
 * @module
 */
import type { Sample } from "./speeds.ts";
import type { Workload } from "./workload.ts";

/** A model file, or its shards. */
export interface ModelFiles {
  /** the first is what engines open that find the other shards by themselves */
  readonly paths: readonly string[];
  /** bytes of all */
  readonly bytes: number;
}

/** What an engine is to do. */
export interface Task {
  readonly threads: number;
  /** computed first, unmeasured: experts are read and code is optimized */
  readonly warmUp: Workload;
  /** then this is measured */
  readonly measured: Workload;
}

/** An engine with a model. */
export interface Contender extends AsyncDisposable {
  /** The name in the table. */
  readonly name: string;
  /** Measures once. @throws if the engine can not run here; the message says why */
  measure(task: Task): Promise<Sample>;
}
