import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { openGguf } from "./gguf.ts";
import { countingBytes, fileOf, inDirectory } from "./helpers_test.ts";
import type { MetadataEntry } from "./metadata.ts";

/** The bytes of shard `number` (from 0) of `count`, with the tensors named. */
async function shard(number: number, count: number, names: string[], tensorCount: number) {
  const metadata: MetadataEntry[] = [
    { key: "split.no", type: "u16", value: number },
    { key: "split.count", type: "u16", value: count },
    { key: "split.tensors.count", type: "i32", value: tensorCount },
  ];
  if (number === 0) metadata.push({ key: "general.name", type: "string", value: "sharded" });
  const tensors = names.map((name) => ({ name, type: "F32" as const, shape: [number + 1] }));
  return (await fileOf({ metadata, tensors })).bytes;
}

const name = (number: number) => `m-0000${number + 1}-of-00003.gguf`;
const THREE = await Promise.all([
  shard(0, 3, ["a"], 4),
  shard(1, 3, ["b", "c"], 4),
  shard(2, 3, ["d"], 4),
]);

async function checkThree(file: Awaited<ReturnType<typeof openGguf>>) {
  assert.equal(file.metadata.get("general.name"), "sharded");
  assert.deepEqual([...file.tensors.keys()], ["a", "b", "c", "d"]);
  assert.deepEqual([...file.tensors.values()].map(({ source }) => source), [0, 1, 1, 2]);
  assert.deepEqual(await file.readTensor(file.tensors.get("d")!), countingBytes(12));
  assert.equal(file.sources.length, 3);
  await file.close();
  await file.close();
}

Deno.test("openGguf() finds the other shards beside any of them", async () => {
  await inDirectory(async (path) => {
    THREE.forEach((bytes, number) => writeFileSync(path(name(number)), bytes));
    await checkThree(await openGguf(path(name(0))));
    await checkThree(await openGguf(path(name(1))));
  });
});

Deno.test("openGguf() finds the other shards on a server, with the same query and headers", async () => {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    const number = [0, 1, 2].find((number) => pathname === `/x/${name(number)}`);
    const allowed = search === "?download=true" && request.headers.get("x-key") === "1";
    if (number === undefined || !allowed) return new Response("", { status: 404 });
    return new Response(THREE[number]!);
  });
  const url = `http://127.0.0.1:${server.addr.port}/x/${name(0)}?download=true`;
  await checkThree(await openGguf({ kind: "http", url, headers: { "x-key": "1" } }));
  await server.shutdown();
});

Deno.test("openGguf() puts a list of shards in order", async () => {
  const [first, second, third] = THREE.map((bytes) => new Blob([bytes]));
  await checkThree(await openGguf([third!, first!, second!]));
});

Deno.test("openGguf() names the shard that is missing beside a path", async () => {
  await inDirectory(async (path) => {
    THREE.forEach((bytes, number) => writeFileSync(path(name(number)), bytes));
    rmSync(path(name(2)));
    await assert.rejects(
      openGguf(path(name(0))),
      /m-00003-of-00003\.gguf.*Fetch the missing shards/,
    );
  });
});

Deno.test("openGguf() refuses a shard whose name does not tell the others", async () => {
  await assert.rejects(openGguf(new Blob([THREE[0]!])), /one of 3 shards/);
  await inDirectory(async (path) => {
    for (const other of ["renamed.gguf", "m-00001-of-00002.gguf"]) {
      writeFileSync(path(other), THREE[0]!);
      await assert.rejects(openGguf(path(other)), /m-|model-00001-of-00003\.gguf/);
    }
  });
});

Deno.test("openGguf() refuses shards that do not make one model", async () => {
  const [first, second, third] = THREE.map((bytes) => new Blob([bytes])) as [Blob, Blob, Blob];
  const plain = new Blob([(await fileOf({ metadata: [], tensors: [] })).bytes]);
  const alien = new Blob([await shard(2, 4, ["d"], 4)]);
  const same = new Blob([await shard(2, 3, ["a"], 4)]);
  const more = new Blob([await shard(2, 3, ["d", "e"], 4)]);
  const cases: [Blob[], RegExp][] = [
    [[first, second], /no shard 3 of 3/],
    [[first, second, second], /shard 2 again/],
    [[first, second, plain], /a shard of 1; expected shards of one model in 3/],
    [[first, second, alien], /a shard of 4/],
    [[first, second, same], /tensor a, which blob has too/],
    [[first, second, more], /5 tensors in all shards; expected 4, by split.tensors.count/],
    [[new Blob([await shard(7, 3, [], 4)]), second, third], /a split.no of 7/],
    [[new Blob([await shard(0, 60_000, [], 4)]), second], /a split.count of 60000/],
  ];
  for (const [blobs, message] of cases) await assert.rejects(openGguf(blobs), message);
});

Deno.test("openGguf() takes a file that was merged of shards, which says that there are 0", async () => {
  const file = await openGguf(new Blob([await shard(0, 0, ["a", "b"], 2)]));
  assert.deepEqual([...file.tensors.keys()], ["a", "b"]);
  await file.close();
});
