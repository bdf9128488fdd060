import assert from "node:assert/strict";
import { openGguf } from "../../gguf/mod.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { createTokenizer } from "../../tokenizer/mod.ts";
import { inDirectory, qwenVocabulary, runHere, runThere, writeModel } from "./helpers.ts";

const QWEN = qwenVocabulary();

// Ids of Qwen's tokenizer: "Hello" 9707, "," 11, " world" 1879, "!" 0, <|im_end|> 151645.
Deno.test({
  name: `tokenize prints Qwen's ids on one line${QWEN.suffix}`,
  ignore: QWEN.ignore,
  async fn() {
    const expected = { code: 0, stdout: "9707 11 1879 0 151645\n", stderr: "" };
    assert.deepEqual(await runHere(["tokenize", QWEN.path, "Hello, world!<|im_end|>"]), expected);
    assert.deepEqual(await runThere(["tokenize", QWEN.path], "Hello, world!<|im_end|>"), expected);
  },
});

Deno.test("tokenize reads the operand, a file, or what is piped in, to the last newline", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("model.gguf"));
    await Deno.writeTextFile(path("text"), "AB\n");
    const tokenize = ["tokenize", path("model.gguf")];
    // The first 256 ids of a made-up vocabulary are the bytes.
    assert.equal((await runHere([...tokenize, "AB\n"])).stdout, "65 66 10\n");
    assert.equal((await runHere([...tokenize, "--file", path("text")])).stdout, "65 66 10\n");
    assert.equal((await runHere(tokenize, "AB\n")).stdout, "65 66 10\n");
    assert.equal((await runHere([...tokenize, "--", "-5"])).stdout, "45 53\n");
    assert.equal((await runHere([...tokenize, ""])).stdout, "\n");
  });
});

Deno.test("tokenize and perplexity say which file can't be read", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("model.gguf"));
    for (const verb of ["tokenize", "perplexity"]) {
      for (const [name, code] of [["folder", "EISDIR"], ["absent", "ENOENT"]] as const) {
        await Deno.mkdir(path("folder"), { recursive: true });
        const outcome = await runHere([verb, path("model.gguf"), "--file", path(name)]);
        assert.deepEqual([outcome.code, outcome.stdout], [1, ""]);
        const [line, ...more] = outcome.stderr.split("\n");
        assert.ok(line!.includes(code) && line!.includes(path(name)), line);
        assert.deepEqual(more, [""]);
      }
    }
  });
});

Deno.test("tokenize --no-special, --bos and --json do what they say", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("model.gguf"), { vocabulary: 300 });
    const tokenize = async (...args: string[]) =>
      (await runHere(["tokenize", path("model.gguf"), ...args])).stdout;
    // The last three ids: end of text (the beginning of sequence as well), <|im_start|>, <|im_end|>.
    assert.equal(await tokenize("<|im_end|>"), "299\n");
    assert.equal(
      await tokenize("<|im_end|>", "--no-special"),
      "60 124 105 109 95 101 110 100 124 62\n",
    );
    assert.equal(await tokenize("A", "--bos"), "297 65\n");
    assert.equal(await tokenize("A", "--no-bos"), "65\n");
    assert.deepEqual(JSON.parse(await tokenize("é<|im_end|>", "--json")), [
      { id: 0xc3, text: "\ufffd" },
      { id: 0xa9, text: "\ufffd" },
      { id: 299, text: "<|im_end|>" },
    ]);
  });
});

Deno.test("every token of a made-up vocabulary is what its own text becomes", async () => {
  await using file = await openGguf(await synthesizeBlob({ vocabulary: 20_000, types: "q8_0" }));
  const tokenizer = createTokenizer(file.metadata);
  for (let id = 0; id < 20_000; id++) {
    const text = tokenizer.tokenText(id);
    // Bytes beyond ASCII are no text of their own.
    if (!text.includes("\ufffd")) assert.deepEqual(tokenizer.encode(text), [id], text);
  }
});
