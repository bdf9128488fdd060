import assert from "node:assert/strict";
import { bytesOf } from "../../tests/contracts/helpers.ts";
import { isReadable, MAX_CONTRACT_BYTES, readDocument, type YamlDocument } from "./document.ts";

function read(text: string): YamlDocument {
  const document = readDocument("a.yaml", bytesOf(text));
  assert.ok(isReadable(document), JSON.stringify(document));
  return document;
}

function refuse(text: string): { message: string; line: number; column: number } {
  const document = readDocument("a.yaml", bytesOf(text));
  assert.ok(!isReadable(document), "it was read");
  return document;
}

Deno.test("position() is that of a key, of a value, of a list's entry", () => {
  const { position } = read("a:\n  b: [x, y]\n  c:\n    - d: 1\n      e: two\n");
  assert.deepEqual(position(["a"]), { line: 1, column: 1 });
  assert.deepEqual(position(["a", "b"]), { line: 2, column: 3 });
  assert.deepEqual(position(["a", "b"], "value"), { line: 2, column: 6 });
  assert.deepEqual(position(["a", "b", 1]), { line: 2, column: 10 });
  assert.deepEqual(position(["a", "c", 0]), { line: 4, column: 7 });
  assert.deepEqual(position(["a", "c", 0, "e"], "value"), { line: 5, column: 10 });
});

Deno.test("position() of what is missing is that of what it should be in", () => {
  const { position } = read("a:\nb:\n  - c: 1\n  - d\n");
  assert.deepEqual(position(["x"]), { line: 1, column: 1 });
  assert.deepEqual(position(["x", "y"]), { line: 1, column: 1 });
  assert.deepEqual(position(["a"], "value"), { line: 1, column: 1 });
  assert.deepEqual(position(["a", "x"], "value"), { line: 1, column: 1 });
  assert.deepEqual(position(["b", 0, "x"]), { line: 3, column: 5 });
  assert.deepEqual(position(["b", 1, "x"]), { line: 4, column: 5 });
  assert.deepEqual(position(["b", 2]), { line: 2, column: 1 });
});

Deno.test("position() within what an alias stands for is that of the alias", () => {
  const { position, value } = read("a: &x\n  b: 1\nc: *x\n");
  assert.deepEqual(value["c"], { b: 1 });
  assert.deepEqual(position(["c", "b"]), { line: 3, column: 1 });
  assert.deepEqual(position(["c"], "value"), { line: 3, column: 4 });
});

Deno.test("columns do not count a byte order mark, and lines may end as on Windows", () => {
  assert.deepEqual(read("\uFEFFa: 1\r\nb: 2\r\n").position(["a"]), { line: 1, column: 1 });
  assert.deepEqual(read("\uFEFFa: 1\r\nb: 2\r\n").position(["b"]), { line: 2, column: 1 });
});

Deno.test("repeatedKeys has those of every depth, each where it stands again", () => {
  const document = read("a: 1\nb:\n  - { c: 1, d: 2, c: 3 }\n  - c: 1\n    c: 2\n    c: 3\na: 2\n");
  assert.deepEqual(document.repeatedKeys, [
    { key: "c", line: 3, column: 19 },
    { key: "c", line: 5, column: 5 },
    { key: "c", line: 6, column: 5 },
    { key: "a", line: 7, column: 1 },
  ]);
  assert.equal(document.value["a"], 2);
  assert.deepEqual(document.position(["a"]), { line: 7, column: 1 });
});

Deno.test("values are those of YAML 1.2, whatever the file says", () => {
  const { value } = read("%YAML 1.1\n---\na: yes\nb: 010\nx: &x { y: 1 }\nc: { <<: *x }\n");
  assert.deepEqual({ ...value }, { a: "yes", b: 10, x: { y: 1 }, c: { "<<": { y: 1 } } });
});

Deno.test("what is no mapping is refused, and the message says what it is", () => {
  const cases: [string, RegExp][] = [
    ["", /found nothing$/],
    ["# only a comment\n", /found nothing$/],
    ["- a\n- b\n", /found a list$/],
    ["a text", /found a single value$/],
    ["null", /found nothing$/],
  ];
  for (const [text, message] of cases) assert.match(refuse(text).message, message);
  assert.deepEqual(
    [refuse("# comment\n- a\n").line, refuse("# comment\n- a\n").column],
    [2, 1],
  );
});

Deno.test("what is not YAML is refused where it goes wrong", () => {
  const { message, line, column } = refuse("a: 1\nb: [1, 2\nc: 3\n");
  assert.match(message, /^not YAML: /);
  assert.deepEqual([line, column], [3, 1]);
  assert.match(refuse("a: 1\n---\nb: 2\n").message, /multiple documents/);
  assert.match(refuse("a: 1\nb: *nowhere\n").message, /nowhere/);
  assert.deepEqual(refuse("a: 1\nb: *nowhere\n").line, 2);
});

Deno.test("bytes that are no text, and files that are too large, are refused", () => {
  for (const bytes of [[0xff, 0xfe, 0x61, 0x00], [0x61, 0x3a, 0x20, 0xc3, 0x28], [0x80]]) {
    const document = readDocument("a.yaml", Uint8Array.from(bytes));
    assert.ok(!isReadable(document) && document.message === "the file is not UTF-8 text");
  }
  const large = readDocument("a.yaml", bytesOf(`a: ${"x".repeat(MAX_CONTRACT_BYTES)}`));
  assert.ok(!isReadable(large) && large.message === "the file is larger than 262144 bytes");
  assert.ok(
    isReadable(readDocument("a.yaml", bytesOf(`a: ${"x".repeat(MAX_CONTRACT_BYTES - 3)}`))),
  );
});

Deno.test("aliases can't stand for more than a few values", () => {
  const lines = Array.from({ length: 30 }, (_, i) => {
    const before = i === 0 ? "x" : `*k${i - 1}`;
    return `k${i}: &k${i} [${Array(10).fill(before).join(", ")}]\n`;
  });
  assert.match(refuse(lines.join("")).message, /^not YAML: Excessive alias count/);
  assert.match(refuse(`a: &a x\nb: [${"*a, ".repeat(200)}]\n`).message, /Excessive alias count/);
  assert.equal(isReadable(readDocument("a.yaml", bytesOf("a: &a [*a]\n"))), true);
});

Deno.test("files that are nested too deeply are refused", () => {
  for (const piece of ["[", "{", "- ", "? ", "{a: "]) {
    const { message } = refuse(piece.repeat(15_000));
    assert.match(message, /^(the YAML is nested too deeply|not YAML: )/, piece);
  }
});

Deno.test("keys that other programs stumble over are keys like any other", () => {
  const document = read("__proto__: { a: 1 }\nconstructor: 2\n? [x]\n: 3\ntoString:\n");
  assert.deepEqual(Object.keys(document.value), [
    "__proto__",
    "constructor",
    "[ x ]",
    "toString",
  ]);
  assert.equal(({} as Record<string, unknown>)["a"], undefined);
  assert.deepEqual(document.position(["constructor"]), { line: 2, column: 1 });
  assert.deepEqual(read("a: 1\n").position(["__proto__", "x"]), { line: 1, column: 1 });
});
