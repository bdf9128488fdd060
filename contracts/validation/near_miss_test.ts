import assert from "node:assert/strict";
import { nearMiss } from "./near_miss.ts";
import { KNOWN_KEYS } from "./schema.ts";

Deno.test("nearMiss() knows letters missing, added, changed, swapped, and other joints", () => {
  const cases: [string, readonly string[], string][] = [
    ["falsification_test", KNOWN_KEYS.contract, "falsification_tests"],
    ["falsifcation_tests", KNOWN_KEYS.contract, "falsification_tests"],
    ["Equations", KNOWN_KEYS.contract, "equations"],
    ["equation", KNOWN_KEYS.contract, "equations"],
    ["meta_data", KNOWN_KEYS.contract, "metadata"],
    ["qaGate", KNOWN_KEYS.contract, "qa_gate"],
    ["QA-Gate", KNOWN_KEYS.contract, "qa_gate"],
    ["proof_obligation", KNOWN_KEYS.contract, "proof_obligations"],
    ["refrences", KNOWN_KEYS.metadata, "references"],
    ["dependsOn", KNOWN_KEYS.metadata, "depends_on"],
    ["verison", KNOWN_KEYS.metadata, "version"],
    ["Id", KNOWN_KEYS.falsificationTest, "id"],
    ["ruel", KNOWN_KEYS.falsificationTest, "rule"],
    ["if_fail", KNOWN_KEYS.falsificationTest, "if_fails"],
    ["predictions", KNOWN_KEYS.falsificationTest, "prediction"],
    ["formual", KNOWN_KEYS.equation, "formula"],
    ["post_conditions", KNOWN_KEYS.equation, "postconditions"],
    ["assume", KNOWN_KEYS.equation, "assumes"],
    ["tolerence", KNOWN_KEYS.obligation, "tolerance"],
    ["wavied", KNOWN_KEYS.obligation, "waived"],
    ["check", KNOWN_KEYS.qaGate, "checks"],
  ];
  for (const [key, known, word] of cases) assert.equal(nearMiss(key, known), word, key);
});

Deno.test("nearMiss() takes no known key for another, and no key of a table", () => {
  for (const known of Object.values(KNOWN_KEYS)) {
    for (const key of known) assert.equal(nearMiss(key, known), undefined, key);
  }
  const tables = [
    "architecture_map",
    "unknown_architecture",
    "families",
    "global_roles",
    "layer_roles",
    "fused_roles",
    "five_whys",
    "shapes",
    "instances",
    "__proto__",
    "constructor",
    "x",
    "",
  ];
  for (const key of tables) assert.equal(nearMiss(key, KNOWN_KEYS.contract), undefined, key);
  for (const key of ["note", "seeds", "title", "ids", "in"]) {
    assert.equal(nearMiss(key, KNOWN_KEYS.falsificationTest), undefined, key);
  }
});
