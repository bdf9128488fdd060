/**
 * The stage: room in every window for rows that come from another one, and for results before they
 * go back. Whoever uses it starts anew; nothing on it outlives one operation.
 *
 * @module
 */
export class Stage {
  readonly #starts: ReadonlyMap<number, number>;
  readonly #bytes: number;
  readonly #used = new Map<number, number>();

  /**
   * @param starts where the room begins, by window
   * @param bytes how much there is in each
   */
  constructor(starts: ReadonlyMap<number, number>, bytes: number) {
    this.#starts = starts;
    this.#bytes = bytes;
  }

  /** Forgets what was taken. */
  clear(): void {
    this.#used.clear();
  }

  /** The address of `bytes` free bytes in a window. */
  take(window: number, bytes: number): number {
    const used = this.#used.get(window) ?? 0;
    const end = used + Math.ceil(bytes / 64) * 64;
    if (end > this.#bytes) throw new Error(`the stage has ${this.#bytes} bytes, not ${end}`);
    this.#used.set(window, end);
    return this.#starts.get(window)! + used;
  }
}
