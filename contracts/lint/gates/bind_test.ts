import assert from "node:assert/strict";
import {
  changed,
  contractsHere,
  MEAN,
  namedTest,
  SUM,
  summary,
  TESTS,
} from "../../../tests/contracts/helpers.ts";
import type { NamedTest } from "../named_tests.ts";
import { bind } from "./bind.ts";

function found(tests: readonly NamedTest[], sum: string = SUM): string[] {
  return summary(bind(contractsHere({ "sum-v1": sum, "mean-v1": MEAN }), tests));
}

/** The tests, the first one changed. */
function withFirst(change: Partial<NamedTest>): NamedTest[] {
  return [{ ...TESTS[0]!, ...change }, ...TESTS.slice(1)];
}

Deno.test("bind passes contracts whose tests are there, and run", () => {
  assert.deepEqual(found(TESTS), []);
});

Deno.test("BIND-001: the test is there, under its whole title", () => {
  assert.deepEqual(found(TESTS.slice(1)), ["sum-v1.yaml:35:5 BIND-001"]);
  assert.deepEqual(found(TESTS, changed(SUM, "sums small integers", "sums integers")), [
    "sum-v1.yaml:35:5 BIND-001",
  ]);
  assert.deepEqual(found(TESTS, changed(SUM, "    test: F-SUM-001 sums small integers\n", "")), [
    "sum-v1.yaml:32:5 BIND-001",
  ]);
});

Deno.test("BIND-002: the title begins with the id", () => {
  assert.deepEqual(
    found(
      TESTS,
      changed(SUM, "test: F-SUM-001 sums small integers", "test: F-SUM-002 sums them backwards"),
    ),
    [
      "sum-v1.yaml:35:5 BIND-002",
    ],
  );
  const longer = namedTest("F-SUM-0011 sums", { id: "F-SUM-001" });
  assert.deepEqual(
    found(
      [...TESTS, longer],
      changed(SUM, "test: F-SUM-001 sums small integers", "test: F-SUM-0011 sums"),
    ),
    ["sum-v1.yaml:35:5 BIND-002"],
  );
});

Deno.test("BIND-003: the test runs", () => {
  assert.deepEqual(found(withFirst({ skipped: "Deno.test.ignore" })), [
    "sum-v1.yaml:35:5 BIND-003",
  ]);
  const [finding] = bind(
    contractsHere({ "sum-v1": SUM }, { "mean-v1": MEAN }),
    withFirst({ skipped: "Deno.test.ignore" }),
  );
  assert.match(finding!.message, /Deno\.test\.ignore/);
  assert.match(finding!.message, /a_test\.ts:3/);
});

Deno.test("BIND-003: tests with computed titles run", () => {
  const computed = {
    id: "",
    title: "(computed)",
    path: "all_test.ts",
    line: 4,
    skipped: "ignore: true",
  };
  assert.deepEqual(
    found([...TESTS, namedTest("", computed), namedTest("", { ...computed, line: 9 })]),
    [
      "all_test.ts:4:1 BIND-003",
      "all_test.ts:9:1 BIND-003",
    ],
  );
});

Deno.test("BIND-004: some contract of the folder knows each test", () => {
  const stray = namedTest("F-SUM-003 sums nothing", { path: "b_test.ts", line: 7 });
  assert.deepEqual(found([...TESTS, stray]), ["b_test.ts:7:1 BIND-004"]);
  assert.deepEqual(summary(bind(contractsHere({ "mean-v1": MEAN }, { "sum-v1": SUM }), TESTS)), []);
  assert.deepEqual(summary(bind(contractsHere({ "mean-v1": MEAN }), TESTS)), [
    "a_test.ts:3:1 BIND-004",
    "a_test.ts:3:1 BIND-004",
  ]);
});

Deno.test("BIND-005: the test is of this contract", () => {
  assert.deepEqual(found(withFirst({ contract: "mean-v1" })), ["sum-v1.yaml:35:5 BIND-005"]);
  assert.deepEqual(found(withFirst({ contract: undefined })), []);
});

Deno.test("BIND-006: no title stands twice", () => {
  const twin = { ...TESTS[0]!, path: "b_test.ts", line: 8 };
  assert.deepEqual(found([...TESTS, twin]), ["b_test.ts:8:1 BIND-006"]);
});
