import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertSameBits } from "../../kernels/comparing.ts";
import { libc } from "../../kernels/libc.ts";
import { GgufError, loadModel, type LoadOptions, type Model } from "../../mod.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { randomTokens } from "./helpers.ts";

const ROOT = new URL("../../", import.meta.url);

/** Where files can't be mapped, all models are read, as those of a Blob are. */
const ignore = libc() === undefined;

const MIB = 2 ** 20;

/** 128 experts of some 400 KB in two classes. */
const OPTIONS = {
  layers: 4,
  experts: 32,
  expertsUsed: 4,
  hidden: 256,
  expertWidth: 512,
  types: "q4_k_m",
  seed: 11,
} as const;
const TOKENS = randomTokens(60, 9);

const blob = await synthesizeBlob(OPTIONS);
const bytes = await blob.bytes();
const read = await runOf(blob, {});

/** Logits after a prompt, and after tokens one by one, in which experts become hot. */
async function runOf(from: string | Blob, options: LoadOptions): Promise<Float32Array[]> {
  await using model = await loadModel(from, { threads: 2, context: 128, ...options });
  return await continued(model);
}

async function continued(model: Model): Promise<Float32Array[]> {
  await using session = model.session();
  const rows = [(await session.sync(TOKENS.slice(0, 20))).slice()];
  for (let end = 21; end <= TOKENS.length; end++) {
    rows.push((await session.sync(TOKENS.slice(0, end))).slice());
  }
  return rows;
}

function assertSameRows(actual: Float32Array[], expected: Float32Array[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((row, i) => assertSameBits(row, expected[i]!));
}

/** Calls `use` with the path of the model's file. */
async function withFile(
  use: (path: string) => Promise<void>,
  content: Uint8Array = bytes,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "mapping-"));
  try {
    const path = join(directory, "model.gguf");
    writeFileSync(path, content);
    await use(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What a program prints, run by itself with some permissions. */
async function printed(program: string, permissions: string[]): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", ...permissions, "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, code } = await child.output();
  assert.equal(code, 0);
  return new TextDecoder().decode(stdout).trim();
}

/** A program that does something with `loadModel`, `path` and `tokens`. */
function programOf(path: string, rest: string): string {
  return `
    import { loadModel } from "${new URL("mod.ts", ROOT)}";
    const path = ${JSON.stringify(path)};
    const tokens = ${JSON.stringify(TOKENS)};
    ${rest}`;
}

Deno.test("a mapped model gives the bits of one that is read, while experts come, are packed and go", () =>
  withFile(async (path) => {
    for (
      const options of [
        {},
        { threads: 1 },
        { batchSize: 7 },
        { maxWindowBytes: 12 * MIB },
        { memory: 40 * MIB },
      ]
    ) assertSameRows(await runOf(path, options), read);
  }));

for (const architecture of ["qwen2moe", "mixtral"] as const) {
  Deno.test(`a mapped ${architecture} gives the bits of one that is read`, async () => {
    const own = await synthesizeBlob({ ...OPTIONS, architecture });
    const expected = await runOf(own, {});
    await withFile(async (path) => {
      for (
        const options of [{}, { batchSize: 7, maxWindowBytes: 16 * MIB }, { memory: 46 * MIB }]
      ) {
        assertSameRows(await runOf(path, options), expected);
      }
    }, await own.bytes());
  });
}

Deno.test("a model is read where the process may not call the system's library", () =>
  withFile(async (path) => {
    const program = programOf(
      path,
      `
      await using model = await loadModel(path, { threads: 2, context: 128 });
      await using session = model.session();
      const logits = await session.sync(tokens);
      console.log([...logits.slice(0, 8)].join());
    `,
    );
    const permissions = ["--allow-read", "--allow-env", "--allow-sys"];
    assert.equal(await printed(program, permissions), [...read.at(-1)!.slice(0, 8)].join());
  }));

for (const when of ["between two requests", "in the middle of one"] as const) {
  Deno.test({
    name: `a mapped file that is cut short ${when} fails requests, whatever it becomes`,
    ignore,
    fn: () =>
      withFile(async (path) => {
        await using model = await loadModel(path, { threads: 2, context: 2048, batchSize: 32 });
        await using session = model.session();
        const isCut = (error: unknown) => {
          assert.ok(error instanceof GgufError, String(error));
          assert.equal(error.file, path);
          return true;
        };
        await session.sync(TOKENS.slice(0, 3));
        if (when === "in the middle of one") {
          const failing = assert.rejects(session.sync(randomTokens(2000)), isCut);
          await new Promise((resolve) => setTimeout(resolve, 50));
          truncateSync(path, bytes.length / 8);
          await failing;
        } else {
          truncateSync(path, bytes.length / 8);
        }
        await assert.rejects(session.sync(TOKENS), isCut);
        await assert.rejects(session.sync(TOKENS), isCut);
        // Nobody can tell whether it is what it was.
        writeFileSync(path, bytes);
        await assert.rejects(session.sync(TOKENS), isCut);
      }),
  });
}

Deno.test({
  name: "a mapped file that another process cuts short fails the request, and that process goes on",
  ignore,
  fn: () =>
    withFile(async (path) => {
      await using model = await loadModel(path, { threads: 2, context: 128 });
      assertSameRows(await continued(model), read);
      const cut = `Deno.truncateSync(${JSON.stringify(path)}, 100); console.log("cut")`;
      assert.equal(await printed(cut, ["--allow-write"]), "cut");
      await assert.rejects(model.session().sync([1]), GgufError);
    }),
});

Deno.test({
  name: "a mapped file that is replaced or deleted serves on as it was",
  ignore,
  fn: () =>
    withFile(async (path) => {
      await using model = await loadModel(path, { threads: 2, context: 128 });
      await model.session().sync([1]);
      writeFileSync(`${path}2`, "something else");
      renameSync(`${path}2`, path);
      rmSync(path);
      assertSameRows(await continued(model), read);
    }),
});

Deno.test({
  name: "a mapped model takes no more memory than it may, and what is packed is mapped no more",
  ignore,
  fn: () =>
    withFile(async (path) => {
      // 176 MiB, of which 160 are experts.
      const large = await synthesizeBlob({
        ...OPTIONS,
        experts: 64,
        expertsUsed: 8,
        hidden: 512,
        expertWidth: 768,
      });
      writeFileSync(path, await large.bytes());
      const peak = async (memory: string) => {
        const program = programOf(
          path,
          `
          await using model = await loadModel(path, { threads: 2, context: 1024, ${memory} });
          await using session = model.session();
          for (let end = 1; end <= tokens.length; end++) await session.sync(tokens.slice(0, end));
          for (let i = 0; i < 10; i++) tokens.push(...tokens.slice(0, 60));
          await session.sync(tokens);
          console.log(/VmHWM:\\s+(\\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))[1]);
        `,
        );
        return Number(await printed(program, ["-A"])) * 1024;
      };
      // Deno itself takes some 100 MiB.
      const [limited, unlimited] = [await peak(`memory: ${96 * MIB}`), await peak("")];
      assert.ok(limited < 96 * MIB + 180 * MIB, `${limited / MIB} MiB`);
      assert.ok(unlimited > 250 * MIB && unlimited < 420 * MIB, `${unlimited / MIB} MiB`);
    }),
});

Deno.test({
  name: "models that are disposed of leave no mappings and no open files",
  ignore,
  fn: () =>
    withFile(async (path) => {
      const program = programOf(
        path,
        `
        const maps = () => Deno.readTextFileSync("/proc/self/maps").split(path).length - 1;
        const isOwn = ({ name }) => {
          try {
            return Deno.readLinkSync("/proc/self/fd/" + name) === path;
          } catch {
            return false; // the folder's own
          }
        };
        const files = () => [...Deno.readDirSync("/proc/self/fd")].filter(isOwn).length;
        const use = async (options) => {
          await using model = await loadModel(path, { threads: 2, ...options });
          await model.session().sync(tokens.slice(0, 2));
          return maps();
        };
        let mapped = 0;
        for (let i = 0; i < 20; i++) mapped += await use(i % 2 ? {} : { memory: ${40 * MIB} });
        await loadModel(path, { memory: 1 }).catch(() => {});
        console.log(mapped > 0, maps(), files());
      `,
      );
      assert.equal(await printed(program, ["-A"]), "true 0 0");
    }),
});
