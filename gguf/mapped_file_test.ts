import assert from "node:assert/strict";
import { openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { closeSync } from "node:fs";
import { libc } from "../kernels/libc.ts";
import { countingBytes, inDirectory } from "./helpers_test.ts";
import {
  empty,
  isPresent,
  MAP_ALIGNMENT,
  MappedFile,
  type MemoryRange,
  populate,
  request,
} from "./mapped_file.ts";
import { type ByteSource, openSource } from "./source.ts";

/** Where files can't be mapped, there is nothing to test. */
const ignore = libc() === undefined;

/** A prime number of bytes beyond a few pages. */
const BYTES = countingBytes(1_000_003);
const PAGE = 4096;

function newMemory(): Uint8Array<SharedArrayBuffer> {
  const { buffer } = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  return new Uint8Array(buffer as unknown as SharedArrayBuffer);
}

/** `bytes` bytes in a new memory, as far from an alignment as `offset` is. */
function rangeFor(offset: number, bytes: number): MemoryRange {
  return { memory: newMemory(), address: 2 * MAP_ALIGNMENT + offset % MAP_ALIGNMENT, bytes };
}

function contents({ memory, address, bytes }: MemoryRange): Uint8Array {
  return memory.slice(address, address + bytes);
}

/** Calls `use` with a file, its source and the file as it can be mapped. */
async function withMapped(
  use: (mapped: MappedFile, path: string, source: ByteSource) => Promise<void> | void,
): Promise<void> {
  await inDirectory(async (directory) => {
    const path = directory("bytes");
    writeFileSync(path, BYTES);
    const source = await openSource(path);
    const mapped = MappedFile.open(source)!;
    try {
      await use(mapped, path, source);
    } finally {
      mapped.close();
      await source.close();
    }
  });
}

/** Runs a program in another process while this one goes on; resolves to its output. */
async function elsewhere(program: string): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** Does what the conductor does: looks now and then. Resolves when the file has been given back. */
async function untilGiven(mapped: MappedFile): Promise<void> {
  while (mapped.held) await new Promise((resolve) => setTimeout(resolve, 5));
}

Deno.test({
  name: "MappedFile.map() has the file's bytes in memory, wherever they begin and end",
  ignore,
  fn: () =>
    withMapped((mapped) => {
      for (const [offset, bytes] of [[0, 100], [70_001, 500_000], [65_536, 65_536], [999_999, 4]]) {
        const range = rangeFor(offset!, bytes!);
        assert.ok(mapped.map(range, offset!));
        request(range);
        assert.ok(populate(range) && isPresent(range));
        assert.deepEqual(contents(range), BYTES.slice(offset, offset! + bytes!));
        // Whole pages are mapped, and nothing else is touched.
        assert.ok(range.memory.subarray(0, 2 * MAP_ALIGNMENT).every((byte) => byte === 0));
        mapped.drop(range);
        assert.ok(populate(range));
        assert.deepEqual(contents(range), BYTES.slice(offset, offset! + bytes!));
      }
    }),
});

Deno.test({
  name: "MappedFile.close() leaves empty memory, and nothing of the file in the process",
  ignore,
  fn: () =>
    withMapped((mapped, path) => {
      const range = rangeFor(0, 500_000);
      assert.ok(mapped.map(range, 0));
      assert.ok(populate(range));
      const isMapped = () => readFileSync("/proc/self/maps", "utf8").includes(path);
      assert.ok(isMapped());
      mapped.close();
      assert.ok(!isMapped() && !mapped.held);
      assert.ok(contents(range).every((byte) => byte === 0));
      range.memory.fill(7);
      assert.equal(mapped.map(range, 0), false);
      mapped.close();
    }),
});

Deno.test({
  name: "a process that cuts a mapped file short waits until it is given back",
  ignore,
  fn: () =>
    withMapped(async (mapped, path) => {
      const range = rangeFor(0, BYTES.length);
      assert.ok(mapped.map(range, 0));
      const cut = elsewhere(`Deno.truncateSync(${JSON.stringify(path)}, 10); console.log("cut")`);
      await untilGiven(mapped);
      assert.equal(await cut, "cut");
      assert.equal(readFileSync(path).length, 10);
      // What touches it now finds zeros, where the file's pages would end the process.
      assert.ok(contents(range).every((byte) => byte === 0));
    }),
});

Deno.test({
  name: "a mapped file may be renamed, replaced and deleted: the mapped one stays",
  ignore,
  fn: () =>
    withMapped((mapped, path) => {
      const range = rangeFor(0, BYTES.length);
      assert.ok(mapped.map(range, 0));
      writeFileSync(`${path}2`, new Uint8Array(10));
      renameSync(`${path}2`, path);
      rmSync(path);
      assert.ok(mapped.held && populate(range));
      assert.deepEqual(contents(range), BYTES);
    }),
});

Deno.test({
  name: "MappedFile.open() takes no file that is open for writing, and none of another size",
  ignore,
  fn: () =>
    withMapped(async (mapped, path, source) => {
      mapped.close();
      assert.equal(MappedFile.open({ ...source, size: source.size - 1 }), undefined);
      const writer = openSync(path, "r+");
      assert.equal(MappedFile.open(source), undefined);
      closeSync(writer);
      MappedFile.open(source)!.close();
      assert.equal(MappedFile.open(await openSource(new Blob([BYTES]))), undefined);
    }),
});

Deno.test({
  name: "populate() says what it can't bring, and does no harm",
  ignore,
  fn: () =>
    withMapped((mapped) => {
      const range = rangeFor(0, BYTES.length);
      assert.ok(mapped.map(range, 0));
      // As a file that has become shorter: pages beyond its end.
      const beyond = { ...range, bytes: BYTES.length + 4 * PAGE };
      assert.ok(mapped.map(beyond, 0));
      assert.equal(populate(beyond), false);
      assert.equal(isPresent(beyond), false);
      assert.equal(populate(range), true);
    }),
});

Deno.test({
  name: "empty() makes zeros of whole pages and leaves the bytes beside them",
  ignore,
  fn() {
    const memory = newMemory().fill(1);
    empty({ memory, address: PAGE - 10, bytes: 2 * PAGE + 20 });
    const end = 3 * PAGE;
    assert.ok(memory.subarray(0, PAGE).every((byte) => byte === 1));
    assert.ok(memory.subarray(PAGE, end).every((byte) => byte === 0));
    assert.ok(memory.subarray(end).every((byte) => byte === 1));
    empty({ memory, address: end + 1, bytes: PAGE });
    assert.ok(memory.subarray(end).every((byte) => byte === 1));
  },
});
