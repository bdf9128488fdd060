import assert from "node:assert/strict";
import { renameSync, truncateSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { GgufError } from "./errors.ts";
import { countingBytes, inDirectory } from "./helpers_test.ts";
import { openSource } from "./source.ts";

const BYTES = countingBytes(700_000);

/** Checks reads at the beginning, in the middle, across 256 KiB and at the end. */
async function checkReads(source: Awaited<ReturnType<typeof openSource>>) {
  assert.equal(source.size, BYTES.length);
  for (
    const [offset, length] of [[0, 10], [262_140, 10], [300_000, 99_999], [699_990, 10], [5, 0]]
  ) {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
    const into = new Uint8Array(memory.buffer, 3, length);
    await source.read(offset!, into);
    assert.deepEqual(into.slice(), BYTES.slice(offset, offset! + length!));
  }
  await assert.rejects(source.read(699_995, new Uint8Array(10)), (error) => {
    assert(error instanceof GgufError);
    assert.equal(error.offset, 700_000);
    assert.match(error.expected, /^5 more bytes/);
    return true;
  });
  await source.close();
}

Deno.test("openSource() reads a path and a file URL into shared memory", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("bytes"), BYTES);
    await checkReads(await openSource(path("bytes")));
    await checkReads(await openSource(pathToFileURL(path("bytes"))));
    await checkReads(await openSource(pathToFileURL(path("bytes")).href));
  });
});

Deno.test("openSource() reads a Blob into shared memory", async () => {
  await checkReads(await openSource(new Blob([BYTES])));
  assert.equal((await openSource(new File([BYTES], "named.gguf"))).name, "named.gguf");
});

Deno.test("openSource() opens its own descriptor after it was cloned", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("bytes"), BYTES);
    const source = await openSource(path("bytes"));
    await source.close();
    await checkReads(await openSource(structuredClone(source.descriptor)));
  });
});

Deno.test("openSource() refuses its own descriptor where another file has taken the name", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("bytes"), BYTES);
    const { descriptor, close } = await openSource(path("bytes"));
    await close();
    writeFileSync(path("other"), BYTES);
    renameSync(path("other"), path("bytes"));
    await assert.rejects(openSource(descriptor), /another file .*open it again/);
    await (await openSource(path("bytes"))).close();
  });
});

Deno.test("openSource() refuses its own descriptor where the server has another version", async () => {
  let version = 0;
  const answer = (request: Request) => {
    const response = ranged(request);
    response.headers.set("etag", `"${version}"`);
    return response;
  };
  await served(answer, async (url) => {
    const { descriptor } = await openSource(url);
    await openSource(descriptor);
    version++;
    await assert.rejects(openSource(descriptor), /another file .*open it again/);
  });
});

Deno.test("openSource() refuses a missing file, a directory and a device", async () => {
  await assert.rejects(openSource("no/such/file.gguf"), GgufError);
  await assert.rejects(openSource("."), /a directory; expected a GGUF file/);
  if (Deno.build.os !== "windows") await assert.rejects(openSource("/dev/zero"), GgufError);
});

Deno.test("a file that shrinks after it was opened is a GgufError", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("bytes"), BYTES);
    const source = await openSource(path("bytes"));
    truncateSync(path("bytes"), 1000);
    await assert.rejects(source.read(990, new Uint8Array(20)), (error) => {
      return error instanceof GgufError && error.offset === 1000;
    });
    await source.close();
  });
});

/** Serves `BYTES` by `answer` while `use` runs. */
async function served(
  answer: (request: Request) => Response,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
  try {
    await use(`http://127.0.0.1:${server.addr.port}/model.gguf`);
  } finally {
    await server.shutdown();
  }
}

function ranged(request: Request, total: number | string = BYTES.length): Response {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range")!)!;
  const body = BYTES.slice(Number(from), Number(to) + 1);
  return new Response(body, {
    status: 206,
    headers: { "Content-Range": `bytes ${from}-${Number(from) + body.length - 1}/${total}` },
  });
}

Deno.test("a file that is written to after it was opened is a GgufError", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("bytes"), BYTES);
    const source = await openSource(path("bytes"));
    await source.read(0, new Uint8Array(20));
    // Some file systems count time in steps.
    await new Promise((resolve) => setTimeout(resolve, 20));
    writeFileSync(path("bytes"), BYTES);
    await assert.rejects(source.read(0, new Uint8Array(20)), (error) => {
      return error instanceof GgufError && /written to/.test(error.found);
    });
    await source.close();
  });
});

Deno.test("openSource() reads a URL by ranges", async () => {
  await served((request) => ranged(request), async (url) => checkReads(await openSource(url)));
});

Deno.test("openSource() sends a descriptor's headers with each request", async () => {
  const seen: (string | null)[] = [];
  await served((request) => {
    seen.push(request.headers.get("authorization"));
    return ranged(request);
  }, async (url) => {
    const headers = { Authorization: "Bearer x" };
    const source = await openSource({ kind: "http", url, headers });
    await source.read(500_000, new Uint8Array(10));
  });
  assert.deepEqual(seen, ["Bearer x", "Bearer x"]);
});

Deno.test("openSource() keeps the file of a server that ignores ranges in memory", async () => {
  let requests = 0;
  await served(() => {
    requests++;
    return new Response(BYTES);
  }, async (url) => {
    const source = await openSource(url);
    await checkReads(source);
    assert.deepEqual(source.descriptor, { kind: "http", url, version: "700000 " });
  });
  assert.equal(requests, 1);
});

Deno.test("openSource() refuses a server that ignores ranges when the file is too large", async () => {
  const body = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(9)) });
  await served(
    () => new Response(body, { headers: { "Content-Length": String(2 ** 34) } }),
    async (url) => await assert.rejects(openSource(url), /ignores range requests/),
  );
});

Deno.test("openSource() reports a server's refusal and what to do", async () => {
  await served(() => new Response("", { status: 404 }), async (url) => {
    await assert.rejects(openSource(url), /HTTP status 404; expected 206 .*Check the URL/);
  });
  await served(() => new Response("", { status: 401 }), async (url) => {
    await assert.rejects(openSource(url), /HTTP status 401.*pass headers/);
  });
});

Deno.test("openSource() reports a server that is not there", async () => {
  let gone = "";
  await served((request) => ranged(request), (url) => Promise.resolve(void (gone = url)));
  await assert.rejects(openSource(gone), GgufError);
});

Deno.test("a response that is too short, too long or of another range is a GgufError", async () => {
  const range = { status: 206, headers: { "Content-Range": `bytes 0-262143/${BYTES.length}` } };
  const wrong: [RegExp, () => Response][] = [
    [/end of the response/, () => new Response(BYTES.slice(0, 1000), range)],
    [/more bytes than were asked for/, () => new Response(BYTES, range)],
    [/no Content-Range/, () => new Response(BYTES, { status: 206 })],
    [
      /bytes 5-9/,
      () => new Response("", { status: 206, headers: { "Content-Range": "bytes 5-9/10" } }),
    ],
    [/\/\*/, () => new Response("", { status: 206, headers: { "Content-Range": "bytes 0-9/*" } })],
  ];
  for (const [message, answer] of wrong) {
    await served(answer, async (url) => {
      await assert.rejects(openSource(url), (error) => {
        return error instanceof GgufError && message.test(error.message);
      });
    });
  }
});

Deno.test("a transfer that breaks is a GgufError with the offset reached", async () => {
  let first = true;
  await served((request) => {
    if (first) {
      first = false;
      return ranged(request);
    }
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(100));
        controller.close();
      },
    });
    return new Response(body, ranged(request));
  }, async (url) => {
    const source = await openSource(url);
    await assert.rejects(source.read(400_000, new Uint8Array(1000)), (error) => {
      return error instanceof GgufError && error.offset === 400_100;
    });
  });
});

Deno.test("a file that changes on the server is a GgufError", async () => {
  let total = BYTES.length;
  await served((request) => ranged(request, total--), async (url) => {
    const source = await openSource(url);
    await assert.rejects(source.read(400_000, new Uint8Array(10)), /has changed: open it again/);
  });
});
