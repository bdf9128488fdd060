import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { CHATML_TEMPLATE } from "../../chat/mod.ts";
import { openGguf } from "../../gguf/mod.ts";
import {
  inDirectory,
  partialFile,
  qwenVocabulary,
  runHere,
  runThere,
  spawnCli,
  writeModel,
} from "./helpers.ts";

const QWEN = qwenVocabulary();

Deno.test("synth writes the shape that the flags describe, and tells its size on stderr", async () => {
  await inDirectory(async (path) => {
    const shape = "--layers 1 --hidden 64 --heads 2 --kv-heads 1 --head-size 32 --experts 5 " +
      "--experts-used 3 --expert-width 96 --feed-forward 99 --types q8_0 --vocab 300 --context 77 " +
      "--rope-base 5e4 --rms-epsilon 1e-5 --tied --seed 9";
    const { code, stdout, stderr } = await runHere(["synth", path("a.gguf"), ...shape.split(" ")]);
    assert.deepEqual([code, stdout], [0, ""]);
    assert.match(stderr, /a\.gguf: \d+\.\d KiB, 14 tensors in \d+\.\d s\n$/);
    await using file = await openGguf(path("a.gguf"));
    const number = (key: string) => file.metadata.get(`qwen3moe.${key}`);
    assert.equal(number("block_count"), 1);
    assert.equal(number("embedding_length"), 64);
    assert.equal(number("attention.head_count"), 2);
    assert.equal(number("attention.head_count_kv"), 1);
    assert.equal(number("attention.key_length"), 32);
    assert.equal(number("expert_count"), 5);
    assert.equal(number("expert_used_count"), 3);
    assert.equal(number("expert_feed_forward_length"), 96);
    assert.equal(number("feed_forward_length"), 99);
    assert.equal(number("context_length"), 77);
    assert.equal(number("rope.freq_base"), 5e4);
    assert.equal(number("attention.layer_norm_rms_epsilon"), Math.fround(1e-5));
    assert.equal(file.metadata.get("general.name"), "random qwen3moe, seed 9");
    assert.match(String(file.metadata.get("tokenizer.chat_template")), /im_start/);
    assert.equal(file.tensors.has("output.weight"), false);
    assert.deepEqual(readdirSync(path(".")), ["a.gguf"]);
  });
});

Deno.test("synth gives the same bytes for the same options", async () => {
  await inDirectory(async (path) => {
    for (const [name, seed] of [["a", "1"], ["b", "1"], ["c", "2"]] as const) {
      await runHere(["synth", path(name), "--seed", seed, "--layers", "1"]);
    }
    const [a, b, c] = ["a", "b", "c"].map((name) => Deno.readFileSync(path(name)));
    assert.deepEqual(a, b);
    assert.notDeepEqual(a!.slice(-1000), c!.slice(-1000));
  });
});

Deno.test("synth lets single flags override a preset", async () => {
  await inDirectory(async (path) => {
    const args = ["--preset", "qwen3-30b-a3b", "--layers", "6", "--vocab", "4096", "--sparse"];
    assert.equal((await runHere(["synth", path("a"), ...args])).code, 0);
    await using file = await openGguf(path("a"));
    assert.equal(file.metadata.get("qwen3moe.block_count"), 6);
    assert.equal(file.metadata.get("qwen3moe.expert_count"), 128);
    assert.deepEqual(file.tensors.get("output.weight")?.shape, [2048, 4096]);
  });
});

Deno.test("synth --sparse takes no room for the weights", async () => {
  await inDirectory(async (path) => {
    await runHere(["synth", path("a"), "--preset", "qwen3-30b-a3b", "--layers", "3", "--sparse"]);
    const { size, blocks } = statSync(path("a"));
    assert.ok(size > 1.4 * 2 ** 30);
    if (Deno.build.os === "linux") assert.ok(blocks * 512 < 32 * 2 ** 20);
  });
});

Deno.test({
  name: `synth --vocab-from takes a vocabulary over${QWEN.suffix}`,
  ignore: QWEN.ignore,
  async fn() {
    await inDirectory(async (path) => {
      await runHere(["synth", path("a"), "--vocab-from", QWEN.path, "--layers", "1", "--sparse"]);
      await using file = await openGguf(path("a"));
      assert.deepEqual(file.tensors.get("output.weight")?.shape, [256, 151_936]);
      assert.equal(file.metadata.get("tokenizer.ggml.eos_token_id"), 151_645);
      assert.match(String(file.metadata.get("tokenizer.chat_template")), /im_start/);
      assert.equal(file.metadata.get("qwen2.block_count"), undefined);
    });
  },
});

Deno.test("synth refuses sizes that don't fit and names the flag", async () => {
  const cases: [string, RegExp][] = [
    ["--layers 0", /^error: --layers must be an integer from 1, not "0"\n/],
    ["--layers 1e3", /^error: --layers must be an integer from 1, not "1e3"\n/],
    ["--seed -1", /^error: --seed must be an integer from 0, not "-1"\n/],
    ["--rope-base x", /^error: --rope-base must be a number from 0, not "x"\n/],
    ["--rope-base 0", /^error: --rope-base must be a number above 0, not 0\n/],
    ["--rope-base 1e308", /^error: --rope-base must be a number that f32 can hold, not 1e\+308\n/],
    [
      "--rms-epsilon 1e-300",
      /^error: --rms-epsilon must be a number that f32 can hold, not 1e-300\n/,
    ],
    [
      "--hidden 200",
      /^error: --hidden must be a multiple of 256, the block size of Q4_K, not 200\n/,
    ],
    ["--kv-heads 3", /^error: --kv-heads must divide the number of heads, 4; 3 doesn't\n/],
    ["--experts 2 --experts-used 3", /^error: --experts-used must not exceed /],
    ["--architecture qwen3 --experts 8", /^error: --experts contradicts the architecture/],
    [
      "--architecture bert",
      /^error: --architecture must be one of qwen3moe, qwen2moe, mixtral, qwen3, qwen2, llama/,
    ],
    ["--preset qwen3-30b-a3b --architecture llama", /^error: --architecture llama contradicts/],
    ["--preset big", /^error: --preset must be one of tiny, qwen3-30b-a3b, qwen3-235b-a22b, not/],
    ["--types q3_k", /^error: --types must be one of q4_k_m, /],
    ["--vocab 100", /^error: --vocab must be an integer from 260 to /],
    ["--vocab 300 --vocab-from x", /^error: --vocab and --vocab-from exclude each other\n/],
  ];
  await inDirectory(async (path) => {
    for (const [flags, message] of cases) {
      const { code, stdout, stderr } = await runHere(["synth", path("a"), ...flags.split(" ")]);
      assert.deepEqual([code, stdout], [2, ""], flags);
      assert.match(stderr, message);
    }
    assert.deepEqual(readdirSync(path(".")), []);
  });
});

Deno.test("synth replaces a file only with --force, and anything else never", async () => {
  await inDirectory(async (path) => {
    await Deno.writeTextFile(path("a"), "precious");
    const refused = await runHere(["synth", path("a")]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /is there already; --force replaces it\n$/);
    assert.equal(await Deno.readTextFile(path("a")), "precious");
    assert.equal((await runHere(["synth", path("a"), "--force"])).code, 0);
    assert.ok(statSync(path("a")).size > 2 ** 20);
    const directory = await runHere(["synth", path("."), "--force"]);
    assert.equal(directory.code, 1);
    assert.match(directory.stderr, /is no regular file\n$/);
  });
});

Deno.test("synth does not replace the file that it takes the vocabulary from", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("a"), { vocabulary: 300 });
    const before = Deno.readFileSync(path("a"));
    const args = ["synth", path("./a"), "--vocab-from", path("a"), "--force"];
    const { code, stderr } = await runHere(args);
    assert.equal(code, 1);
    assert.match(stderr, /is the file that is read: give OUT another name\n$/);
    assert.deepEqual(Deno.readFileSync(path("a")), before);
  });
});

Deno.test("synth fails in one line where nothing can be written", async () => {
  await inDirectory(async (path) => {
    const { code, stdout, stderr } = await runHere(["synth", path("absent/a.gguf")]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^error: ENOENT[^\n]+absent[^\n]+\n$/);
  });
});

Deno.test({
  name: "synth stopped by Ctrl+C leaves nothing behind",
  ignore: Deno.build.os === "windows",
  async fn() {
    await inDirectory(async (path) => {
      const child = spawnCli(["synth", path("a.gguf"), "--preset", "qwen3-30b-a3b"]);
      await partialFile(path("."));
      child.kill("SIGINT");
      await child.stdin.close();
      const { code, stdout, stderr } = await child.output();
      assert.deepEqual([code, stdout.length], [1, 0]);
      assert.equal(new TextDecoder().decode(stderr), "error: interrupted\n");
      assert.deepEqual(readdirSync(path(".")), []);
    });
  },
});

Deno.test({
  name: `inspect, tensors and names answer for the 48-layer preset${QWEN.suffix}`,
  ignore: QWEN.ignore,
  async fn() {
    await inDirectory(async (path) => {
      const big = path("big.gguf");
      const preset = ["--preset", "qwen3-30b-a3b", "--vocab-from", QWEN.path, "--sparse"];
      assert.equal((await runHere(["synth", big, ...preset])).code, 0);
      for (const verb of ["inspect", "tensors", "names"]) {
        const { code, stderr } = await runThere([verb, big]);
        assert.deepEqual([code, stderr], [0, ""]);
      }
    });
  },
});

Deno.test("every role of a real-size file that synth writes resolves, and every tensor has a role", async () => {
  await inDirectory(async (path) => {
    await runHere(["synth", path("big.gguf"), "--preset", "qwen3-30b-a3b", "--sparse"]);
    const { code, stdout } = await runHere(["names", path("big.gguf"), "--json"]);
    const { layers, tensors, missing, unmapped } = JSON.parse(stdout);
    assert.deepEqual([code, layers, tensors, missing, unmapped], [0, 48, 579, [], []]);
  });
});

Deno.test("synth and the library write the same model for the same options", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("a"), { layers: 1, seed: 3, chatTemplate: CHATML_TEMPLATE });
    await runThere(["synth", path("b"), "--layers", "1", "--seed", "3"]);
    assert.deepEqual(Deno.readFileSync(path("a")), Deno.readFileSync(path("b")));
  });
});
