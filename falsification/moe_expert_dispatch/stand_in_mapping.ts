/**
 * A mapping of experts' stacks that no system has to know of: their bytes are copied to where the
 * system would show the file's.
 *
 * @module
 */
import type { Place } from "../../kernels/memory_plan.ts";
import { type MatrixPart, partBytes } from "../../moe/expert_store.ts";
import type { ExpertMapping } from "../../moe/mapped_experts.ts";
import { type ExpertStacks, PARTS } from "./expert_stacks.ts";

export class StandInMapping implements ExpertMapping {
  readonly alignment = 65536;
  held = true;
  readonly #stacks: ExpertStacks;
  readonly #reserved: { part: MatrixPart; bytes: number }[] = [];
  #views: Uint8Array[] = [];
  #viewOf: (place: Place, bytes: number) => Uint8Array = () => new Uint8Array();

  constructor(stacks: ExpertStacks) {
    this.#stacks = stacks;
  }

  reserve(part: MatrixPart, bytes: number): void {
    this.#reserved.push({ part, bytes });
  }

  /** Puts the bytes there, once there are memories. */
  async map(viewOf: (place: Place, bytes: number) => Uint8Array): Promise<void> {
    this.#viewOf = viewOf;
    this.#views = await Promise.all(this.#reserved.map(async ({ part, bytes }) => {
      const { tensor, offset, matrix } = part;
      const view = viewOf(matrix, bytes);
      view.set(await this.#stacks.read(PARTS[tensor.source]!, offset, bytes));
      return view;
    }));
  }

  /** From now on nothing is mapped, and zeros are where it was. */
  giveBack(): void {
    this.held = false;
    for (const view of this.#views) view.fill(0);
  }

  isPresent(): boolean {
    return this.held;
  }

  request(): void {}

  populate(): boolean {
    return this.held;
  }

  /** What is dropped must not be computed with. */
  drop(parts: readonly MatrixPart[]): void {
    for (const { matrix } of parts) this.#viewOf(matrix, partBytes(matrix)).fill(0);
  }

  empty(): void {}
}
