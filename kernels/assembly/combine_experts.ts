// The experts' sum is formed first and then added to `out`, the residual.
export function combineExperts(
  start: i32,
  end: i32,
  out: usize,
  outputs: usize,
  weights: usize,
  k: i32,
  columns: i32,
): void {
  const rowBytes = <usize> columns << 2;
  for (let token = start; token < end; token++) {
    combineToken(
      out + <usize> token * rowBytes,
      outputs + <usize> token * <usize> k * rowBytes,
      weights + (<usize> token * <usize> k << 2),
      k,
      rowBytes,
    );
  }
}

function combineToken(out: usize, outputs: usize, weights: usize, k: i32, rowBytes: usize): void {
  let column: usize = 0;
  // A cache line at a time: the rows may lie so that their lines compete for one place in the cache.
  for (; column + 64 <= rowBytes; column += 64) {
    let sum0 = f32x4.splat(0);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let output = outputs + column;
    for (let j = 0; j < k; j++, output += rowBytes) {
      const weight = v128.load_splat<f32>(weights + (<usize> j << 2));
      sum0 = f32x4.add(sum0, f32x4.mul(weight, v128.load(output)));
      sum1 = f32x4.add(sum1, f32x4.mul(weight, v128.load(output, 16)));
      sum2 = f32x4.add(sum2, f32x4.mul(weight, v128.load(output, 32)));
      sum3 = f32x4.add(sum3, f32x4.mul(weight, v128.load(output, 48)));
    }
    const residual = out + column;
    v128.store(residual, f32x4.add(v128.load(residual), sum0));
    v128.store(residual, f32x4.add(v128.load(residual, 16), sum1), 16);
    v128.store(residual, f32x4.add(v128.load(residual, 32), sum2), 32);
    v128.store(residual, f32x4.add(v128.load(residual, 48), sum3), 48);
  }
  for (; column < rowBytes; column += 4) {
    let sum: f32 = 0;
    let output = outputs + column;
    for (let j = 0; j < k; j++, output += rowBytes) {
      sum += load<f32>(weights + (<usize> j << 2)) * load<f32>(output);
    }
    store<f32>(out + column, load<f32>(out + column) + sum);
  }
}
