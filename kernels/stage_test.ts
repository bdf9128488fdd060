import assert from "node:assert/strict";
import { Stage } from "./stage.ts";

Deno.test("Stage hands out room in each window until it is cleared", () => {
  const stage = new Stage(new Map([[0, 1000], [3, 5000]]), 256);
  assert.equal(stage.take(0, 10), 1000);
  assert.equal(stage.take(0, 64), 1064);
  assert.equal(stage.take(3, 256), 5000);
  assert.throws(() => stage.take(0, 129), /the stage has 256 bytes, not 320/);
  stage.clear();
  assert.equal(stage.take(0, 256), 1000);
});
