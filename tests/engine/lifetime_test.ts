import assert from "node:assert/strict";

const ROOM = new URL("../../", import.meta.url);

const PROGRAM = `
import { loadModel } from "${new URL("mod.ts", ROOM)}";
import { synthesizeBlob } from "${new URL("synth/mod.ts", ROOM)}";
const blob = await synthesizeBlob({ types: "q8_0" });
for (const threads of [1, 2, 3]) {
  await using model = await loadModel(blob, { threads });
  await model.session().sync([1, 2, 3]);
}
const [first, second] = await Promise.all([loadModel(blob, { threads: 2 }), loadModel(blob)]);
await Promise.all([first.session().sync([1]), second.session().sync([1])]);
await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
await loadModel(blob, { maxWindowBytes: 65536 }).catch(() => {});
console.log("done");
`;

Deno.test("a process whose models are disposed of ends by itself", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "-"],
    cwd: ROOM,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(PROGRAM));
  await writer.close();
  const deadline = setTimeout(() => child.kill(), 15_000);
  const { code, stdout } = await child.output();
  clearTimeout(deadline);
  assert.equal(new TextDecoder().decode(stdout), "done\n");
  assert.equal(code, 0);
});
