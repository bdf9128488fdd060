import assert from "node:assert/strict";
import { generateTensorNames } from "./generate_names.ts";

const contract = await Deno.readTextFile(new URL("../tensor-names-v1.yaml", import.meta.url));

/** The contract with one passage changed. */
function changed(from: string, to: string): string {
  assert.ok(contract.includes(from), `'${from}' is not in the contract`);
  return contract.replace(from, to);
}

Deno.test("generateTensorNames() changes with the contract", () => {
  const renamed = changed('"blk.{n}.ffn_gate_inp.weight"', '"blk.{n}.router.weight"');
  const table = generateTensorNames(renamed);
  assert.ok(table.includes('gguf: "blk.{n}.router.weight"'));
  assert.ok(!table.includes("blk.{n}.ffn_gate_inp.weight"));
});

Deno.test("generateTensorNames() refuses an architecture or a family that is not there", () => {
  assert.throws(() => generateTensorNames(changed("experts: [mixtral", "experts: [mixtrall")), {
    message: "families.experts: 'mixtrall' is not in families.all",
  });
  assert.throws(() => generateTensorNames(changed("{ bert: true }", "{ burt: true }")), {
    message: "token_embd_norm.required_per_arch: 'burt' is neither an architecture nor a family",
  });
  assert.throws(() => generateTensorNames(changed("qwen2.5: qwen2", "qwen2.5: qwen25")), {
    message: "architecture_map.qwen2.5: 'qwen25' is not in families.all",
  });
});

Deno.test("generateTensorNames() refuses a mixture that is no architecture", () => {
  for (const pair of ["llama: mixtrall", "lama: mixtral"]) {
    assert.throws(() => generateTensorNames(changed("\n  llama: mixtral\n", `\n  ${pair}\n`)), {
      message: /^mixtures: '(mixtrall|lama)' is not in families.all$/,
    });
  }
});

Deno.test("generateTensorNames() refuses what could be read in two ways", () => {
  assert.throws(
    () => generateTensorNames(changed("qwen2.5: qwen2", "MISTRAL: qwen2")),
    { message: "architecture_map.MISTRAL: in another letter case it means another thing" },
  );
  assert.throws(
    () =>
      generateTensorNames(
        changed("gguf: { all: token_embd.weight }", "gguf: { all: a, experts: b }"),
      ),
    {
      message: "token_embd.names.gguf: two families answer for 'mixtral', give it a key of its own",
    },
  );
  assert.throws(() => generateTensorNames(changed("  qwen3moe: qwen3_moe", "  qwen3: qwen3_moe")), {
    name: "YAMLParseError",
    message: /keys must be unique/,
  });
});

Deno.test("generateTensorNames() refuses a required role without a GGUF name", () => {
  assert.throws(
    () =>
      generateTensorNames(
        changed("gguf: { all: token_embd.weight }", "gguf: { all: token_embd.weight, gpt2: null }"),
      ),
    { message: "token_embd: gpt2 requires it and has no GGUF name for it" },
  );
});
