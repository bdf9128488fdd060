export function ropeNeox(
  start: i32,
  end: i32,
  x: usize,
  angles: usize,
  heads: i32,
  headSize: i32,
  rotary: i32,
): void {
  const headBytes = <usize> headSize << 2;
  const halfBytes = <usize> (rotary >> 1) << 2;
  for (let token = start; token < end; token++) {
    const cosines = angles + <usize> token * 2 * halfBytes;
    let head = x + <usize> token * <usize> heads * headBytes;
    for (let h = 0; h < heads; h++, head += headBytes) turnHalves(head, cosines, halfBytes);
  }
}

// Turns the plane points (head[i], head[half + i]) by angle i.
function turnHalves(head: usize, cosines: usize, halfBytes: usize): void {
  const second = head + halfBytes;
  const sines = cosines + halfBytes;
  let i: usize = 0;
  for (; i + 16 <= halfBytes; i += 16) {
    const cosine = v128.load(cosines + i);
    const sine = v128.load(sines + i);
    const a = v128.load(head + i);
    const b = v128.load(second + i);
    v128.store(head + i, f32x4.sub(f32x4.mul(a, cosine), f32x4.mul(b, sine)));
    v128.store(second + i, f32x4.add(f32x4.mul(a, sine), f32x4.mul(b, cosine)));
  }
  for (; i < halfBytes; i += 4) {
    turn(head + i, second + i, load<f32>(cosines + i), load<f32>(sines + i));
  }
}

export function ropePairs(
  start: i32,
  end: i32,
  x: usize,
  angles: usize,
  heads: i32,
  headSize: i32,
  rotary: i32,
): void {
  const headBytes = <usize> headSize << 2;
  const halfBytes = <usize> (rotary >> 1) << 2;
  for (let token = start; token < end; token++) {
    const cosines = angles + <usize> token * 2 * halfBytes;
    let head = x + <usize> token * <usize> heads * headBytes;
    for (let h = 0; h < heads; h++, head += headBytes) turnPairs(head, cosines, halfBytes);
  }
}

// Turns the plane points (head[2i], head[2i + 1]) by angle i.
function turnPairs(head: usize, cosines: usize, halfBytes: usize): void {
  const sines = cosines + halfBytes;
  let i: usize = 0;
  for (; i + 16 <= halfBytes; i += 16) {
    const cosine = v128.load(cosines + i);
    const sine = v128.load(sines + i);
    const pairs = head + 2 * i;
    const low = v128.load(pairs);
    const high = v128.load(pairs, 16);
    const a = v128.shuffle<f32>(low, high, 0, 2, 4, 6);
    const b = v128.shuffle<f32>(low, high, 1, 3, 5, 7);
    const turnedA = f32x4.sub(f32x4.mul(a, cosine), f32x4.mul(b, sine));
    const turnedB = f32x4.add(f32x4.mul(a, sine), f32x4.mul(b, cosine));
    v128.store(pairs, v128.shuffle<f32>(turnedA, turnedB, 0, 4, 1, 5));
    v128.store(pairs, v128.shuffle<f32>(turnedA, turnedB, 2, 6, 3, 7), 16);
  }
  for (; i < halfBytes; i += 4) {
    const pair = head + 2 * i;
    turn(pair, pair + 4, load<f32>(cosines + i), load<f32>(sines + i));
  }
}

@inline
function turn(first: usize, second: usize, cosine: f32, sine: f32): void {
  const a = load<f32>(first);
  const b = load<f32>(second);
  store<f32>(first, a * cosine - b * sine);
  store<f32>(second, a * sine + b * cosine);
}
