import assert from "node:assert/strict";
import { generateInstances } from "./generate_instances.ts";

const SIZES = `
    layers: 94
    hidden: 4096
    heads: 64
    kvHeads: 4
    headSize: 128
    experts: 128
    expertsUsed: 8
    expertFeedForward: 1536
    vocabulary: 151936
    contextLength: 262144
    ropeBase: 10000000
    rmsEpsilon: 0.000001
`;
const CONTRACT = `
metadata: { id: some-forward-v1 }
instances:
  one:
    name: "One"${SIZES}
  other-2b:
    name: Other 2B${SIZES}
`;

/** The contract with one passage changed. */
function changed(from: string, to: string): string {
  assert.ok(CONTRACT.includes(from), `'${from}' is not in the contract`);
  return CONTRACT.replace(from, to);
}

Deno.test("generateInstances() writes each instance with all its sizes", () => {
  const table = generateInstances(CONTRACT);
  assert.ok(table.startsWith("// Generated from contracts/some-forward-v1.yaml."));
  assert.ok(table.includes('  "other-2b": {\n    name: "Other 2B",\n    layers: 94,\n'));
  assert.equal(table.match(/vocabulary: 151_936,\n/g)?.length, 2);
  assert.equal(table.match(/rmsEpsilon: 1e-6,\n/g)?.length, 2);
  assert.ok(generateInstances(changed("10000000", "2.5e-5")).includes("ropeBase: 2.5e-5,"));
});

Deno.test("generateInstances() refuses sizes that are missing, wrong or unheard of", () => {
  const cases = [
    ["    heads: 64\n", "", "instances.one: 'heads' is undefined"],
    ["heads: 64", "heads: 64.5", "instances.one: 'heads' is 64.5"],
    ["heads: 64", "heads: 0", "instances.one: 'heads' is 0"],
    ["heads: 64", 'heads: "64"', "instances.one: 'heads' is 64"],
    ["ropeBase: 10000000", "ropeBase: .inf", "instances.one: 'ropeBase' is Infinity"],
    ["heads: 64", "heads: 64\n    head: 1", "instances.one: 'head' is no size of a model"],
    ['    name: "One"\n', "", "instances.one: has no name"],
  ] as const;
  for (const [from, to, message] of cases) {
    assert.throws(() => generateInstances(changed(from, to)), { message });
  }
});
