import assert from "node:assert/strict";
import { generateTensorShapes } from "./generate_shapes.ts";

const contract = await Deno.readTextFile(new URL("../qwen3moe-shapes-v1.yaml", import.meta.url));

/** The contract with one passage changed. */
function changed(from: string, to: string): string {
  assert.ok(contract.includes(from), `'${from}' is not in the contract`);
  return contract.replace(from, to);
}

Deno.test("generateTensorShapes() changes with the contract", () => {
  const table = generateTensorShapes(
    changed("attn_q_norm: [headSize]", "attn_q_norm: [heads, headSize * kvHeads / 4]"),
  );
  assert.ok(table.includes("  attn_q_norm: (s) => [s.heads, s.headSize * s.kvHeads / 4],\n"));
  assert.ok(!table.includes("attn_q_norm: (s) => [s.headSize],"));
});

Deno.test("generateTensorShapes() refuses a role or a size that is not there", () => {
  assert.throws(() => generateTensorShapes(changed("  attn_q_norm:", "  attn_q_nrom:")), {
    message: "shapes.attn_q_nrom: no role of tensor-names-v1",
  });
  assert.throws(() => generateTensorShapes(changed("attn_k_norm: [headSize]", "constructor: []")), {
    message: "shapes.constructor: no role of tensor-names-v1",
  });
  assert.throws(() => generateTensorShapes(changed("norm: [headSize]", "norm: [headsize]")), {
    message: "shapes.attn_q_norm: no size is 'headsize'",
  });
  assert.throws(() => generateTensorShapes(changed("norm: [headSize]", "norm: [toString]")), {
    message: "shapes.attn_q_norm: no size is 'toString'",
  });
});

Deno.test("generateTensorShapes() refuses what is no shape", () => {
  for (const dimension of ["heads + 1", "2 * heads", "heads / 0", "heads // 2", "'s.heads; x()'"]) {
    assert.throws(() => generateTensorShapes(changed("norm: [headSize]", `norm: [${dimension}]`)), {
      message: `shapes.attn_q_norm: '${dimension.replaceAll("'", "")}' is no product of sizes`,
    });
  }
  for (const shape of ["[]", "headSize", "null"]) {
    assert.throws(() => generateTensorShapes(changed("norm: [headSize]", `norm: ${shape}`)), {
      message: "shapes.attn_q_norm: is no list of dimensions",
    });
  }
});

Deno.test("generateTensorShapes() refuses a size that no shape has", () => {
  assert.throws(
    () => generateTensorShapes(changed("\nsizes:\n", "\nsizes:\n  layers: transformer layers\n")),
    { message: "sizes.layers: no shape has it" },
  );
});
