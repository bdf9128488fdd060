import assert from "node:assert/strict";
import { linkSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { assertSameBits } from "../../kernels/comparing.ts";
import { inDirectory, runHere, spawnCli, writeModel } from "./helpers.ts";

function readFloats(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).slice();
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((x, i) => {
    ab += x * b[i]!;
    aa += x * x;
    bb += b[i]! ** 2;
  });
  return ab / Math.sqrt(aa * bb);
}

Deno.test("logits writes [positions, vocabulary] f32, whatever threads and batch", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("model.gguf"));
    const write = async (name: string, ...more: string[]) => {
      const args = ["logits", path("model.gguf"), "--tokens", "5,6,7,300", "--out", path(name)];
      const { code, stdout, stderr } = await runHere([...args, ...more]);
      assert.equal(code, 0, stderr);
      assert.equal(stdout, "");
      return readFloats(path(name));
    };
    const logits = await write("a.f32");
    assert.equal(logits.length, 4 * 512);
    assertSameBits(await write("b.f32", "--threads", "3", "--batch", "2"), logits);
    const reference = await write("c.f32", "--reference");
    const vocabulary = 512;
    for (let at = 0; at < logits.length; at += vocabulary) {
      const [row, expected] = [logits, reference].map((all) => all.subarray(at, at + vocabulary));
      const agreement = cosine(row!, expected!);
      assert.ok(agreement > 0.98 && agreement < 1, `${agreement}`);
    }
    const coarse = await write("d.f32", "--kv", "q8_0");
    const agreement = cosine(logits, coarse);
    assert.ok(agreement > 0.98 && agreement < 1, `${agreement}`);
  });
});

Deno.test("logits leaves no file behind when it fails", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("model.gguf"));
    for (const more of [[], ["--reference"]]) {
      const out = path("out.f32");
      const args = ["logits", path("model.gguf"), "--tokens", "1,512", "--out", out, ...more];
      const { code, stderr } = await runHere(args);
      assert.equal(code, 1);
      assert.match(stderr, /token 512 is not in the vocabulary of 512/);
      assert.deepEqual(readdirSync(path(".")), ["model.gguf"]);
    }
  });
});

Deno.test("logits replaces a file only with --force, and what it reads never", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("model.gguf"), { vocabulary: 300 });
    symlinkSync(path("model.gguf"), path("symbolic.gguf"));
    linkSync(path("model.gguf"), path("hard.gguf"));
    const before = readFileSync(path("model.gguf"));
    const write = (out: string, ...more: string[]) =>
      runHere(["logits", path("model.gguf"), "--tokens", "1", "--out", path(out), ...more]);
    for (const out of ["model.gguf", "./model.gguf", "symbolic.gguf", "hard.gguf"]) {
      for (const more of [["--force"], ["--force", "--reference"], []]) {
        const { code, stderr } = await write(out, ...more);
        assert.equal(code, 1);
        assert.match(stderr, /is the file that is read: give --out another name\n$/);
      }
    }
    assert.deepEqual(readFileSync(path("model.gguf")), before);
    writeFileSync(path("out"), "precious");
    const refused = await write("out");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /out is there already; --force replaces it\n$/);
    assert.equal(readFileSync(path("out"), "utf8"), "precious");
    assert.equal((await write("out", "--force")).code, 0);
    assert.equal(readFloats(path("out")).length, 300);
    assert.match((await write(".", "--force")).stderr, /is there and is no regular file\n$/);
  });
});

Deno.test({
  name: "logits writes to a pipe",
  ignore: Deno.build.os === "windows",
  async fn() {
    await inDirectory(async (path) => {
      await writeModel(path("model.gguf"), { vocabulary: 300 });
      const args = ["logits", path("model.gguf"), "--tokens", "1,2", "--out", "/dev/stdout"];
      const { code, stdout, stderr } = await spawnCli(args).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      assert.equal(stdout.length, 4 * 2 * 300);
    });
  },
});

Deno.test("logits refuses wrong usage with exit code 2", async () => {
  for (
    const [args, message] of [
      [["logits"], /MODEL is missing/],
      [["logits", "m", "--out", "o"], /--tokens is missing/],
      [["logits", "m", "--tokens", "1"], /--out is missing/],
      [
        ["logits", "m", "--tokens", "1", "--out", "o", "--kv", "q4"],
        /--kv must be one of f16, q8_0/,
      ],
      [["logits", "m", "--tokens", "1,x", "--out", "o"], /--tokens must be token ids/],
      [["logits", "m", "--tokens", "1,,2", "--out", "o"], /--tokens must be token ids/],
    ] as const
  ) {
    const { code, stderr } = await runHere(args);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});
