/**
 * Writes the models that the published implementation is asked about, and with each what it is asked:
 * `deno run -A tools/reference/write_models.ts FOLDER`. See README.md beside this file.
 *
 * @module
 */
import type { SynthOptions } from "../../synth/mod.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { sha256 } from "../../falsification/recorded/format.ts";
import { fixtureModels, fixturePrompt } from "../../tests/parity/fixture.ts";
import { randomPrompt } from "../../tests/parity/models.ts";

/** A model, and the positions of a prompt whose logits are wanted. */
interface Question {
  readonly model: SynthOptions & { readonly name: string };
  readonly tokens: readonly number[];
  readonly positions: readonly number[];
}

/** The model that llama.cpp is recorded for as well, at some of those positions. */
const parity = fixtureModels.find(({ name }) => name === "qwen3moe-f32")!;

const QUESTIONS: readonly Question[] = [
  {
    model: parity,
    tokens: fixturePrompt(parity).tokens,
    positions: [9, 59, 119, 179],
  },
  {
    // Every constant far from what is usual, so that each of them shows in the logits.
    model: {
      name: "qwen3moe-constants",
      architecture: "qwen3moe",
      types: "f32",
      layers: 3,
      hidden: 72,
      heads: 6,
      kvHeads: 2,
      headSize: 20,
      experts: 5,
      expertsUsed: 3,
      expertWidth: 44,
      expertShare: 1,
      vocabulary: 260,
      rmsEpsilon: 0.3,
      ropeBase: 30,
      tied: true,
      seed: 201,
    },
    tokens: randomPrompt(24, 260, 201),
    positions: [0, 5, 11, 23],
  },
];

if (import.meta.main) {
  const folder = Deno.args[0];
  if (folder === undefined) throw new Error("write_models.ts needs the folder to write to");
  await Deno.mkdir(folder, { recursive: true });
  for (const question of QUESTIONS) {
    const blob = await synthesizeBlob(question.model);
    const path = `${folder}/${question.model.name}`;
    await Deno.writeFile(`${path}.gguf`, blob.stream());
    const asked = { ...question, sha256: await sha256(blob) };
    await Deno.writeTextFile(`${path}.json`, JSON.stringify(asked));
    console.log(`${path}.gguf`);
  }
}
