import { expF32 } from "./exp";
import { highF64, loadPart, lowF64, sumF64 } from "./lanes";

// Softmax keeps the order of the logits, so the k largest logits are chosen; and where weights are
// divided by their sum, the softmax's own sum cancels out and is not computed.
//
// Broken weights must not lead to an expert that does not exist: NaN and -infinity count as the
// lowest finite logit, +infinity as the largest. So ids are always distinct and in range, and the
// weights finite.
export function route(
  start: i32,
  end: i32,
  logits: usize,
  ids: usize,
  weights: usize,
  experts: i32,
  k: i32,
  normalize: i32,
): void {
  if (k < 1 || k > experts) unreachable();
  for (let token = start; token < end; token++) {
    const row = logits + (<usize> token * <usize> experts << 2);
    const offset = <usize> token * <usize> k << 2;
    chooseLargest(row, ids + offset, weights + offset, experts, k);
    const largest = load<f32>(weights + offset);
    const sum = normalize
      ? sumOfExponentials(weights + offset, k, largest)
      : sumOfExponentials(row, experts, largest);
    weigh(weights + offset, k, largest, sum);
  }
}

// Insertion into a list of k in falling order: ids, and in `chosen` their logits. A logit passes only
// smaller ones, so that on a tie the lower expert stays first.
function chooseLargest(logits: usize, ids: usize, chosen: usize, experts: i32, k: i32): void {
  for (let expert = 0; expert < experts; expert++) {
    const logit = finite(load<f32>(logits + (<usize> expert << 2)));
    let place = <usize> min(expert, k) << 2;
    if (expert >= k) {
      if (logit <= load<f32>(chosen + place - 4)) continue;
      place -= 4;
    }
    while (place > 0 && logit > load<f32>(chosen + place - 4)) {
      store<f32>(chosen + place, load<f32>(chosen + place - 4));
      store<i32>(ids + place, load<i32>(ids + place - 4));
      place -= 4;
    }
    store<f32>(chosen + place, logit);
    store<i32>(ids + place, expert);
  }
}

@inline
function finite(logit: f32): f32 {
  if (logit > f32.MAX_VALUE) return f32.MAX_VALUE;
  return logit > -f32.MAX_VALUE ? logit : -f32.MAX_VALUE;
}

@inline
function finiteLanes(logits: v128): v128 {
  const atLeast = f32x4.pmax(f32x4.splat(-f32.MAX_VALUE), logits);
  return f32x4.pmin(atLeast, f32x4.splat(f32.MAX_VALUE));
}

function sumOfExponentials(logits: usize, count: i32, largest: f32): f64 {
  const largests = f32x4.splat(largest);
  let sum = f64x2.splat(0);
  for (; count >= 4; count -= 4, logits += 16) {
    const value = expF32(f32x4.sub(finiteLanes(v128.load(logits)), largests));
    sum = f64x2.add(f64x2.add(sum, lowF64(value)), highF64(value));
  }
  for (; count > 0; count--, logits += 4) {
    sum = f64x2.add(sum, f64x2.replace_lane(f64x2.splat(0), 0, expOf(finite(load<f32>(logits)) - largest)));
  }
  return sumF64(sum);
}

// Turns the chosen logits into weights, in place.
function weigh(chosen: usize, k: i32, largest: f32, sum: f64): void {
  for (let j = 0; j < k; j++, chosen += 4) {
    store<f32>(chosen, <f32> (<f64> expOf(load<f32>(chosen) - largest) / sum));
  }
}

function expOf(x: f32): f32 {
  return f32x4.extract_lane(expF32(f32x4.splat(x)), 0);
}
