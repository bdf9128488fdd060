import assert from "node:assert/strict";
import {
  closeSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertSameBits } from "../../kernels/comparing.ts";
import { GgufError, loadModel, type LoadProgress, type SourceLocation } from "../../mod.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { inShards, randomFile, randomTokens, withModel, written } from "./helpers.ts";

const OPTIONS = { types: "q8_0", seed: 51 } as const;
const blob = await synthesizeBlob(OPTIONS);
const TOKENS = randomTokens(20);
const EXPECTED = await logitsOf(blob);

async function logitsOf(from: SourceLocation | readonly SourceLocation[]): Promise<Float32Array> {
  await using model = await loadModel(from, { threads: 2 });
  return await model.session().sync(TOKENS);
}

async function inDirectory(use: (path: (name: string) => string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "engine-"));
  try {
    await use((name) => join(directory, name));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The model in two files, the second of which begins in the middle of a layer. */
async function shards(): Promise<Blob[]> {
  return await inShards(await randomFile(OPTIONS), "blk.1.ffn_up_exps.weight");
}

Deno.test("loadModel() takes a path, a file URL and a File, and tells how far it is", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("model.gguf"), await blob.bytes());
    assertSameBits(await logitsOf(path("model.gguf")), EXPECTED);
    assertSameBits(await logitsOf(new URL(`file://${path("model.gguf")}`)), EXPECTED);
  });
  const heard: LoadProgress[] = [];
  const file = new File([blob], "model.gguf");
  await withModel(file, { threads: 1, onProgress: (p) => heard.push(p) }, async (model) => {
    assert.equal(model.name, "model.gguf");
    assertSameBits(await model.session().sync(TOKENS), EXPECTED);
  });
  const { loadedBytes, totalBytes } = heard.at(-1)!;
  assert.equal(loadedBytes, totalBytes);
  assert.ok(heard.every((one, i) => i === 0 || one.loadedBytes > heard[i - 1]!.loadedBytes));
});

Deno.test("a file that is replaced while it is loaded is one of the two, or an error", async () => {
  const other = await (await synthesizeBlob({ ...OPTIONS, types: "f32" })).bytes();
  const others = await logitsOf(new Blob([other]));
  await inDirectory(async (path) => {
    for (const milliseconds of [0, 5, 20, 50, 100]) {
      writeFileSync(path("model.gguf"), await blob.bytes());
      writeFileSync(path("other.gguf"), other);
      const loading = logitsOf(path("model.gguf")).catch((error) => error);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      renameSync(path("other.gguf"), path("model.gguf"));
      const result = await loading;
      if (result instanceof Error) assert.ok(result instanceof GgufError, `${result}`);
      else assertSameBits(result, result[0] === EXPECTED[0] ? EXPECTED : others);
    }
  });
});

/** A server of the model that may be slow to answer. */
class ModelServer {
  /** bytes that it has sent */
  sent = 0;
  /** awaited before each answer */
  delay: Promise<void> = Promise.resolve();
  /** heard when a request has come */
  onRequest: () => void = () => {};
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
    this.#server = Deno.serve(options, async (request) => {
      this.onRequest();
      await this.delay;
      const [from, to] = request.headers.get("range")!.match(/\d+/g)!.map(Number);
      const part = bytes.subarray(from, to! + 1);
      this.sent += part.length;
      const range = `bytes ${from}-${from! + part.length - 1}/${bytes.length}`;
      return new Response(part, { status: 206, headers: { "content-range": range } });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/model.gguf`;
  }

  /** Answers nothing until `release` is called. */
  stall(): { requested: Promise<void>; release: () => void } {
    const stalled = Promise.withResolvers<void>();
    const requested = Promise.withResolvers<void>();
    this.delay = stalled.promise;
    this.onRequest = requested.resolve;
    return { requested: requested.promise, release: stalled.resolve };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("loadModel() reads from a server, each expert when it is first used", async () => {
  await using server = new ModelServer(await blob.bytes());
  await withModel(server.url, { threads: 2 }, async (model) => {
    const session = model.session();
    await session.sync([1]);
    const afterOne = server.sent;
    assertSameBits(await session.sync(TOKENS), EXPECTED);
    assert.ok(server.sent > afterOne);
  });
});

Deno.test("a pass that waits for a server stops at its signal, and the model goes on", async () => {
  await using server = new ModelServer(await blob.bytes());
  await withModel(server.url, { threads: 2 }, async (model) => {
    const session = model.session();
    const { requested, release } = server.stall();
    const controller = new AbortController();
    const reason = new Error("enough");
    const stopped = assert.rejects(
      session.sync(TOKENS, { signal: controller.signal }),
      (error) => error === reason,
    );
    await requested;
    controller.abort(reason);
    await stopped;
    release();
    assertSameBits(await session.sync(TOKENS), EXPECTED);
  });
});

Deno.test("a model whose pass waits for a server is disposed of nevertheless", async () => {
  await using server = new ModelServer(await blob.bytes());
  const model = await loadModel(server.url, { threads: 2 });
  const { requested, release } = server.stall();
  const stopped = assert.rejects(model.session().sync(TOKENS), /has been disposed of/);
  await requested;
  await model[Symbol.asyncDispose]();
  await stopped;
  release();
});

Deno.test("loadModel() that waits for a server stops at its signal", async () => {
  await using server = new ModelServer(await blob.bytes());
  // The header comes with the first request; the second is for weights.
  for (const requests of [1, 2]) {
    let left = requests;
    let release = () => {};
    const controller = new AbortController();
    const reason = new Error("enough");
    server.onRequest = () => {
      if (--left > 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      server.delay = promise;
      release = resolve;
      controller.abort(reason);
    };
    await assert.rejects(
      loadModel(server.url, { signal: controller.signal }),
      (error) => error === reason,
    );
    release();
    server.delay = Promise.resolve();
  }
  server.onRequest = () => {};
  await assert.rejects(loadModel(server.url, { signal: AbortSignal.abort() }), /abort/i);
  assertSameBits(await logitsOf(server.url), EXPECTED);
});

Deno.test("loadModel() ends with what onProgress throws", async () => {
  const mine = new Error("mine");
  const onProgress = () => {
    throw mine;
  };
  await assert.rejects(loadModel(blob, { onProgress }), (error) => error === mine);
});

Deno.test("loadModel() puts a model in shards together", async () => {
  const parts = await shards();
  assertSameBits(await logitsOf(parts.toReversed()), EXPECTED);
  await inDirectory(async (path) => {
    const names = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"];
    for (const [i, name] of names.entries()) writeFileSync(path(name), await parts[i]!.bytes());
    assertSameBits(await logitsOf(path(names[0]!)), EXPECTED);
    rmSync(path(names[1]!));
    await assert.rejects(loadModel(path(names[0]!)), GgufError);
  });
});

Deno.test("a file that is read and shrinks under a loaded model fails the request, and only that", async () => {
  await inDirectory(async (path) => {
    const file = path("model.gguf");
    // The experts of the last layer stand at the end, behind what was read on loading.
    const { metadata, tensors } = await randomFile(OPTIONS);
    const isLast = ({ name }: { name: string }) => /^blk\.1\..*_exps/.test(name);
    const ordered = [...tensors.filter((t) => !isLast(t)), ...tensors.filter(isLast)];
    const bytes = await (await written({ metadata, tensors: ordered })).bytes();
    writeFileSync(file, bytes);
    // What someone has open for writing is not mapped but read.
    const writer = openSync(file, "r+");
    await withModel(file, { threads: 2 }, async (model) => {
      const [first, second] = [model.session(), model.session()];
      const known = await first.sync([7]);
      truncateSync(file, statSync(file).size / 2);
      await assert.rejects(second.sync(TOKENS), (error) => {
        assert.ok(error instanceof GgufError);
        assert.equal(error.file, file);
        return true;
      });
      // What is in memory still serves, in that session and in others.
      assertSameBits(await second.sync([7]), known);
      assertSameBits(await first.sync([7]), known);
      // Nobody can tell whether it is what it was.
      writeFileSync(file, bytes);
      await assert.rejects(second.sync(TOKENS), GgufError);
    });
    closeSync(writer);
  });
});
