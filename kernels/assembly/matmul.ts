// The loops that all matmuls share. A format F is a class without fields, so `changetype<F>(0)` is
// an instance of which nothing is ever read. It has the methods
//
//   rowBytes(columns)         bytes of a row of weights
//   activationBytes(columns)  bytes of a token's activations
//   dotOne(row, columns, x)   the dot product of a row with one token's activations
//   dotBatch(batch, row, columns, x, xStride, out, outStride)
//                             the same for 2 or 4 tokens: batch is constant where it is inlined
//
// A batch saves unpacking weights again, nothing else: a token's result has the same bits in any.

const BATCH: i32 = 4;

// Rows of weights that all tokens pass over before the next rows come: these stay in the L2 cache,
// and the activations of a batch in L1.
const TILE_BYTES: usize = 65536;

@inline
export function matmul<F>(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  const format = changetype<F>(0);
  const rowBytes = format.rowBytes(columns);
  const xStride = format.activationBytes(columns);
  const outBytes = <usize> outStride << 2;
  const tileRows = <i32> max<usize>(TILE_BYTES / rowBytes, 1);

  for (let first = start; first < end; first += tileRows) {
    const last = min(first + tileRows, end);
    const rows = weights + <usize> first * rowBytes;
    const rowsEnd = weights + <usize> last * rowBytes;
    let tokenX = x;
    let tokenOut = out + (<usize> first << 2);
    let left = tokens;
    for (; left >= BATCH; left -= BATCH) {
      for (let row = rows, to = tokenOut; row != rowsEnd; row += rowBytes, to += 4) {
        format.dotBatch(BATCH, row, columns, tokenX, xStride, to, outBytes);
      }
      tokenX += xStride * BATCH;
      tokenOut += outBytes * BATCH;
    }
    for (; left >= 2; left -= 2) {
      for (let row = rows, to = tokenOut; row != rowsEnd; row += rowBytes, to += 4) {
        format.dotBatch(2, row, columns, tokenX, xStride, to, outBytes);
      }
      tokenX += 2 * xStride;
      tokenOut += 2 * outBytes;
    }
    if (left > 0) {
      for (let row = rows, to = tokenOut; row != rowsEnd; row += rowBytes, to += 4) {
        store<f32>(to, format.dotOne(row, columns, tokenX));
      }
    }
  }
}
