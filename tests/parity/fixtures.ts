/**
 * Writes `tests/fixtures/parity/*.json` and `falsification/recorded/*.llama-cpp.json`:
 * `deno run -A tests/parity/fixtures.ts`. Needs llama.cpp.
 *
 * @module
 */
import { encodeRows, sha256 } from "../../falsification/recorded/format.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { comparePositions, summarize } from "./compare.ts";
import { type Fixture, fixtureModels, fixturePrompt, fixtureUrl } from "./fixture.ts";
import { openReference } from "./llama.ts";
import type { RandomModel } from "./models.ts";

async function makeFixture(model: RandomModel): Promise<Fixture> {
  const blob = await synthesizeBlob(model);
  const { tokens, positions } = fixturePrompt(model);
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  try {
    await Deno.writeFile(path, blob.stream());
    await using reference = await openReference(path);
    const keep = (rows: Float32Array[]) => positions.map((position) => rows[position]!);
    const rows = keep(await reference.batch(tokens));
    const steps = keep(await reference.steps(tokens));
    return {
      model,
      sha256: await sha256(blob),
      tokens,
      positions,
      floor: summarize(comparePositions(steps, rows)),
      rows: encodeRows(rows),
    };
  } finally {
    await Deno.remove(path);
  }
}

if (import.meta.main) {
  await Deno.mkdir(new URL("../fixtures/parity/", import.meta.url), { recursive: true });
  for (const model of fixtureModels) {
    const fixture = await makeFixture(model);
    await Deno.writeTextFile(fixtureUrl(model), JSON.stringify(fixture, undefined, 2) + "\n");
    console.log(`${model.name}: median floor ${fixture.floor.median.toPrecision(3)}`);
  }
}
