/** A growing run of little-endian bytes. */
export class ByteBuilder {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #encoder = new TextEncoder();

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** A copy of the bytes so far. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Appends an unsigned 32-bit integer. */
  u32(value: number): void {
    const at = this.#append(4);
    this.#view.setUint32(at, value, true);
  }

  /** Appends an unsigned 64-bit integer. */
  u64(value: number | bigint): void {
    const at = this.#append(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  /** Appends bytes as they are. */
  bytes(bytes: Uint8Array): void {
    const at = this.#append(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Appends zeros. */
  zeros(count: number): void {
    const at = this.#append(count);
    this.#bytes.fill(0, at, at + count);
  }

  /** Appends a string of the GGUF format: its length in bytes, then UTF-8. */
  string(text: string): void {
    const start = this.#append(8);
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const at = this.#append(3 * text.length);
    const { written } = this.#encoder.encodeInto(text, this.#bytes.subarray(at));
    this.#length = at + written;
    this.#view.setBigUint64(start, BigInt(written), true);
  }

  /** Makes room for `count` bytes and returns their place. */
  #append(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
