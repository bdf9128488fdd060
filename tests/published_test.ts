import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { DEFAULT_MODEL } from "../cli/default_model.ts";
import { cosine } from "../falsification/qwen3_moe_forward/rows.ts";
import {
  parsePublishedLogits,
  PUBLISHED_NAMES,
  publishedFile,
  type PublishedLogits,
  publishedLogits,
  type PublishedName,
} from "../falsification/recorded/published.ts";
import { rebuilt } from "../falsification/rebuilt_file.ts";
import { openGguf, type SourceLocation } from "../gguf/mod.ts";
import { describeArchitecture, readHyperParameters } from "../model/hyperparameters.ts";
import { referenceLogits } from "../model/reference.ts";
import { resolveTensors } from "../model/tensors.ts";
import { loadModel } from "../mod.ts";
import { halfBits } from "../quantize/mod.ts";

/** Bars on the cosine with the published logits, at every position. */
const BARS = { f32: 0.9999, bf16: 0.9999, q8_0: 0.999, q4_k_m: 0.999 } as const;

/** Rows of weights that are whole blocks of Q8_0. */
const IN_BLOCKS_OF_32: readonly PublishedName[] = [
  "qwen3moe-plain-weights",
  "qwen3moe-top-1",
  "qwen2moe",
  "mixtral",
  "qwen3",
  "qwen2",
  "llama",
];

for (const name of PUBLISHED_NAMES) {
  Deno.test(`the reference's logits are the published ones: ${name}`, async () => {
    await assertReference(await publishedFile(name, "f32"), await publishedLogits(name));
  });

  for (const types of ["f32", "bf16"] as const) {
    Deno.test(`the engine's logits point where the published ones do: ${name}, ${types}`, async () =>
      assertEngine(await publishedFile(name, types), await publishedLogits(name), BARS[types]));
  }
}

for (const name of IN_BLOCKS_OF_32) {
  Deno.test(`the engine's logits point where the published ones do: ${name}, q8_0`, async () =>
    assertEngine(
      await inQ8_0(await publishedFile(name, "f32")),
      await publishedLogits(name),
      BARS.q8_0,
    ));
}

// Its weights, as they are in the file that ships, were given to the published implementation
// (tools/reference/trained_model.py).
const shipped = parsePublishedLogits(
  readFileSync(new URL("./fixtures/small_model/logits.json", import.meta.url), "utf8"),
);

Deno.test("the reference's logits are the published ones: the trained model that ships", () =>
  assertReference(DEFAULT_MODEL, shipped));

Deno.test("the engine's logits point where the published ones do: the trained model that ships, q4_k_m", () =>
  assertEngine(DEFAULT_MODEL, shipped, BARS.q4_k_m));

Deno.test("every published model is compared, and together they are small", () => {
  const folder = new URL("../falsification/recorded/published/", import.meta.url);
  const names = readdirSync(folder);
  const expected = PUBLISHED_NAMES.flatMap((name) =>
    ["bf16.gguf", "f32.gguf", "json"].map((ending) => `${name}.${ending}`)
  );
  assert.deepEqual(names.toSorted(), expected.toSorted());
  const bytes = names.reduce((sum, name) => sum + Deno.statSync(new URL(name, folder)).size, 0);
  assert.ok(bytes < 5e6, `${bytes} bytes`);
});

async function assertReference(source: SourceLocation, published: PublishedLogits): Promise<void> {
  await using file = await openGguf(source);
  const sizes = readHyperParameters(file);
  const description = describeArchitecture(file);
  const model = { file, sizes, description, tensors: resolveTensors(file, sizes) };
  for (const { tokens, rows } of published.sequences) {
    const ours = await Array.fromAsync(referenceLogits(model, tokens));
    assert.equal(ours.length, rows.length);
    for (const [position, row] of rows.entries()) {
      const angle = cosine(ours[position]!, row);
      assert.ok(angle >= 0.99999, `cosine ${angle} at position ${position}`);
      const difference = row.map((logit, id) => Math.abs(logit - ours[position]![id]!));
      const largest = difference.reduce((a, b) => Math.max(a, b), 0);
      assert.ok(largest <= 1e-3, `a logit at position ${position} is off by ${largest}`);
    }
  }
}

async function assertEngine(
  source: SourceLocation,
  published: PublishedLogits,
  bar: number,
): Promise<void> {
  await using model = await loadModel(source, { threads: 1 });
  for (const { tokens, rows } of published.sequences) {
    await using session = model.session({ context: tokens.length });
    const ours = await Array.fromAsync(session.logits(tokens));
    assert.equal(ours.length, rows.length);
    for (const [position, row] of ours.entries()) {
      const angle = cosine(row, rows[position]!);
      assert.ok(angle >= bar, `cosine ${angle} at position ${position} of ${rows.length}`);
    }
  }
}

/**
 * The file with its matrices in Q8_0, routers excepted, rounded as converters of published models do: a
 * scale for 32 weights, by which the largest becomes 127. (The blocks of `quantizeRow` are nearer to the
 * weights, but the fixtures are chosen so that these here turn no near-tie between two experts around.)
 */
function inQ8_0(blob: Blob): Promise<Blob> {
  return rebuilt(blob, {
    entry: (entry) => entry,
    tensor({ name, type, shape }, data) {
      if (shape.length === 1 || name.endsWith("ffn_gate_inp.weight")) {
        return { name, type, shape, data };
      }
      return { name, type: "Q8_0", shape, data: quantized(new Float32Array(data.buffer)) };
    },
  });
}

function quantized(weights: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new DataView(new ArrayBuffer(weights.length / 32 * 34));
  for (let block = 0; block < weights.length / 32; block++) {
    const own = weights.subarray(block * 32, (block + 1) * 32);
    const scale = own.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) / 127;
    const bits = new Int32Array(Float32Array.of(scale).buffer)[0]!;
    bytes.setUint16(block * 34, halfBits(bits), true);
    own.forEach((weight, i) => {
      const quant = Math.round(weight / scale);
      bytes.setInt8(block * 34 + 2 + i, quant);
    });
  }
  return new Uint8Array(bytes.buffer);
}
