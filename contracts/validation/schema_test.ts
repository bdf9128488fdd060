import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import { changed, MEAN, SUM } from "../../tests/contracts/helpers.ts";
import { parse } from "yaml";
import schema from "../contract.schema.json" with { type: "json" };
import { describe, KNOWN_KEYS, mismatches } from "./schema.ts";

/** The properties of every mapping that the schema describes. */
function properties(part: unknown): [string, Record<string, unknown>][] {
  if (typeof part !== "object" || part === null) return [];
  return Object.entries(part).flatMap(([key, value]) => {
    if (key === "if" || key === "then" || key === "else") return [];
    const own = key === "properties" ? Object.entries(value) : [];
    return [...own as [string, Record<string, unknown>][], ...properties(value)];
  });
}

Deno.test("contract.schema.json is a JSON Schema of draft 2020-12", () => {
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  assert.ok(new Ajv2020().validateSchema(schema));
});

Deno.test("contract.schema.json describes every key", () => {
  const all = properties(schema);
  assert.ok(all.length > 35, `${all.length} properties`);
  for (const [key, { description }] of all) {
    assert.match(String(description), /^[A-Z].*\.$/, key);
  }
});

Deno.test("the known keys are those that contracts are written with", () => {
  assert.deepEqual({ ...KNOWN_KEYS }, {
    contract: [
      "metadata",
      "equations",
      "proof_obligations",
      "falsification_tests",
      "qa_gate",
    ],
    metadata: [
      "id",
      "version",
      "kind",
      "description",
      "references",
      "depends_on",
      "five_whys",
      "created",
      "author",
    ],
    equation: [
      "formula",
      "domain",
      "codomain",
      "preconditions",
      "invariants",
      "postconditions",
      "assumes",
    ],
    obligation: [
      "id",
      "type",
      "property",
      "formal",
      "tolerance",
      "applies_to",
      "waived",
      "reason",
      "owner",
    ],
    falsificationTest: ["id", "rule", "prediction", "test", "if_fails"],
    qaGate: ["id", "name", "description", "checks", "pass_criteria"],
  });
});

Deno.test("mismatches() finds none in sound contracts", () => {
  for (const text of [SUM, MEAN]) assert.deepEqual(mismatches(parse(text)), []);
});

Deno.test("mismatches() says where a value is, what it is and what it should be", () => {
  const cases: [string, string, string][] = [
    ["version: 1.0.0", "version: 2", "metadata.version: expected text, found the number 2"],
    [
      "version: 1.0.0",
      "version: v1",
      'metadata.version: expected a version of the form 1.0.0, found "v1"',
    ],
    [
      "version: 1.0.0",
      "version: 1.0.0\n  kind: kernal",
      'metadata.kind: expected one of kernel, model, format, registry, found "kernal"',
    ],
    [
      "      - y is the sum",
      "      - y: the sum",
      "equations.sum.postconditions[0]: expected text, found a mapping " +
      '(text with ": " in it must be quoted)',
    ],
    [
      "    postconditions:\n      - y is the sum",
      "    postconditions: y is the sum",
      'equations.sum.postconditions: expected a list, found "y is the sum"',
    ],
    [
      "tolerance: n eps",
      "tolerance: []",
      "proof_obligations[0].tolerance: expected text or a number, found a list",
    ],
    [
      "tolerance: n eps",
      "waived: yes",
      'proof_obligations[0].waived: expected true or false, found "yes"',
    ],
    ["  - id: F-SUM-001\n    rule", "  - rule", "falsification_tests[0] has no id"],
    [
      "checks: [F-SUM-001, F-SUM-002]",
      "checks: [1, F-SUM-002]",
      "qa_gate.checks[0]: expected text, found the number 1",
    ],
  ];
  for (const [from, to, message] of cases) {
    assert.deepEqual(mismatches(parse(changed(SUM, from, to))).map((found) => found.message), [
      message,
    ]);
  }
});

Deno.test("describe() writes places as code does", () => {
  assert.equal(describe(["falsification_tests", 2, "id"]), "falsification_tests[2].id");
  assert.equal(describe([]), "");
});
