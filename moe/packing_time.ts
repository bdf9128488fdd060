/**
 * When there is time to pack what lies in memory as in the file. Packing repays itself only over many
 * uses, and a token should not wait for it.
 *
 * @module
 */

/**
 * Of the time that passes, packing may take so much. It has to be done once, and tokens are twice as
 * fast after it: the larger its share, the sooner.
 */
const SHARE = 1 / 2;

/** What has not been taken is not saved up beyond this, and no more than this is owed: milliseconds. */
const MOST = 20;

export class PackingTime {
  /** Matrices that every token needs and that are not packed yet: they come before experts. */
  urgent = 0;
  #saved = 0;
  #counted = performance.now();

  /** Whether there is some left. */
  get isLeft(): boolean {
    const now = performance.now();
    this.#saved = Math.min(MOST, this.#saved + (now - this.#counted) * SHARE);
    this.#counted = now;
    return this.#saved > 0;
  }

  /** Does something that takes of it, be it left or not. */
  spendOn(pack: () => void): void {
    const start = performance.now();
    pack();
    const end = performance.now();
    this.#saved = Math.max(-MOST, this.#saved - (end - start));
    this.#counted += end - start;
  }
}
