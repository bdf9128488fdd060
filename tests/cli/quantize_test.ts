import assert from "node:assert/strict";
import { linkSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { openGguf } from "../../gguf/mod.ts";
import { changedModel, tensorOf } from "../engine/helpers.ts";
import { inDirectory, partialFile, runHere, spawnCli, writeModel } from "./helpers.ts";

const SMALL = { types: "f32", layers: 2, experts: 3, vocabulary: 300 } as const;

Deno.test("quantize writes a model that answers, and tells types, sizes and errors", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("in.gguf"), SMALL);
    const { code, stdout, stderr } = await runHere([
      ...["quantize", path("in.gguf"), path("out.gguf"), "--type", "q4_k_m"],
    ]);
    assert.deepEqual([code, stderr], [0, ""]);
    const lines = stdout.trimEnd().split("\n");
    assert.match(lines[0]!, /^type +tensors +weights +size +error$/);
    assert.match(lines[1]!, /^Q4_K +\d+ +[\d,]+ +\d+\.\d+ [KM]iB +6\.\d\d%$/);
    assert.match(
      lines.at(-1)!,
      /out\.gguf: \d\.\d\d MiB to \d\.\d\d MiB, 4\.\d\d bits per weight, in \d+\.\d s$/,
    );
    assert.deepEqual(readdirSync(path(".")).sort(), ["in.gguf", "out.gguf"]);
    const answer = await runHere(["run", "hello", "--raw", "-m", path("out.gguf"), "-n", "3"]);
    assert.equal(answer.code, 0);
  });
});

Deno.test("quantize --json gives the numbers of what was written", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("in.gguf"), { ...SMALL, hidden: 160, expertWidth: 72 });
    const { code, stdout, stderr } = await runHere([
      ...["quantize", path("in.gguf"), path("out.gguf"), "--type", "q6_k", "--json"],
    ]);
    assert.equal(code, 0, stderr);
    const { file, type, bytesBefore, bytesAfter, bitsPerWeight, types, fallbacks, beyondRange } =
      JSON.parse(stdout);
    assert.deepEqual([file, type, beyondRange], [path("out.gguf"), "q6_k", []]);
    await using before = await openGguf(path("in.gguf"));
    await using after = await openGguf(path("out.gguf"));
    const size = (of: typeof after) =>
      [...of.tensors.values()].reduce((sum, t) => sum + t.bytes, 0);
    assert.deepEqual([bytesBefore, bytesAfter], [size(before), size(after)]);
    // F32 weights have 4 bytes.
    assert.equal(bitsPerWeight, 8 * bytesAfter / (bytesBefore / 4));
    const found = types.map(({ type, bytes }: { type: string; bytes: number }) => [type, bytes]);
    for (const [name, bytes] of found) {
      const own = [...after.tensors.values()].filter(({ type }) => type === name);
      assert.equal(bytes, own.reduce((sum, tensor) => sum + tensor.bytes, 0));
    }
    // Rows of 72 are no multiple of 32, those of 160 none of 256.
    const down = "blk.0.ffn_down_exps.weight";
    assert.deepEqual(
      fallbacks.find(({ name }: { name: string }) => name === down),
      { name: down, rowLength: 72, insteadOf: "Q6_K", type: "F16" },
    );
    assert.match(stderr, /note: token_embd\.weight is Q8_0: rows of 160 can not be Q6_K\n/);
  });
});

Deno.test("quantize refuses to replace what it reads, under whatever name", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("in.gguf"), SMALL);
    symlinkSync(path("in.gguf"), path("symbolic.gguf"));
    linkSync(path("in.gguf"), path("hard.gguf"));
    const before = Deno.readFileSync(path("in.gguf"));
    for (const out of ["in.gguf", "./in.gguf", "symbolic.gguf", "hard.gguf"]) {
      const args = ["quantize", path("in.gguf"), path(out), "--type", "q8_0", "--force"];
      const { code, stdout, stderr } = await runHere(args);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /is the file that is read: give OUT another name\n$/);
    }
    assert.deepEqual(Deno.readFileSync(path("in.gguf")), before);
  });
});

Deno.test("quantize replaces a file only with --force", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("in.gguf"), SMALL);
    await Deno.writeTextFile(path("out.gguf"), "precious");
    const args = ["quantize", path("in.gguf"), path("out.gguf"), "--type", "Q8_0"];
    const refused = await runHere(args);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /is there already; --force replaces it\n$/);
    assert.equal(await Deno.readTextFile(path("out.gguf")), "precious");
    assert.equal((await runHere([...args, "--force"])).code, 0);
    assert.ok(statSync(path("out.gguf")).size > 2 ** 19);
  });
});

Deno.test("quantize leaves no file behind when it fails", async () => {
  await inDirectory(async (path) => {
    const broken = await changedModel(SMALL, (file) => {
      new Float32Array(tensorOf(file, "blk.1.attn_v.weight").data.buffer)[3] = NaN;
    });
    await Deno.writeFile(path("in.gguf"), broken.stream());
    const args = ["quantize", path("in.gguf"), path("out.gguf"), "--type", "q4_k_m"];
    const { code, stdout, stderr } = await runHere(args);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^error: .*in\.gguf, byte \d+: weight 3 of tensor blk\.1\.attn_v\.weight/);
    assert.deepEqual(readdirSync(path(".")), ["in.gguf"]);
  });
});

Deno.test("quantize takes quantized weights only with --allow-requantize", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("in.gguf"), { ...SMALL, types: "q8_0" });
    const args = ["quantize", path("in.gguf"), path("out.gguf"), "--type", "q4_k_m"];
    const refused = await runHere(args);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /of type Q8_0; expected F32, F16 or BF16.*--allow-requantize\n$/);
    assert.equal((await runHere([...args, "--allow-requantize"])).code, 0);
  });
});

Deno.test("quantize tells of weights that are beyond their type's range", async () => {
  await inDirectory(async (path) => {
    const large = await changedModel(SMALL, (file) => {
      new Float32Array(tensorOf(file, "blk.1.attn_v.weight").data.buffer)[3] = 1e9;
    });
    await Deno.writeFile(path("in.gguf"), large.stream());
    const args = ["quantize", path("in.gguf"), path("out.gguf"), "--type", "f16"];
    const { code, stderr } = await runHere(args);
    assert.equal(code, 0);
    assert.equal(stderr, "note: blk.1.attn_v.weight has 1 weight beyond its type's range\n");
  });
});

Deno.test("quantize refuses wrong usage with exit code 2", async () => {
  for (
    const [args, message] of [
      [["quantize"], /IN is missing/],
      [["quantize", "a"], /OUT is missing/],
      [["quantize", "a", "b"], /--type is missing: one of q4_k_m, q5_k_m, q6_k, q8_0, /],
      [["quantize", "a", "b", "--type", "q3_k"], /--type must be one of q4_k_m, .*, not "q3_k"/],
    ] as const
  ) {
    const { code, stderr } = await runHere(args);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});

Deno.test({
  name: "quantize stopped by Ctrl+C leaves nothing behind",
  ignore: Deno.build.os === "windows",
  async fn() {
    await inDirectory(async (path) => {
      // A hole of 0.5 GB of zeros is work for seconds.
      const shape = ["--types", "f32", "--layers", "8", "--experts", "64", "--sparse"];
      assert.equal((await runHere(["synth", path("in.gguf"), ...shape])).code, 0);
      const args = ["quantize", path("in.gguf"), path("out.gguf"), "--type", "q4_k_m"];
      const child = spawnCli(args);
      await partialFile(path("."));
      child.kill("SIGINT");
      await child.stdin.close();
      const { code, stdout, stderr } = await child.output();
      assert.deepEqual([code, stdout.length], [1, 0]);
      assert.equal(new TextDecoder().decode(stderr), "error: interrupted\n");
      assert.deepEqual(readdirSync(path(".")), ["in.gguf"]);
    });
  },
});
