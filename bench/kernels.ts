/**
 * How fast each kernel is by itself, on one thread: `deno task bench:kernels [WORD]` measures all of
 * them, or those whose name holds the word. Beside the matmuls stands what the same thread reads from
 * memory in the same run with nothing else to do.
 *
 * Code is optimized before it is measured, and of several runs the shortest counts. Bytes are those of
 * the weights in the file; packed ones take a little more. "memory" is a matrix of 128 MiB, "cache" one
 * that stays in a core's own cache. "µs each" is the time of a token, or of a row of weights.
 *
 * @module
 */
import { formatTable } from "../cli/format.ts";
import { WEIGHT_FORMATS } from "../kernels/formats.ts";
import { detectBuild } from "../kernels/kernels.ts";
import { kernelMemory } from "../kernels/testing.ts";
import { secondsOf } from "./kernels/clock.ts";
import { measureMatmuls, MEMORY_BYTES, operationsOf } from "./kernels/matmuls.ts";
import { cases } from "./kernels/others.ts";

const STREAM_UNIT = 65_536;

const word = Deno.args[0]?.toLowerCase() ?? "";
const wanted = (operation: string) => operation.toLowerCase().includes(word);
const build = await detectBuild();
const memory = await kernelMemory(3 * MEMORY_BYTES, undefined, [build]);
const giga = (perSecond: number) => (perSecond / 1e9).toFixed(1);

console.log(`${build} build; the stream reads ${giga(await measureStream())} GB/s\n`);

const matmuls: string[][] = [];
for (const { type } of Object.values(WEIGHT_FORMATS)) {
  if (!operationsOf(type).some(wanted)) continue;
  for (const speed of await measureMatmuls(memory, type, wanted)) {
    const { operation, tokens, bytesPerSecond, productsPerSecond } = speed;
    const speeds = (["memory", "cache"] as const).flatMap((place) => [
      giga(bytesPerSecond[place]),
      giga(productsPerSecond[place]),
    ]);
    matmuls.push([operation, String(tokens), ...speeds]);
  }
}
if (matmuls.length > 0) {
  const titles = ["matmul", "tokens", "memory GB/s", "GMAC/s", "cache GB/s", "GMAC/s"];
  console.log(formatTable([titles, ...matmuls], [1, 2, 3, 4, 5]));
}

const others: string[][] = [];
for (const { operation, shape, count, bytes, products, prepare } of cases()) {
  if (!wanted(operation)) continue;
  memory.reset();
  const { call, short } = prepare(memory);
  const seconds = await secondsOf(call, short);
  others.push([
    operation,
    shape,
    (seconds / count * 1e6).toFixed(2),
    bytes === undefined ? "" : giga(bytes / seconds),
    products === undefined ? "" : giga(products / seconds),
  ]);
}
if (others.length > 0) {
  const titles = ["kernel", "shape", "µs each", "reads GB/s", "GMAC/s"];
  console.log(formatTable([titles, ...others], [2, 3, 4]));
}
console.log(`the stream, again: ${giga(await measureStream())} GB/s`);

/** Bytes per second. */
async function measureStream(): Promise<number> {
  memory.reset();
  const { kernels } = memory.builds[0]!;
  const address = memory.reserve(MEMORY_BYTES);
  const out = memory.reserve(16);
  const read = (units: number) => kernels.readStream(0, units, address, out);
  const seconds = await secondsOf(() => read(MEMORY_BYTES / STREAM_UNIT), () => read(1));
  return MEMORY_BYTES / seconds;
}
