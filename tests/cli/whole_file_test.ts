import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { writeWholeFile } from "../../cli/whole_file.ts";
import { capture, inDirectory, runHere, writeModel } from "./helpers.ts";

const SMALL = { types: "f32", layers: 1, experts: 2, vocabulary: 300 } as const;
const bytes = (text: string) => new TextEncoder().encode(text);

/** Has `texts` written to one file at the same time, their halves in turn. */
async function writeTogether(path: string, texts: readonly string[]): Promise<void> {
  await capture(async (io) => {
    await Promise.all(texts.map((text) =>
      writeWholeFile(path, io, async (sink) => {
        await sink.write(bytes(text));
        await new Promise((resolve) => setTimeout(resolve, 50));
        await sink.write(bytes(text));
      })
    ));
    return 0;
  });
}

Deno.test("a file that is being written leaves all others alone, whatever their names", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("out.gguf.partial"), SMALL);
    const before = Deno.readFileSync(path("out.gguf.partial"));
    const args = ["quantize", path("out.gguf.partial"), path("out.gguf"), "--type", "q8_0"];
    const { code, stderr } = await runHere(args);
    assert.equal(code, 0, stderr);
    assert.deepEqual(Deno.readFileSync(path("out.gguf.partial")), before);
    assert.deepEqual(readdirSync(path(".")).sort(), ["out.gguf", "out.gguf.partial"]);
  });
});

Deno.test("two writers of one file give the whole of one", async () => {
  await inDirectory(async (path) => {
    await writeTogether(path("out"), ["a".repeat(1000), "b".repeat(999)]);
    assert.match(await Deno.readTextFile(path("out")), /^(a{2000}|b{1998})$/);
    assert.deepEqual(readdirSync(path(".")), ["out"]);
  });
});

Deno.test("where a link leads is written to, and the link stays", async () => {
  await inDirectory(async (path) => {
    mkdirSync(path("elsewhere"));
    await Deno.writeTextFile(path("elsewhere/file"), "old");
    symlinkSync(path("elsewhere/file"), path("link"));
    await writeTogether(path("link"), ["new"]);
    assert.equal(await Deno.readTextFile(path("elsewhere/file")), "newnew");
    assert.ok(Deno.lstatSync(path("link")).isSymlink);
    assert.deepEqual(readdirSync(path("elsewhere")), ["file"]);
  });
});

Deno.test("of several failures the first is told, and of a path the one that was given", async () => {
  await inDirectory(async (path) => {
    const failing = capture(async (io) => {
      await writeWholeFile(path("out"), io, async (sink) => {
        await sink.close();
        await sink.write(bytes("fails: it is closed"));
      });
      return 0;
    });
    await assert.rejects(failing, (error: Error) => !/partial/.test(error.message));
    const gone = capture(async (io) => {
      await writeWholeFile(path("gone/out"), io, () => {
        throw new Error("first");
      });
      return 0;
    });
    await assert.rejects(gone, { name: "CommandError", message: /ENOENT.*gone\/out'/ });
    mkdirSync(path("gone"));
    const removed = capture(async (io) => {
      await writeWholeFile(path("gone/out"), io, async () => {
        await Deno.remove(path("gone"), { recursive: true });
        await Deno.writeTextFile(path("gone"), "no directory any more");
        throw new Error("first");
      });
      return 0;
    });
    await assert.rejects(removed, { message: "first" });
    assert.ok(!existsSync(path("out")));
    assert.deepEqual(readdirSync(path(".")), ["gone"]);
  });
});

Deno.test({
  name: "a pipe is written to directly",
  ignore: Deno.build.os === "windows",
  async fn() {
    await inDirectory(async (path) => {
      const { success } = await new Deno.Command("mkfifo", { args: [path("pipe")] }).output();
      assert.ok(success);
      const reading = Deno.readTextFile(path("pipe"));
      await writeTogether(path("pipe"), ["half "]);
      assert.equal(await reading, "half half ");
      assert.deepEqual(readdirSync(path(".")), ["pipe"]);
    });
  },
});
