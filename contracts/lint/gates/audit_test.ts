import assert from "node:assert/strict";
import { changed, contractsHere, MEAN, SUM, summary } from "../../../tests/contracts/helpers.ts";
import { audit } from "./audit.ts";

function found(sum: string, mean: string = MEAN): string[] {
  return summary(audit(contractsHere({ "sum-v1": sum, "mean-v1": mean })));
}

Deno.test("audit passes contracts that name what is there", () => {
  assert.deepEqual(found(SUM), []);
});

Deno.test("AUDIT-001 and AUDIT-002: a rule is the property or the id of an obligation, word for word", () => {
  const astray = changed(SUM, "rule: The order does not matter", "rule: the order does not matter");
  assert.deepEqual(found(astray), ["sum-v1.yaml:26:5 AUDIT-001", "sum-v1.yaml:38:5 AUDIT-002"]);
  const byOtherId = changed(SUM, "id: SUM_EQUALS", "id: SUM_IS");
  assert.deepEqual(found(byOtherId), ["sum-v1.yaml:21:5 AUDIT-001", "sum-v1.yaml:33:5 AUDIT-002"]);
  const byProperty = changed(SUM, "rule: SUM_EQUALS", "rule: The sum is that of real numbers");
  assert.deepEqual(found(byProperty), []);
});

Deno.test("AUDIT-002: a test has a rule", () => {
  const without = changed(SUM, "    rule: SUM_EQUALS\n", "");
  assert.deepEqual(found(without), ["sum-v1.yaml:21:5 AUDIT-001", "sum-v1.yaml:32:5 AUDIT-002"]);
});

Deno.test("AUDIT-001 does not ask for a test of what is waived", () => {
  const waiver = "waived: true\n    reason: r\n    owner: o\n    tolerance: 1e-6";
  const waived = changed(SUM, "tolerance: 1e-6", waiver);
  const untested = waived.replace(/ {2}- id: F-SUM-002[^]*?(?=\nqa_gate)/, "");
  assert.deepEqual(found(changed(untested, ", F-SUM-002]", "]")), []);
});

Deno.test("AUDIT-003: what a contract depends on is there", () => {
  const two = changed(MEAN, "[sum-v1]", "[sum-v1, norm-v1]");
  assert.deepEqual(found(SUM, two), ["mean-v1.yaml:6:24 AUDIT-003"]);
  assert.deepEqual(summary(audit(contractsHere({ "mean-v1": MEAN }, { "sum-v1": SUM }))), []);
  assert.deepEqual(summary(audit(contractsHere({ "mean-v1": MEAN }))), [
    "mean-v1.yaml:6:16 AUDIT-003",
  ]);
});

Deno.test("AUDIT-004: contracts do not depend on each other in a circle", () => {
  const back = changed(SUM, "depends_on: []", "depends_on: [mean-v1]");
  const [finding] = audit(contractsHere({ "sum-v1": back, "mean-v1": MEAN }));
  assert.equal(finding!.message, "a circle: sum-v1 → mean-v1 → sum-v1");
  assert.deepEqual(found(back), ["sum-v1.yaml:6:16 AUDIT-004"]);
  const itself = changed(SUM, "depends_on: []", "depends_on: [sum-v1]");
  assert.deepEqual(found(itself), ["sum-v1.yaml:6:16 AUDIT-004"]);
  // Seen from the one that is judged, wherever the circle closes.
  assert.deepEqual(summary(audit(contractsHere({ "mean-v1": MEAN }, { "sum-v1": back }))), [
    "mean-v1.yaml:6:16 AUDIT-004",
  ]);
});

Deno.test("AUDIT-005: the id is the file's name", () => {
  assert.deepEqual(found(changed(SUM, "id: sum-v1", "id: sum-v2")), ["sum-v1.yaml:2:3 AUDIT-005"]);
});

Deno.test("AUDIT-006: the gate checks every test, and nothing else", () => {
  assert.deepEqual(found(changed(SUM, ", F-SUM-002]", "]")), ["sum-v1.yaml:45:3 AUDIT-006"]);
  assert.deepEqual(found(changed(SUM, "F-SUM-002]", "F-SUM-002, F-SUM-003]")), [
    "sum-v1.yaml:45:34 AUDIT-006",
  ]);
  assert.deepEqual(found(changed(SUM, "  checks: [F-SUM-001, F-SUM-002]\n", "")), [
    "sum-v1.yaml:43:1 AUDIT-006",
  ]);
  assert.deepEqual(found(SUM.replace(/qa_gate:[^]*/, "")), []);
});

Deno.test("audit judges only the contracts that are given", () => {
  const broken = changed(MEAN, "id: mean-v1", "id: median-v1");
  assert.deepEqual(summary(audit(contractsHere({ "sum-v1": SUM }, { "mean-v1": broken }))), []);
});
