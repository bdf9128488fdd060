export function add(start: i32, end: i32, out: usize, x: usize, columns: i32): void {
  const offset = <usize> start * <usize> columns << 2;
  addInto(out + offset, x + offset, <usize> (end - start) * <usize> columns);
}

export function addBias(start: i32, end: i32, out: usize, bias: usize, columns: i32): void {
  const rowBytes = <usize> columns << 2;
  for (let row = start; row < end; row++) addInto(out + <usize> row * rowBytes, bias, columns);
}

function addInto(out: usize, x: usize, count: usize): void {
  for (; count >= 4; count -= 4, out += 16, x += 16) {
    v128.store(out, f32x4.add(v128.load(out), v128.load(x)));
  }
  for (; count > 0; count--, out += 4, x += 4) store<f32>(out, load<f32>(out) + load<f32>(x));
}
