import { expF32 } from "./exp";
import { loadPart, storePart } from "./lanes";

export function swiglu(
  start: i32,
  end: i32,
  gate: usize,
  up: usize,
  out: usize,
  columns: i32,
): void {
  const rowBytes = <usize> columns << 2;
  for (let row = start; row < end; row++) {
    const offset = <usize> row * rowBytes;
    gateRow(gate + offset, up + offset, out + offset, columns);
  }
}

function gateRow(gate: usize, up: usize, out: usize, columns: i32): void {
  let left = columns;
  for (; left >= 4; left -= 4, gate += 16, up += 16, out += 16) {
    v128.store(out, f32x4.mul(silu(v128.load(gate)), v128.load(up)));
  }
  if (left > 0) {
    const values = f32x4.mul(silu(loadPart(gate, left, 0)), loadPart(up, left, 0));
    storePart(out, values, left);
  }
}

// x / (1 + e^-x). Where e^-x is infinite the quotient is -0.
@inline
function silu(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), expF32(f32x4.neg(x))));
}
