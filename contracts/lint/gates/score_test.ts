import assert from "node:assert/strict";
import {
  changed,
  contractFrom,
  contractsHere,
  MEAN,
  SUM,
  summary,
} from "../../../tests/contracts/helpers.ts";
import { score, SCORE_FLOOR, SCORE_PARTS, scoreOf } from "./score.ts";

/** The points of a contract's parts that are not all there. */
function lost(text: string): Record<string, number> {
  const { parts } = scoreOf(contractFrom("mean-v1", text));
  const weights = new Map<string, number>(SCORE_PARTS.map(({ name, weight }) => [name, weight]));
  return Object.fromEntries(
    Object.entries(parts).filter(([name, points]) => points !== weights.get(name)),
  );
}

Deno.test("the weights add up to 100, and no part can be left out whole", () => {
  assert.equal(SCORE_PARTS.reduce((sum, { weight }) => sum + weight, 0), 100);
  for (const { name, weight } of SCORE_PARTS) assert.ok(100 - weight < SCORE_FLOOR, name);
});

Deno.test("a contract that says everything scores 100", () => {
  for (const text of [SUM, MEAN]) {
    const { score, floor, parts } = scoreOf(contractFrom("a", text));
    assert.deepEqual([score, floor], [100, SCORE_FLOOR]);
    assert.deepEqual(Object.keys(parts), SCORE_PARTS.map(({ name }) => name));
  }
});

Deno.test("each part of the score falls with what is missing, and only that part", () => {
  const cases: [string, string, Record<string, number>][] = [
    [
      '["IEEE 754-2019: https://doi.org/10.1109/IEEESTD.2019.8766229"]',
      "[a book, 'https://example.org/x']",
      { references: 6 },
    ],
    // One of five things that an equation says, one of three of an obligation, one of four of a test.
    ["    codomain: y in R\n", "", { equations: 16 }],
    ["    invariants:\n      - mean(c x) = c mean(x)\n", "", { equations: 16 }],
    ["    tolerance: exact\n", "", { obligations: 13.3 }],
    ["applies_to: mean", "applies_to: median", { obligations: 13.3 }],
    ["rule: The mean lies", "rule: A mean lies", { coverage: 0 }],
    ["    tolerance: exact\n", "    tolerance: 0\n    waived: true\n", { coverage: 0 }],
    ["    if_fails: The sum is not divided\n", "", { tests: 12 }],
    ["    test: F-MEAN-001 takes the mean\n", "", { tests: 12 }],
    ["depends_on: [sum-v1]", "depends_on: [sum-v1, max-v1]", { composition: 6 }],
  ];
  for (const [from, to, points] of cases) {
    assert.deepEqual(lost(changed(MEAN, from, to)), points, to);
  }
});

Deno.test("references are followed by URL, DOI or arXiv number", () => {
  const scoreWith = (reference: string) =>
    lost(
      MEAN.replace(/references: .*/, () => `references: [${JSON.stringify(reference)}]`),
    )["references"] ?? 12;
  for (
    const reference of [
      "https://arxiv.org/abs/1701.06538",
      "arXiv:1701.06538",
      "doi 10.1145/357.359",
    ]
  ) {
    assert.equal(scoreWith(reference), 12, reference);
  }
  for (const reference of ["a paper of 2017", "src/llama.cpp", "https://", "version 10.5"]) {
    assert.equal(scoreWith(reference), 0, reference);
  }
});

Deno.test("SCORE-001: a contract scores at least the floor", () => {
  const bare = MEAN.replace(/ {4}domain[^]*?(?= {4}assumes)/, "");
  const findings = score(contractsHere({ "mean-v1": bare, "sum-v1": SUM }));
  assert.deepEqual(summary(findings), ["mean-v1.yaml:1:1 SCORE-001"]);
  assert.equal(findings[0]!.message, "the score is 84, the floor 90: equations 4 of 20");
});
