import assert from "node:assert/strict";
import { changed, contractsHere, MEAN, SUM, summary } from "../../../tests/contracts/helpers.ts";
import { composition } from "./composition.ts";

function found(mean: string, sum: string = SUM): string[] {
  return summary(composition(contractsHere({ "mean-v1": mean }, { "sum-v1": sum })));
}

Deno.test("composition passes what quotes a postcondition or an invariant", () => {
  assert.deepEqual(found(MEAN), []);
  assert.deepEqual(
    found(changed(MEAN, "that: y is the sum", "that: y does not depend on the order of x")),
    [],
  );
});

Deno.test("COMPOSE-001: an assumption is from an equation that is there", () => {
  for (const from of ["sum-v1.product", "sum-v2.sum", "sum-v1", "sum"]) {
    assert.deepEqual(found(changed(MEAN, "from: sum-v1.sum", `from: ${from}`)), [
      "mean-v1.yaml:18:9 COMPOSE-001",
    ]);
  }
  assert.deepEqual(found(changed(MEAN, "from: sum-v1.sum\n        that", "that")), [
    "mean-v1.yaml:18:9 COMPOSE-001",
  ]);
});

Deno.test("COMPOSE-002: an assumption is word for word what the equation says", () => {
  for (const that of ["y is a sum", "Y is the sum", "y = sum_i x_i"]) {
    assert.deepEqual(found(changed(MEAN, "that: y is the sum", `that: ${that}`)), [
      "mean-v1.yaml:19:9 COMPOSE-002",
    ]);
  }
  assert.deepEqual(found(MEAN, changed(SUM, "- y is the sum", "- y is near the sum")), [
    "mean-v1.yaml:19:9 COMPOSE-002",
  ]);
  assert.deepEqual(found(changed(MEAN, "\n        that: y is the sum", "")), [
    "mean-v1.yaml:18:9 COMPOSE-002",
  ]);
});

Deno.test("COMPOSE-003: an assumption is from a contract that is depended on, itself", () => {
  assert.deepEqual(found(changed(MEAN, "depends_on: [sum-v1]", "depends_on: []")), [
    "mean-v1.yaml:18:9 COMPOSE-003",
  ]);
  // norm-v1 depends on mean-v1, which depends on sum-v1: that is not enough.
  const norm = changed(MEAN, "depends_on: [sum-v1]", "depends_on: [mean-v1]");
  const all = contractsHere({ "norm-v1": norm }, { "mean-v1": MEAN, "sum-v1": SUM });
  assert.deepEqual(summary(composition(all)), ["norm-v1.yaml:18:9 COMPOSE-003"]);
});

Deno.test("COMPOSE-003 lets an equation assume another of its own contract", () => {
  const second = changed(
    SUM,
    "\nproof_obligations",
    "  double:\n    formula: 2 y\n    assumes:\n      - from: sum-v1.sum\n        that: y is the sum\n\nproof_obligations",
  );
  assert.deepEqual(summary(composition(contractsHere({ "sum-v1": second }))), []);
});

Deno.test("COMPOSE-004: equations do not assume each other in a circle", () => {
  const back = changed(
    changed(SUM, "depends_on: []", "depends_on: [mean-v1]"),
    "      - y is the sum\n",
    "      - y is the sum\n    assumes:\n      - from: mean-v1.mean\n        that: mean(c x) = c mean(x)\n",
  );
  const findings = composition(contractsHere({ "mean-v1": MEAN }, { "sum-v1": back }));
  assert.deepEqual(summary(findings), ["mean-v1.yaml:18:9 COMPOSE-004"]);
  assert.equal(findings[0]!.message, "a circle: mean-v1.mean → sum-v1.sum → mean-v1.mean");
  const itself = changed(
    MEAN,
    "from: sum-v1.sum\n        that: y is the sum",
    "from: mean-v1.mean\n        that: mean(c x) = c mean(x)",
  );
  assert.deepEqual(found(itself), ["mean-v1.yaml:18:9 COMPOSE-004"]);
});

Deno.test("names of contracts and of equations may have dots in them", () => {
  const dotted = changed(SUM, "\n  sum:\n", "\n  su.m:\n");
  const mean = changed(
    changed(MEAN, "from: sum-v1.sum", "from: sum-1.5-v1.su.m"),
    "[sum-v1]",
    "[sum-1.5-v1]",
  );
  const all = contractsHere({ "mean-v1": mean }, { "sum-1.5-v1": dotted });
  assert.deepEqual(summary(composition(all)), []);
});
