import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { inDirectory, runHere } from "./helpers.ts";

/** A contract's text, in lines that end as `lineEnd`. */
function yaml(version: string, body = "x = 1", lineEnd = "\n"): string {
  return ["metadata:", `  version: ${version}`, `formula: ${body}`, ""].join(lineEnd);
}

/** Calls `use` with a folder of the contracts a-v1 and b-v1, pinned. */
async function inPinned(use: (path: (name: string) => string) => Promise<void>): Promise<void> {
  await inDirectory(async (path) => {
    writeFileSync(path("a-v1.yaml"), yaml("1.0.0"));
    writeFileSync(path("b-v1.yaml"), yaml("2.1.0"));
    const { code, stdout, stderr } = await runHere(["pin", "update", path(".")]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^pinned {3}a-v1 1\.0\.0\npinned {3}b-v1 2\.1\.0\n.*: 2 contracts\n$/);
    await use(path);
  });
}

/** What `pin check --json` finds: contract and kind of each problem. */
async function check(folder: string, ...more: string[]): Promise<[string, string][]> {
  const { code, stdout, stderr } = await runHere(["pin", "check", folder, "--json", ...more]);
  assert.equal(stderr, "");
  const problems = JSON.parse(stdout);
  assert.equal(code, problems.length === 0 ? 0 : 1);
  for (const problem of problems) {
    assert.deepEqual(Object.keys(problem), ["contract", "kind", "message"]);
  }
  return problems.map(({ contract, kind }: { contract: string; kind: string }) => [contract, kind]);
}

Deno.test("pin check passes what pin update wrote", async () => {
  await inPinned(async (path) => {
    assert.deepEqual(await check(path(".")), []);
    const { code, stdout } = await runHere(["pin", "check", path(".")]);
    assert.deepEqual([code, stdout], [0, "2 contracts, 0 problems\n"]);
    const lock = readFileSync(path("pin.lock"), "utf8");
    assert.match(lock, /^# .*\n(# .*\n)*a-v1 1\.0\.0 [0-9a-f]{64}\nb-v1 2\.1\.0 [0-9a-f]{64}\n$/);
  });
});

Deno.test("pin check fails at a byte that changed under the same version", async () => {
  await inPinned(async (path) => {
    writeFileSync(path("a-v1.yaml"), yaml("1.0.0", "x = 2"));
    writeFileSync(path("b-v1.yaml"), yaml("2.1.0", "x = 1", "\r\n"));
    assert.deepEqual(await check(path(".")), [["a-v1", "changed"], ["b-v1", "changed"]]);
    const { code, stdout } = await runHere(["pin", "check", path(".")]);
    assert.equal(code, 1);
    assert.match(stdout, /^a-v1 changed, and is still 1\.0\.0; raise metadata\.version/);
    assert.match(stdout, /\n2 contracts, 2 problems\n$/);
  });
});

Deno.test("pin check finds what is not pinned, stale, gone or without a version", async () => {
  await inPinned(async (path) => {
    rmSync(path("a-v1.yaml"));
    writeFileSync(path("b-v1.yaml"), yaml("2.2.0", "x = 2"));
    writeFileSync(path("c-v1.yaml"), yaml("1.0.0"));
    writeFileSync(path("d-v1.yaml"), "formula: x = 1\n");
    assert.deepEqual(await check(path(".")), [
      ["b-v1", "stale"],
      ["c-v1", "unpinned"],
      ["d-v1", "version"],
      ["a-v1", "gone"],
    ]);
  });
});

Deno.test("pin names the folder in the command that it advises", async () => {
  await inPinned(async (path) => {
    const advice = `run: deno run -A cli.ts pin update ${path(".")}\n`;
    writeFileSync(path("a-v1.yaml"), yaml("1.1.0"));
    writeFileSync(path("c-v1.yaml"), yaml("1.0.0"));
    const { stdout } = await runHere(["pin", "check", path(".")]);
    assert.equal(stdout.split(advice).length, 3, stdout);
    rmSync(path("pin.lock"));
    assert.ok((await runHere(["pin", "check", path(".")])).stdout.includes(advice));
  });
});

Deno.test("pin check fails without a lock, and with one that a merge left broken", async () => {
  await inPinned(async (path) => {
    writeFileSync(path("pin.lock"), `<<<<<<< ours\n${readFileSync(path("pin.lock"), "utf8")}`);
    assert.deepEqual(await check(path(".")), [["", "no-lock"]]);
    const update = await runHere(["pin", "update", path(".")]);
    assert.deepEqual([update.code, update.stdout], [1, ""]);
    assert.match(update.stderr, /^error: pin\.lock, line 1: [^\n]*\n$/);
    rmSync(path("pin.lock"));
    assert.deepEqual(await check(path(".")), [["", "no-lock"]]);
  });
});

Deno.test("pin update refuses a change whose version did not rise, and writes nothing", async () => {
  for (const version of ["1.0.0", "0.9.0"]) {
    await inPinned(async (path) => {
      const before = readFileSync(path("pin.lock"), "utf8");
      writeFileSync(path("a-v1.yaml"), yaml(version, "x = 2"));
      writeFileSync(path("b-v1.yaml"), yaml("2.2.0", "x = 2"));
      const { code, stdout, stderr } = await runHere(["pin", "update", path(".")]);
      assert.deepEqual([code, stderr], [1, "error: pin.lock was not written\n"]);
      assert.match(stdout, /^a-v1 changed, and [^\n]*\n$/);
      assert.equal(readFileSync(path("pin.lock"), "utf8"), before);
      const { stdout: json } = await runHere(["pin", "update", path("."), "--json"]);
      assert.deepEqual(JSON.parse(json)[0].kind, "changed");
    });
  }
});

Deno.test("pin update takes over a raised version, and leaves nothing but the lock", async () => {
  await inPinned(async (path) => {
    writeFileSync(path("a-v1.yaml"), yaml("1.0.1", "x = 2"));
    writeFileSync(path("c-v1.yaml"), yaml("1.0.0"));
    rmSync(path("b-v1.yaml"));
    const { code, stdout } = await runHere(["pin", "update", path(".")]);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^raised {3}a-v1 from 1\.0\.0 to 1\.0\.1\npinned {3}c-v1 1\.0\.0\nremoved {2}b-v1\n/,
    );
    assert.deepEqual(readdirSync(path(".")).sort(), ["a-v1.yaml", "c-v1.yaml", "pin.lock"]);
    assert.deepEqual(await check(path(".")), []);
    const again = await runHere(["pin", "update", path("."), "--json"]);
    assert.deepEqual([again.code, again.stdout, again.stderr], [0, "[]\n", ""]);
  });
});

Deno.test("pin check --against holds a folder, or a checkout's, against this one", async () => {
  await inPinned(async (path) => {
    mkdirSync(path("checkout/contracts"), { recursive: true });
    const there = path("checkout/contracts");
    writeFileSync(path("checkout/settings.yaml"), "not a contract");
    writeFileSync(`${there}/a-v1.yaml`, yaml("1.0.0"));
    writeFileSync(`${there}/b-v1.yaml`, yaml("2.1.0"));
    assert.deepEqual(await check(path("."), "--against", path("checkout")), []);
    assert.deepEqual(await check(path("."), "--against", there), []);

    writeFileSync(`${there}/a-v1.yaml`, `${yaml("1.0.0")}\n`);
    rmSync(`${there}/b-v1.yaml`);
    writeFileSync(`${there}/c-v1.yaml`, yaml("1.0.0"));
    assert.deepEqual(await check(path("."), "--against", path("checkout")), [
      ["a-v1", "differs"],
      ["b-v1", "only-here"],
      ["c-v1", "only-there"],
    ]);
  });
});

Deno.test("pin refuses wrong usage, and folders without contracts, with exit code 2", async () => {
  await inPinned(async (path) => {
    mkdirSync(path("empty"));
    for (
      const [args, message] of [
        [["pin"], /check\|update is missing/],
        [["pin", "verify"], /"verify" is neither check nor update/],
        [["pin", "check", path("absent")], /there is no folder .*absent/],
        [["pin", "check", path("a-v1.yaml")], /there is no folder .*a-v1\.yaml/],
        [["pin", "update", path("empty")], /empty has no contracts/],
        [["pin", "check", path("."), "--against", path("empty")], /empty has no contracts/],
        [["pin", "update", path("."), "--against", path(".")], /--against goes with pin check/],
      ] as const
    ) {
      const { code, stdout, stderr } = await runHere(args);
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.match(stderr, message);
    }
  });
});

Deno.test("pin refuses a contract that is no UTF-8, for its bytes would not all count", async () => {
  await inPinned(async (path) => {
    writeFileSync(path("a-v1.yaml"), new Uint8Array([0x61, 0xff, 0x0a]));
    const { code, stdout, stderr } = await runHere(["pin", "check", path(".")]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^error: .*a-v1\.yaml is not UTF-8 text\n$/);
  });
});

Deno.test("pin check takes the contracts beside the program where no folder is given", async () => {
  const { stdout } = await runHere(["pin", "check"]);
  const files = readdirSync(new URL("../../contracts/", import.meta.url));
  const count = files.filter((name) => name.endsWith(".yaml")).length;
  assert.match(stdout, new RegExp(`^${count} contracts, \\d+ problems?$`, "m"));
});
