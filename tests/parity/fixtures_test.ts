import assert from "node:assert/strict";
import { decodeRows, encodeRows, sha256 } from "../../falsification/recorded/format.ts";
import { loadModel } from "../../mod.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { comparePositions, summarize, verdict } from "./compare.ts";
import { evaluate, THREADS } from "./evaluate.ts";
import { type Fixture, fixtureModels, fixtureUrl } from "./fixture.ts";
import { kindOf } from "./models.ts";

const STALE = "the fixture is stale, which says nothing about the engine: " +
  "deno run -A tests/parity/fixtures.ts writes it anew";

for (const listed of fixtureModels) {
  Deno.test(`the engine agrees with llama.cpp's kept log-probabilities of ${listed.name}`, async () => {
    const fixture: Fixture = JSON.parse(await Deno.readTextFile(fixtureUrl(listed)));
    const { model, tokens, positions, floor } = fixture;
    const blob = await synthesizeBlob(listed);
    assert.equal(await sha256(blob), fixture.sha256, STALE);
    await using loaded = await loadModel(blob, { threads: THREADS });
    const rows = await evaluate(loaded, tokens);
    const ours = summarize(comparePositions(
      positions.map((position) => rows[position]!),
      decodeRows(fixture.rows, model.vocabulary),
    ));
    const { bars } = verdict(ours, floor, kindOf(model));
    assert.deepEqual(bars.filter((bar) => !bar.passed), []);
  });
}

Deno.test("decodeRows() reads little-endian f32 in rows", () => {
  // 1 is 00 00 80 3f, -2 is 00 00 00 c0, 0.5 is 00 00 00 3f, -Infinity is 00 00 80 ff.
  const text = "AACAPwAAAMAAAAA/AACA/w==";
  const rows = [Float32Array.of(1, -2), Float32Array.of(0.5, -Infinity)];
  assert.deepEqual(decodeRows(text, 2), rows);
  assert.equal(encodeRows(rows), text);
});
