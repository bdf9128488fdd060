// Four f32 at a time: the one to three values left over at the end of a row, and sums across lanes.

// The `count` (1 to 3) values at `address`, then `filler` in the lanes that are left.
export function loadPart(address: usize, count: i32, filler: f32): v128 {
  let lanes = v128.load_lane<f32>(address, f32x4.splat(filler), 0);
  if (count > 1) lanes = v128.load_lane<f32>(address, lanes, 1, 4);
  if (count > 2) lanes = v128.load_lane<f32>(address, lanes, 2, 8);
  return lanes;
}

// Stores the first `count` (1 to 3) lanes.
export function storePart(address: usize, lanes: v128, count: i32): void {
  v128.store_lane<f32>(address, lanes, 0);
  if (count > 1) v128.store_lane<f32>(address, lanes, 1, 4);
  if (count > 2) v128.store_lane<f32>(address, lanes, 2, 8);
}

@inline
export function sumF32(x: v128): f32 {
  return (f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 2)) +
    (f32x4.extract_lane(x, 1) + f32x4.extract_lane(x, 3));
}

// The largest lane; NaN if any lane is.
@inline
export function maxF32(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 2)),
    max(f32x4.extract_lane(x, 1), f32x4.extract_lane(x, 3)),
  );
}

@inline
export function sumF64(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

@inline
export function lowF64(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

@inline
export function highF64(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<u64>(x, x, 1, 1));
}
