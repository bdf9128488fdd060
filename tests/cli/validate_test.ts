import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArguments } from "../../cli/arguments.ts";
import { UsageError } from "../../cli/verb.ts";
import { VALIDATE_RULES } from "../../contracts/validation/rules.ts";
import { inDirectory, runHere } from "./helpers.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures/contracts/", import.meta.url));
const CLEAN = readFileSync(`${FIXTURES}clean.yaml`, "utf8");
const CONTRACTS = fileURLToPath(new URL("../../contracts", import.meta.url));

Deno.test("validate finds nothing in the contracts of this repository", async () => {
  const { code, stdout, stderr } = await runHere(["validate", CONTRACTS]);
  assert.match(stdout, /^\d+ contracts, 0 errors, 0 warnings\n$/);
  assert.deepEqual([code, stderr], [0, ""]);
});

Deno.test("validate takes files and folders, goes into folders, and sorts what it finds", async () => {
  await inDirectory(async (path) => {
    mkdirSync(path("b/c.yaml"), { recursive: true });
    writeFileSync(path("b/c.yaml/two.YML"), CLEAN.replace("formula:", "formla:"));
    writeFileSync(path("b/one.yaml"), CLEAN.replace("version: 1.0.0", "version:"));
    writeFileSync(path("b/notes.txt"), "no contract");
    writeFileSync(path("a.yml"), CLEAN);
    const args = ["validate", `${path("b")}/`, path("a.yml"), path("b/one.yaml")];
    assert.deepEqual(await runHere(args), {
      code: 1,
      stdout: `${path("b/c.yaml/two.YML")}:10:5: error SCHEMA-019 ` +
        "the key 'formla' is not known; 'formula' is\n" +
        `${path("b/one.yaml")}:3:3: error SCHEMA-002 metadata has no version\n` +
        "3 contracts, 2 errors, 0 warnings\n",
      stderr: "",
    });
  });
});

Deno.test("validate succeeds with warnings, and counts them", async () => {
  const { code, stdout } = await runHere(["validate", `${FIXTURES}bad/SCHEMA-013.yaml`]);
  assert.equal(code, 0);
  assert.match(stdout, /:1:1: warning SCHEMA-013 .*\n1 contract, 0 errors, 1 warning\n$/);
});

Deno.test("validate --format json prints an array and nothing else", async () => {
  const clean = await runHere(["validate", `${FIXTURES}clean.yaml`, "--format", "json"]);
  assert.deepEqual(clean, { code: 0, stdout: "[]\n", stderr: "" });
  const path = `${FIXTURES}bad/SCHEMA-001.yaml`;
  const bad = await runHere(["validate", path, "--format=json"]);
  assert.deepEqual([bad.code, bad.stderr], [1, ""]);
  assert.deepEqual(JSON.parse(bad.stdout), [{
    path,
    line: 4,
    column: 3,
    rule: "SCHEMA-001",
    level: "error",
    message: "metadata.references names nothing",
  }]);
});

Deno.test("validate --format sarif and github print what other programs read", async () => {
  const paths = [`${FIXTURES}bad`, `${FIXTURES}clean.yaml`];
  const sarif = await runHere(["validate", ...paths, "--format", "sarif"]);
  assert.deepEqual([sarif.code, sarif.stderr], [1, ""]);
  const [{ tool, results }] = JSON.parse(sarif.stdout).runs;
  assert.equal(tool.driver.rules.length, VALIDATE_RULES.length);
  assert.deepEqual(
    results.map(({ ruleId }: { ruleId: string }) => ruleId).sort(),
    VALIDATE_RULES.map(({ id }) => id).sort(),
  );
  const github = await runHere(["validate", ...paths, "--format", "github"]);
  const lines = github.stdout.trimEnd().split("\n");
  assert.equal(lines.length, VALIDATE_RULES.length);
  for (const line of lines) {
    assert.match(line, /^::(error|warning) file=.+,line=\d+,col=\d+,title=[A-Z]+-\d{3}::./);
  }
});

Deno.test("validate says which path is not there, or has no contract", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("readme.md"), "# no contract");
    mkdirSync(path("empty"));
    for (const name of ["absent.yaml", "absent/", "readme.md", "empty"]) {
      const args = ["validate", `${FIXTURES}clean.yaml`, path(name), "--format", "json"];
      const { code, stdout, stderr } = await runHere(args);
      assert.deepEqual([code, stdout], [2, ""], name);
      assert.ok(stderr.startsWith(`error: ${path(name)}: `), stderr);
    }
  });
});

Deno.test("validate without a path, or with a format that does not exist, is wrong usage", async () => {
  const without = await runHere(["validate"]);
  assert.deepEqual([without.code, without.stdout], [2, ""]);
  assert.match(without.stderr, /^error: PATH is missing\n/);
  const { code, stderr } = await runHere(["validate", ".", "--format", "xml"]);
  assert.equal(code, 2);
  assert.match(stderr, /--format must be one of text, json, sarif, github, not "xml"/);
});

Deno.test("validate reports files that are no text, or far too large, and goes on", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("binary.yaml"), Uint8Array.from({ length: 4096 }, (_, i) => i * 7));
    writeFileSync(path("empty.yaml"), "");
    writeFileSync(path("large.yaml"), "a: 1\n".repeat(1_000_000));
    writeFileSync(path("sound.yaml"), CLEAN);
    const { code, stdout } = await runHere(["validate", path("."), "--format", "json"]);
    assert.equal(code, 1);
    const findings: { path: string; rule: string }[] = JSON.parse(stdout);
    assert.deepEqual(findings.map(({ path, rule }) => [path, rule]), [
      [path("binary.yaml"), "SCHEMA-000"],
      [path("empty.yaml"), "SCHEMA-000"],
      [path("large.yaml"), "SCHEMA-000"],
    ]);
  });
});

Deno.test("validate follows links to files, not to folders, and ends in a circle of them", async () => {
  await inDirectory(async (path) => {
    mkdirSync(path("contracts"));
    writeFileSync(path("sound.yaml"), CLEAN);
    symlinkSync(path("sound.yaml"), path("contracts/link.yaml"));
    symlinkSync(path("contracts"), path("contracts/again.yaml"));
    const { code, stdout } = await runHere(["validate", path("contracts")]);
    assert.deepEqual([code, stdout], [0, "1 contract, 0 errors, 0 warnings\n"]);
  });
});

Deno.test("validate lets no control character of a file reach the screen", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("a.yaml"), `${CLEAN}\n"metadat\\e[2Ja": 1\n`.replace("[2Ja", ""));
    const { stdout } = await runHere(["validate", path("a.yaml")]);
    assert.match(stdout, /'metadat\\u001b' is not known/);
    assert.ok(!stdout.includes("\x1b"));
  });
});

Deno.test("validate --help lists every rule", async () => {
  const { stdout } = await runHere(["validate", "--help"]);
  for (const { id, level, description } of VALIDATE_RULES) {
    assert.match(stdout, new RegExp(`^  ${id} +${level} +`, "m"));
    assert.ok(stdout.includes(description));
  }
});

Deno.test("an operand whose name ends with … may be given many times", () => {
  assert.deepEqual(parseArguments(["a", "b", "c"], {}, ["X", "PATH…"]).operands, ["a", "b", "c"]);
  assert.throws(() => parseArguments(["a"], {}, ["X", "PATH…"]), new UsageError("PATH is missing"));
  assert.deepEqual(parseArguments([], {}, ["[PATH…]"]).operands, []);
  assert.deepEqual(parseArguments(["a", "b"], {}, ["[PATH…]"]).operands, ["a", "b"]);
  assert.throws(() => parseArguments(["a", "b"], {}, ["X"]), UsageError);
});
