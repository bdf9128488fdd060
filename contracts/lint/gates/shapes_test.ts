import assert from "node:assert/strict";
import { summary } from "../../../tests/contracts/helpers.ts";
import { type GeneratedTable, shapes } from "./shapes.ts";

const TABLE: GeneratedTable = {
  contract: "contracts/sum-v1.yaml",
  yaml: "b",
  path: "contracts/sums.ts",
  text: "a\nb\nc\n",
  generate: (yaml) => `a\n${yaml}\nc\n`,
};

Deno.test("shapes passes tables that are what the contract generates", () => {
  assert.deepEqual(shapes([TABLE]), []);
});

Deno.test("SHAPES-001: a table is generated from the contract as it is", () => {
  assert.deepEqual(summary(shapes([{ ...TABLE, yaml: "x" }])), ["sums.ts:2:1 SHAPES-001"]);
  assert.deepEqual(summary(shapes([{ ...TABLE, text: "a\nb\nc" }])), ["sums.ts:3:1 SHAPES-001"]);
  assert.deepEqual(summary(shapes([{ ...TABLE, text: "a\nb\n" }])), ["sums.ts:3:1 SHAPES-001"]);
  const [finding] = shapes([{ ...TABLE, text: undefined }]);
  assert.match(finding!.message, /is not there; run: deno run -A contracts\/generate\.ts$/);
});

Deno.test("SHAPES-002: a table can be generated", () => {
  const generate = () => {
    throw new Error("families.all: no such thing");
  };
  const findings = shapes([{ ...TABLE, generate }]);
  assert.deepEqual(summary(findings), ["sum-v1.yaml:1:1 SHAPES-002"]);
  assert.match(findings[0]!.message, /families\.all: no such thing$/);
});
