import assert from "node:assert/strict";
import { loadShowing } from "../../cli/loading.ts";
import type { Io } from "../../cli/verb.ts";
import { GgufError } from "../../mod.ts";
import { inDirectory, writeModel } from "./helpers.ts";

/** An Io of which only stderr and Ctrl+C are used, and what was told there. */
function stderr(tellsTerminal: boolean): { io: Io; told: () => string } {
  let text = "";
  const unused = () => assert.fail("only stderr and Ctrl+C may be used");
  const io: Io = {
    write: unused,
    tell: (part) => void (text += part),
    readInput: unused,
    inputIsTerminal: true,
    writesTerminal: true,
    tellsTerminal,
    debug: false,
    interruption: () => new AbortController().signal,
  };
  return { io, told: () => text };
}

/** The line that a terminal shows at the end: what follows the last time it was erased. */
function lastLine(told: string): string {
  const erase = "\x1b[2K";
  return told.slice(told.lastIndexOf(erase) + erase.length);
}

Deno.test("loading shows a bar on a terminal and erases it", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("model.gguf"));
    const { io, told } = stderr(true);
    await using model = await loadShowing(path("model.gguf"), { threads: 1 }, io, 0);
    assert.equal(model.threads, 1);
    assert.match(told(), /loading \[.*\] \d+% of [\d.]+ (KiB|MiB)/);
    assert.match(told(), /100%/);
    assert.equal(lastLine(told()), "");
  });
});

Deno.test("loading that takes but a moment shows no bar", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("model.gguf"));
    const { io, told } = stderr(true);
    await using _model = await loadShowing(path("model.gguf"), {}, io, Infinity);
    assert.equal(told(), "");
  });
});

Deno.test("loading tells nothing where stderr is no terminal", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("model.gguf"));
    const { io, told } = stderr(false);
    await using _model = await loadShowing(path("model.gguf"), {}, io, 0);
    assert.equal(told(), "");
  });
});

Deno.test("loading that fails leaves no bar behind", async () => {
  await inDirectory(async (path) => {
    const { io, told } = stderr(true);
    await assert.rejects(loadShowing(path("absent.gguf"), {}, io, 0), GgufError);
    assert.equal(told(), "");
  });
});
