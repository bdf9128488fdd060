/**
 * The tests of contract kv-cache-v1 that speak of q8_0 alone.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomFloats } from "../../kernels/comparing.ts";
import { UnsupportedOperationError } from "../../model/errors.ts";
import type { FalsificationTest } from "../falsification.ts";
import type { KvCaches } from "./kv_cache.ts";

/** The tests of kv-cache-v1 of caches in q8_0. */
export const KV_Q8_0_TESTS: readonly FalsificationTest<Pick<KvCaches, "cache">>[] = [
  {
    id: "F-KV-011",
    title: "q8_0 keeps 32 elements in 255 steps up to their largest magnitude",
    async run({ cache }) {
      // Steps of 2, of 1 and of 2^-10: ties go to the even one, and 32 elements do not see the others.
      const blocks = [
        [[254, 254], [1, 0], [3, 4], [-3, -4], [-252.9, -252], [-254, -254], [0.99, 0]],
        [[2.5, 2], [-3.5, -4], [126.4, 126], [-127, -127], [0.51, 1]],
        [[127 / 1024, 127 / 1024], [1.5 / 1024, 2 / 1024], [-0.4 / 1024, 0]],
        [[0, 0]],
      ] as const;
      const headSize = 32 * blocks.length;
      const column = (at: 0 | 1) => {
        const row = new Float32Array(headSize);
        blocks.forEach((block, i) => block.forEach((pair, j) => row[32 * i + j] = pair[at]));
        return row;
      };
      const made = await cache({
        ...{ layers: 1, heads: 1, kvHeads: 1, headSize, capacity: 5, batch: 1 },
        format: "q8_0",
      });
      for (let position = 0; position < 5; position++) {
        made.append(0, position, column(0), column(0));
      }
      const { keys, values } = made.read(0);
      for (let position = 0; position < 5; position++) {
        const at = (x: Float32Array) => x.slice(position * headSize, (position + 1) * headSize);
        assert.deepEqual([...at(keys)].map((x) => x + 0), [...column(1)]);
        assert.deepEqual([...at(values)].map((x) => x + 0), [...column(1)]);
      }
    },
  },
  {
    id: "F-KV-012",
    title: "q8_0 is off by half a step of its 32 elements at most",
    async run({ cache }) {
      for (const scale of [0.1, 1, 1e3]) {
        const shape = { layers: 1, heads: 4, kvHeads: 4, headSize: 128, capacity: 6, batch: 6 };
        const made = await cache({ ...shape, format: "q8_0" });
        const x = randomFloats(12, 6 * 4 * 128, scale);
        made.append(0, 0, x, x);
        const { keys, values } = made.read(0);
        for (let block = 0; block < x.length; block += 32) {
          const largest = Math.max(...x.slice(block, block + 32).map(Math.abs));
          // The step itself is rounded to f16, by 2^-11 at most: times 127 that is a sixteenth more.
          const most = largest / 127 * (1 / 2 + 1 / 16);
          for (let i = block; i < block + 32; i++) {
            assert.ok(Math.abs(keys[i]! - x[i]!) <= most, `${keys[i]} for ${x[i]}`);
            assert.ok(Math.abs(values[i]! - x[i]!) <= most, `${values[i]} for ${x[i]}`);
          }
        }
      }
    },
  },
  {
    id: "F-KV-013",
    title: "q8_0 is refused for heads that are no multiple of 32 elements",
    async run({ cache }) {
      for (const headSize of [1, 16, 80, 100]) {
        const shape = { layers: 1, heads: 1, kvHeads: 1, headSize, capacity: 1, batch: 1 };
        const made = async () => await cache({ ...shape, format: "q8_0" });
        await assert.rejects(made, (error) => {
          assert.ok(error instanceof UnsupportedOperationError, `${error}`);
          assert.match(error.message, new RegExp(`\\b${headSize} elements.*--kv f16`));
          return true;
        });
      }
    },
  },
];
