/**
 * Tests of qwen3-moe-forward-v1: from a file to a model that answers.
 *
 * @module
 */
import assert from "node:assert/strict";
import { CONTRACT } from "../../contracts/mod.ts";
import type { TensorInfo } from "../../gguf/mod.ts";
import type { ModelTensors } from "../../model/tensors.ts";
import { UnsupportedOperationError } from "../../model/errors.ts";
import type { FalsificationTest } from "../falsification.ts";
import { withHeader } from "../rebuilt_file.ts";
import { type ForwardPass, ownTokens } from "./subject.ts";

/** What a mixture has in every layer in place of a dense feed-forward part. */
const EXPERT_ROLES = ["ffn_gate_inp", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"] as const;

/** A dense feed-forward tensor's name, which no mixture of this architecture has. */
const DENSE_NAME = /\.ffn_(gate|up|down)\.weight$/;

/** Enough for one of them to begin with something other than the end of the turn. */
const PROMPTS = ["The capital of France is", "1, 2, 3,", "function add(a, b) {"] as const;

/** Two architectures that the contract of names knows, and one that nobody does. */
const WITHOUT_FORWARD_PASS = ["bert", "gpt2", "no-such-architecture"] as const;

/** The tensors with every name written down that is looked up among them. */
function recording(
  tensors: ReadonlyMap<string, TensorInfo>,
  asked: Set<string>,
): ReadonlyMap<string, TensorInfo> {
  return new Proxy(tensors, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (key === "get" || key === "has") asked.add(String(args[0]));
        return value.apply(target, args);
      };
    },
  });
}

/** The names of the tensors that a model is computed with. */
function namesOf({ global, layers }: ModelTensors): string[] {
  return [global, ...layers].flatMap((roles) => Object.values(roles).map(({ name }) => name));
}

export const LOADING_TESTS: readonly FalsificationTest<ForwardPass>[] = [
  {
    id: "FALSIFY-QW3-MOE-FORWARD-001",
    title: "a missing expert tensor is missed by its own name, and a sound mixture loads",
    of: "mixture",
    async run({ resolve, load }, model) {
      const { file } = model;
      for (const role of EXPERT_ROLES) {
        const tensors = new Map(file.tensors);
        assert.ok(tensors.delete(`blk.0.${role}.weight`));
        assert.throws(
          () => resolve(withHeader(file, { tensors })),
          ({ message }: Error) =>
            message.includes(`'blk.0.${role}.weight'`) &&
            !/ffn_(gate|up|down)\.weight/.test(message),
          `a file without blk.0.${role}.weight`,
        );
      }
      assert.doesNotThrow(() => resolve(file));
      await using loaded = await load(model);
      assert.equal((await loaded.logits(ownTokens(model).slice(0, 1))).length, 1);
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-002",
    title:
      "loading asks for experts and never for a dense feed-forward, and guesses no architecture",
    of: "mixture",
    run({ resolve }, { file }) {
      const asked = new Set<string>();
      const used = namesOf(resolve(withHeader(file, { tensors: recording(file.tensors, asked) })));
      assert.deepEqual([...asked, ...used].filter((name) => DENSE_NAME.test(name)), []);
      assert.deepEqual([...asked].filter((name) => !file.tensors.has(name)), []);
      assert.deepEqual(used.toSorted(), [...file.tensors.keys()].toSorted());
      for (const role of EXPERT_ROLES) assert.ok(asked.has(`blk.0.${role}.weight`), role);
      for (const architecture of WITHOUT_FORWARD_PASS) {
        const metadata = new Map(file.metadata).set("general.architecture", architecture);
        assert.throws(
          () => resolve(withHeader(file, { metadata })),
          (error) =>
            error instanceof UnsupportedOperationError &&
            error.message.includes(`'${architecture}' has no forward pass`) &&
            error.message.includes(`contract ${CONTRACT}`),
          architecture,
        );
      }
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-003",
    title: "a prompt is answered with text, beginning with the likeliest token",
    of: "text",
    async run({ load }, model) {
      await using loaded = await load(model);
      for (const prompt of PROMPTS) {
        const { pieces, text, tokens } = await loaded.complete(prompt, 4);
        assert.equal(pieces.join(""), text);
        assert.ok(tokens.length <= 4, `${tokens.length} tokens, though 4 were the most`);
        const first = tokens[0];
        if (first === undefined) continue;
        const logits = (await loaded.logits(loaded.encode(prompt))).at(-1)!;
        const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
        assert.equal(logits[first], largest, `token ${first} is not the likeliest`);
        return;
      }
      assert.fail("no prompt was answered with a single token");
    },
  },
];
