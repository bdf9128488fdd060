import assert from "node:assert/strict";

const ROOM = new URL("../../", import.meta.url);

const HEAD = `
import { loadModel } from "${new URL("mod.ts", ROOM)}";
import { synthesizeBlob } from "${new URL("synth/mod.ts", ROOM)}";
const resident = [];
const mebibytes = () => Deno.memoryUsage().rss / 2 ** 20;
/** Notes the process's resident memory, in MiB, when everything that is garbage is gone. */
async function note() {
  for (let i = 0; i < 3; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  resident.push(mebibytes());
}
`;

/** The resident memory, in MiB, that a program of its own noted. */
async function residentOf(body: string): Promise<number[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", "-"],
    cwd: ROOM,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${HEAD}${body}console.log(resident.join());`));
  await writer.close();
  const { code, stdout } = await child.output();
  assert.equal(code, 0);
  return new TextDecoder().decode(stdout).trim().split(",").map(Number);
}

/** Asserts that memory grew by no more than `most` MiB from the first time it was noted to the last. */
function assertFlat(resident: readonly number[], most: number): void {
  const growth = resident.at(-1)! - resident[0]!;
  assert.ok(growth < most, `${growth.toFixed(1)} MiB more: ${resident.join(", ")}`);
}

Deno.test("10,000 decoded tokens take no memory but the KV cache's", async () => {
  const resident = await residentOf(`
    const blob = await synthesizeBlob({ types: "q8_0", layers: 1, vocab: 4096, context: 10_240 });
    await using model = await loadModel(blob, { threads: 2 });
    await using session = model.session({ context: 10_240 });
    const tokens = [1];
    while (tokens.length < 10_001) {
      await session.sync(tokens);
      tokens.push(session.argMax);
      if (tokens.length % 2000 === 1) await note();
    }
  `);
  assert.equal(resident.length, 5);
  // 8,000 positions of one layer are 2 MiB, and the heap has room for arrays of 10,000 tokens. The logits
  // would be 125 MiB.
  assertFlat(resident, 40);
});

Deno.test("aborted prompts and closed sessions free what they took", async () => {
  const resident = await residentOf(`
    const blob = await synthesizeBlob({ types: "q8_0", layers: 8, context: 4096 });
    await using model = await loadModel(blob, { threads: 2 });
    const prompt = Array.from({ length: 4000 }, (_, i) => i % 512);
    let aborted = 0;
    for (let i = 0; i < 60; i++) {
      await using session = model.session();
      const signal = AbortSignal.timeout(10 + i % 10);
      await session.sync(prompt, { signal }).catch(() => aborted++);
      if (i % 20 === 19) await note();
    }
    if (aborted < 60) throw new Error("only " + aborted + " were aborted");
  `);
  assert.equal(resident.length, 3);
  assertFlat(resident, 16);
});

Deno.test("loading and disposing twenty times leaves the process as it was", async () => {
  const resident = await residentOf(`
    const blob = await synthesizeBlob({ types: "q4_k_m", layers: 4, hidden: 256, experts: 16 });
    for (let i = 0; i < 22; i++) {
      await using model = await loadModel(blob, { threads: 2 });
      await using session = model.session();
      await session.sync([1, 2, 3]);
      if (i === 1) await note();
    }
    await note();
  `);
  assert.equal(resident.length, 2);
  assertFlat(resident, 32);
});

Deno.test("disposing of a model gives its memory back, whoever still holds it", async () => {
  /** Of what the model took, what may stay: the heaps have grown. */
  const share = 1 / 3;
  const [before, loaded, after] = await residentOf(`
    const blob = await synthesizeBlob({ types: "q8_0", layers: 4, hidden: 1024, experts: 16 });
    resident.push(mebibytes());
    const model = await loadModel(blob, { threads: 2 });
    const session = model.session();
    let logits = await session.sync(Array.from({ length: 200 }, (_, i) => i));
    logits = await session.sync([...session.tokens, session.argMax], { reuse: logits });
    resident.push(mebibytes());
    await model[Symbol.asyncDispose]();
    // Threads end in their own time. Garbage is not collected meanwhile.
    const isFreed = () => mebibytes() - resident[0] < (resident[1] - resident[0]) * ${share};
    for (let i = 0; i < 100 && !isFreed(); i++) await new Promise((resolve) => setTimeout(resolve, 100));
    resident.push(mebibytes());
    await session[Symbol.asyncDispose]();
    if (logits.length !== model.parameters.vocabulary) throw new Error("the logits are gone");
  `);
  const taken = loaded! - before!;
  assert.ok(taken > 64, `the model takes ${taken.toFixed(1)} MiB, too little to tell`);
  assert.ok(
    after! - before! < taken * share,
    `of ${taken.toFixed(1)} MiB, ${(after! - before!).toFixed(1)} stay`,
  );
});
