import assert from "node:assert/strict";
import { inDirectory, runHere, writeGgufFile, writeModel } from "./helpers.ts";

const SHAPE = { layers: 1, hidden: 64, heads: 2, kvHeads: 1, headSize: 32, expertWidth: 32 };

Deno.test("tensors lists name, role, shape, type, bytes and offset in columns", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { ...SHAPE, vocabulary: 300, types: "q8_0" });
    const { code, stdout, stderr } = await runHere([
      "tensors",
      path("m.gguf"),
      "--filter",
      "^token|ffn_.*_exps",
    ]);
    assert.deepEqual([code, stderr], [0, ""]);
    const lines = stdout.trimEnd().split("\n");
    const cells = lines.map((line) => line.split(/ {2,}/));
    // A row of 64 in Q8_0 is 2 blocks of 34 bytes, one of 32 is 1 block.
    assert.deepEqual(cells.map((row) => row.slice(0, 5)), [
      ["name", "role", "shape", "type", "bytes"],
      ["token_embd.weight", "token_embd", "64×300", "Q8_0", String(300 * 68)],
      ["blk.0.ffn_gate_exps.weight", "ffn_gate_exps", "64×32×8", "Q8_0", String(8 * 32 * 68)],
      ["blk.0.ffn_up_exps.weight", "ffn_up_exps", "64×32×8", "Q8_0", String(8 * 32 * 68)],
      ["blk.0.ffn_down_exps.weight", "ffn_down_exps", "32×64×8", "Q8_0", String(8 * 64 * 34)],
    ]);
    // Numbers end at one column.
    assert.equal(new Set(lines.map((line) => line.length)).size, 1);
  });
});

Deno.test("tensors --json says where each tensor's data lies", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { ...SHAPE, types: "f32" });
    const { stdout } = await runHere(["tensors", path("m.gguf"), "--json", "--filter", "q_norm"]);
    const [tensor, ...others] = JSON.parse(stdout);
    assert.deepEqual(others, []);
    const { offset, ...rest } = tensor;
    assert.deepEqual(rest, {
      name: "blk.0.attn_q_norm.weight",
      role: "attn_q_norm",
      layer: 0,
      shape: [32],
      type: "F32",
      bytes: 128,
      shard: 0,
    });
    const data = (await Deno.readFile(path("m.gguf"))).slice(offset, offset + 128);
    const weights = new Float32Array(data.buffer);
    assert.ok(weights.every((weight) => Math.abs(weight - 1) < 0.5), `${weights}`);
  });
});

Deno.test("tensors shows no role where the architecture or the name has none", async () => {
  await inDirectory(async (path) => {
    const names = ["token_embd.weight", "blk.0.attn_q.weight"];
    const rolesOf = async (...flags: string[]) => {
      const { stdout } = await runHere(["tensors", path("m.gguf"), "--json", ...flags]);
      return JSON.parse(stdout).map(({ role }: { role: string | null }) => role);
    };
    await writeGgufFile(path("m.gguf"), [], names);
    assert.deepEqual(await rolesOf(), [null, null]);
    assert.deepEqual(await rolesOf("--assume-architecture", "qwen3"), ["token_embd", "attn_q"]);
    const { stdout } = await runHere(["tensors", path("m.gguf")]);
    assert.match(stdout, /^token_embd\.weight +- +1 +F32 +4 /m);
  });
});

Deno.test("tensors gives an empty list where nothing matches", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"));
    const { code, stdout } = await runHere(["tensors", path("m.gguf"), "--filter", "^$", "--json"]);
    assert.deepEqual([code, JSON.parse(stdout)], [0, []]);
  });
});
