import { floatsToHalves, floatToHalf } from "./f16";

export function appendKv(
  start: i32,
  end: i32,
  x: usize,
  cache: usize,
  firstPosition: i32,
  kvHeads: i32,
  headSize: i32,
  capacity: i32,
): void {
  const headBytes = <usize> headSize << 2;
  const rowBytes = <usize> headSize << 1;
  for (let token = start; token < end; token++) {
    let from = x + <usize> token * <usize> kvHeads * headBytes;
    let to = cache + <usize> (firstPosition + token) * rowBytes;
    for (let head = 0; head < kvHeads; head++) {
      storeHalves(from, to, headSize);
      from += headBytes;
      to += <usize> capacity * rowBytes;
    }
  }
}

function storeHalves(from: usize, to: usize, count: i32): void {
  for (; count >= 4; count -= 4, from += 16, to += 8) {
    const halves = floatsToHalves(v128.load(from));
    v128.store_lane<u64>(to, i16x8.narrow_i32x4_u(halves, halves), 0);
  }
  for (; count > 0; count--, from += 4, to += 2) store<u16>(to, floatToHalf(load<f32>(from)));
}
