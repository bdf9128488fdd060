// Reading memory as fast as it comes: what the matmuls of a single token are measured against.

const UNIT_BYTES: usize = 65536;

/** Reads the units `start` to `end` of 64 KiB from `address` on, and leaves what they add up to at `out`. */
export function readStream(start: i32, end: i32, address: usize, out: usize): void {
  let a = i64x2.splat(0), b = a, c = a, d = a;
  const last = address + <usize> end * UNIT_BYTES;
  for (let at = address + <usize> start * UNIT_BYTES; at != last; at += 128) {
    a = v128.xor(a, v128.load(at));
    b = v128.xor(b, v128.load(at, 16));
    c = v128.xor(c, v128.load(at, 32));
    d = v128.xor(d, v128.load(at, 48));
    a = v128.xor(a, v128.load(at, 64));
    b = v128.xor(b, v128.load(at, 80));
    c = v128.xor(c, v128.load(at, 96));
    d = v128.xor(d, v128.load(at, 112));
  }
  v128.store(out, v128.xor(v128.xor(a, b), v128.xor(c, d)));
}
