import type { Rule } from "./finding.ts";

/** What `validate` can find: the one place that says which rules there are. */
export const VALIDATE_RULES = [
  {
    id: "SCHEMA-000",
    level: "error",
    description: "not YAML, no mapping at the top, or a value of the wrong type or form",
  },
  { id: "SCHEMA-001", level: "error", description: "metadata.references is missing or empty" },
  { id: "SCHEMA-002", level: "error", description: "metadata.version is missing" },
  {
    id: "SCHEMA-003",
    level: "error",
    description: "a contract of a kernel (the default kind) or a model has no equations",
  },
  { id: "SCHEMA-004", level: "error", description: "an equation has no formula" },
  { id: "SCHEMA-005", level: "error", description: "a proof obligation has no property" },
  {
    id: "SCHEMA-006",
    level: "warning",
    description: "two proof obligations have the same formal statement",
  },
  { id: "SCHEMA-007", level: "error", description: "two falsification tests have the same id" },
  { id: "SCHEMA-008", level: "error", description: "a falsification test has no prediction" },
  {
    id: "SCHEMA-009",
    level: "warning",
    description: "a falsification test does not say what is wrong if it fails (if_fails)",
  },
  { id: "SCHEMA-013", level: "warning", description: "there is no qa_gate" },
  { id: "SCHEMA-019", level: "error", description: "a key is almost, but not quite, a known one" },
  { id: "SCHEMA-020", level: "error", description: "a key stands twice in one mapping" },
  { id: "SCHEMA-021", level: "error", description: "an obligation is waived without a reason" },
  { id: "SCHEMA-022", level: "error", description: "an obligation is waived without an owner" },
  {
    id: "SCHEMA-023",
    level: "error",
    description: "an obligation has the reason or the owner of a waiver and is not waived",
  },
  {
    id: "PROVABILITY-001",
    level: "error",
    description:
      "no proof obligations, no falsification tests, or fewer tests than obligations not waived",
  },
] as const satisfies readonly Rule[];

/** The id of one of them. */
export type ValidateRule = typeof VALIDATE_RULES[number]["id"];
