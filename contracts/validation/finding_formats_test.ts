import assert from "node:assert/strict";
import type { Finding } from "./finding.ts";
import { asGithub, asJson, asLine, asSarif } from "./finding_formats.ts";
import { VALIDATE_RULES } from "./rules.ts";

const ERROR: Finding = {
  path: "contracts/a b.yaml",
  line: 3,
  column: 5,
  rule: "SCHEMA-004",
  level: "error",
  message: "equations.dot has no formula",
};

const WARNING: Finding = { ...ERROR, rule: "SCHEMA-013", level: "warning", message: "no qa_gate" };

Deno.test("asLine() is path, line, column, level, rule and message", () => {
  assert.equal(
    asLine(ERROR),
    "contracts/a b.yaml:3:5: error SCHEMA-004 equations.dot has no formula",
  );
});

Deno.test("asJson() is an array, empty where nothing was found", () => {
  assert.equal(asJson([]), "[]");
  assert.deepEqual(JSON.parse(asJson([ERROR])), [ERROR]);
  assert.deepEqual(Object.keys(JSON.parse(asJson([WARNING]))[0]), [
    "path",
    "line",
    "column",
    "rule",
    "level",
    "message",
  ]);
});

Deno.test("asGithub() escapes what would end a property or a line", () => {
  assert.equal(
    asGithub([ERROR, WARNING]),
    "::error file=contracts/a b.yaml,line=3,col=5,title=SCHEMA-004::equations.dot has no formula\n" +
      "::warning file=contracts/a b.yaml,line=3,col=5,title=SCHEMA-013::no qa_gate\n",
  );
  const hostile = { ...ERROR, path: "a:b,c%\r\n.yaml", message: "100%: a,\r\nb" };
  assert.equal(
    asGithub([hostile]),
    "::error file=a%3Ab%2Cc%25%0D%0A.yaml,line=3,col=5,title=SCHEMA-004::100%25: a,%0D%0Ab\n",
  );
  assert.equal(asGithub([]), "");
});

Deno.test("asSarif() is one run with every rule, and a result for each finding", () => {
  const tool = { name: "@apr/moe", version: "1.2.3", rules: VALIDATE_RULES };
  const log = JSON.parse(asSarif([ERROR, WARNING], tool));
  assert.equal(log.version, "2.1.0");
  assert.equal(log.runs.length, 1);
  const [{ tool: { driver }, results }] = log.runs;
  assert.deepEqual([driver.name, driver.version], ["@apr/moe", "1.2.3"]);
  assert.deepEqual(
    driver.rules.map((
      rule: {
        id: string;
        shortDescription: { text: string };
        defaultConfiguration: { level: string };
      },
    ) => ({
      id: rule.id,
      level: rule.defaultConfiguration.level,
      description: rule.shortDescription.text,
    })),
    [...VALIDATE_RULES],
  );
  assert.deepEqual(results.length, 2);
  const { ruleIndex, ...result } = results[0];
  assert.equal(driver.rules[ruleIndex].id, "SCHEMA-004");
  assert.deepEqual(result, {
    ruleId: "SCHEMA-004",
    level: "error",
    message: { text: "equations.dot has no formula" },
    locations: [{
      physicalLocation: {
        artifactLocation: { uri: "contracts/a%20b.yaml" },
        region: { startLine: 3, startColumn: 5 },
      },
    }],
  });
  assert.equal(results[1].level, "warning");
  assert.deepEqual(JSON.parse(asSarif([], tool)).runs[0].results, []);
});
