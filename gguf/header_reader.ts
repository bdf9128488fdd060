import { GgufError } from "./errors.ts";
import { MAX_HEADER_BYTES } from "./limits.ts";
import type { ByteSource } from "./source.ts";

/** Bytes of the first read. Each further one is twice the one before, so that a header of any size
 * costs few reads and at most about its own size too much. */
const FIRST_READ_BYTES = 256 * 2 ** 10;
const LARGEST_READ_BYTES = 8 * 2 ** 20;

/**
 * A place in a header that moves forward. `ahead` brings bytes into memory, the other methods take
 * them; taking what the file does not have is a `GgufError`.
 */
export class HeaderReader {
  readonly #source: ByteSource;
  /** The part of the file in memory that is not yet taken. */
  #window: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** The same bytes, for numbers. */
  #view: DataView = new DataView(this.#window.buffer);
  /** Offset in the file of the window's first byte. */
  #position = 0;
  #nextRead = FIRST_READ_BYTES;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Offset in the file of the next byte to take. */
  get position(): number {
    return this.#position;
  }

  /** Bytes between the position and the end of what a header may be. */
  get remaining(): number {
    return Math.min(this.#source.size, MAX_HEADER_BYTES) - this.#position;
  }

  /** The bytes in memory from the position on. */
  get window(): Uint8Array<ArrayBuffer> {
    return this.#window;
  }

  /** Brings the next `bytes` into memory, or all that remain if they are fewer. */
  async ahead(bytes: number): Promise<void> {
    const wanted = Math.min(bytes, this.remaining);
    if (this.#window.length >= wanted) return;
    const length = Math.min(this.remaining, Math.max(wanted, this.#nextRead));
    this.#nextRead = Math.min(this.#nextRead * 2, LARGEST_READ_BYTES);
    const window = new Uint8Array(length);
    window.set(this.#window);
    const kept = this.#window.length;
    await this.#source.read(this.#position + kept, window.subarray(kept));
    this.#window = window;
    this.#view = new DataView(window.buffer);
  }

  /**
   * Takes the next `bytes`, which `ahead` has brought.
   *
   * @throws {GgufError} If the file ends before, naming `what` was to come.
   */
  take(bytes: number, what: string): Uint8Array<ArrayBuffer> {
    this.require(bytes, what);
    const taken = this.#window.subarray(0, bytes);
    this.skip(bytes);
    return taken;
  }

  /** Moves forward over bytes of the window. */
  skip(bytes: number): void {
    this.#position += bytes;
    this.#window = this.#window.subarray(bytes);
  }

  /** Takes an unsigned 32-bit integer. */
  u32(what: string): number {
    const bytes = this.take(4, what);
    return this.#view.getUint32(bytes.byteOffset, true);
  }

  /**
   * Takes an unsigned 64-bit integer that counts something.
   *
   * @throws {GgufError} If it is larger than `limit`.
   */
  count(what: string, limit: number): number {
    const bytes = this.take(8, what);
    const value = this.#view.getUint32(bytes.byteOffset, true) +
      this.#view.getUint32(bytes.byteOffset + 4, true) * 2 ** 32;
    if (value > limit) throw this.error(8, `${value} as ${what}`, `at most ${limit}`);
    return value;
  }

  /**
   * Takes the bytes of a string, which a u64 with their number precedes.
   *
   * @throws {GgufError} If they are more than `limit`, or than the file has.
   */
  async string(what: string, limit: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.ahead(8);
    const length = this.count(`the length of ${what}`, limit);
    this.require(length, what);
    await this.ahead(length);
    return this.take(length, what);
  }

  /**
   * Checks that the file can hold what it declares, before anything is allocated for it.
   *
   * @throws {GgufError} If fewer than `bytes` remain.
   */
  require(bytes: number, what: string): void {
    if (bytes <= this.remaining) return;
    const ofFile = this.#source.size - this.#position;
    throw new GgufError({
      file: this.#source.name,
      offset: this.#position,
      found: ofFile < bytes
        ? `${ofFile} more bytes to the end of the file`
        : `a header of more than ${MAX_HEADER_BYTES} bytes, which is the limit,`,
      expected: `${bytes} bytes for ${what}`,
      ...(ofFile < bytes ? { wayOut: "The file is cut short or corrupt: fetch it again" } : {}),
    });
  }

  /** An error about what was taken last, `back` bytes before the position. */
  error(back: number, found: string, expected: string): GgufError {
    return new GgufError({
      file: this.#source.name,
      offset: this.#position - back,
      found,
      expected,
    });
  }
}
