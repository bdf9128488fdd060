import { engineForward, type ForwardPass } from "../qwen3_moe_forward/subject.ts";
import { qwen3MoeForward } from "../qwen3_moe_forward/qwen3_moe_forward.ts";
import { answering, oneMatrixOn, seeing, told, toldOfLayers, withRows } from "./changed_forward.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

const id = (...numbers: string[]) => numbers.map((n) => `FALSIFY-QW3-MOE-FORWARD-${n}`);

/** The engine with another way to find a file's tensors. */
function resolving(resolve: ForwardPass["resolve"]): () => ForwardPass {
  return () => ({ ...engineForward(), resolve });
}

/** Each row as probabilities' logarithms, the largest logit not subtracted before the exponential. */
function withoutMaximum(row: Float32Array): Float32Array {
  const sum = row.reduce((total, logit) => Math.fround(total + Math.fround(Math.exp(logit))), 0);
  return row.map((logit) => Math.log(Math.fround(Math.exp(logit)) / sum));
}

export const qwen3MoeForwardMutants: BoundMutant[] = mutants(qwen3MoeForward, [
  {
    name: "a dense feed-forward tensor required of every architecture",
    caughtBy: id("001"),
    subject: resolving((file) => {
      if (file.tensors.has("blk.0.ffn_up.weight")) return engineForward().resolve(file);
      throw new Error("Tensor 'blk.0.ffn_up.weight' not found");
    }),
  },
  {
    name: "dense names asked for, and done without where they are not",
    caughtBy: id("002"),
    subject: resolving((file) => {
      file.tensors.get("blk.0.ffn_gate.weight");
      return engineForward().resolve(file);
    }),
  },
  {
    name: "an unknown architecture taken for one that is known",
    caughtBy: id("002"),
    subject: resolving((file) => {
      const metadata = new Map(file.metadata).set("general.architecture", "qwen3moe");
      return engineForward().resolve(
        new Proxy(file, {
          get: (target, key) => key === "metadata" ? metadata : Reflect.get(target, key),
        }),
      );
    }),
  },
  {
    name: "the turn ended before its first token",
    caughtBy: id("003"),
    subject: answering(() => ({
      complete: () => Promise.resolve({ pieces: [], text: "", tokens: [] }),
    })),
  },
  {
    name: "the second token of the answer taken for the first",
    caughtBy: id("003"),
    subject: answering(({ complete }) => ({
      async complete(prompt, maxTokens) {
        const answer = await complete(prompt, maxTokens);
        return { ...answer, tokens: answer.tokens.slice(1) };
      },
    })),
  },
  {
    name: "no norm of queries and keys",
    caughtBy: id("004", "014"),
    subject: toldOfLayers(({ attn_q_norm: _q, attn_k_norm: _k, ...layer }) => layer),
  },
  {
    name: "the norms of queries and keys swapped",
    caughtBy: id("004", "007"),
    subject: toldOfLayers((layer) => ({
      ...layer,
      attn_q_norm: layer.attn_k_norm!,
      attn_k_norm: layer.attn_q_norm!,
    })),
  },
  {
    name: "epsilon a thousand times too large",
    caughtBy: id("007"),
    subject: told(({ sizes }) => ({ sizes: { ...sizes, rmsEpsilon: 1000 * sizes.rmsEpsilon } })),
  },
  {
    name: "RoPE with llama's base, whatever the file says",
    caughtBy: id("004", "007"),
    subject: told(({ sizes }) => ({ sizes: { ...sizes, ropeBase: 10_000 } })),
  },
  {
    name: "RoPE turns neighbours instead of halves",
    caughtBy: id("004", "006", "007"),
    subject: told(({ description }) => ({ description: { ...description, rope: "pairs" } })),
  },
  {
    name: "expert weights without renormalization",
    caughtBy: id("004", "009", "010"),
    subject: told(
      ({ sizes }) => ({ sizes: { ...sizes, normalizeExpertWeights: false } }),
      {
        expertWeights: (logits, sizes) =>
          engineForward().expertWeights(logits, { ...sizes, normalizeExpertWeights: false }),
      },
    ),
  },
  {
    name: "one expert too few for each token",
    caughtBy: id("004"),
    subject: told(({ sizes }) => ({ sizes: { ...sizes, expertsUsed: sizes.expertsUsed - 1 } })),
  },
  {
    name: "each expert's gate that of the next expert",
    caughtBy: id("004", "005", "006"),
    subject: toldOfLayers((layer) => ({
      ...layer,
      ffn_gate_exps: oneMatrixOn(layer.ffn_gate_exps!),
    })),
  },
  {
    name: "gate and up swapped",
    caughtBy: id("004", "005", "006"),
    subject: toldOfLayers((layer) => ({
      ...layer,
      ffn_gate_exps: layer.ffn_up_exps!,
      ffn_up_exps: layer.ffn_gate_exps!,
    })),
  },
  {
    name: "attention's norm before the experts too",
    caughtBy: id("004", "007"),
    subject: toldOfLayers((layer) => ({ ...layer, ffn_norm: layer.attn_norm! })),
  },
  {
    name: "layers in the wrong order",
    caughtBy: id("004", "005", "006", "008"),
    subject: told(({ tensors }) => ({
      tensors: { ...tensors, layers: tensors.layers.toReversed() },
    })),
  },
  {
    name: "the embedding for a head, though the file has its own",
    caughtBy: id("004", "005", "006", "008", "015"),
    subject: told(({ tensors: { global: { output: _output, ...global }, layers } }) => ({
      tensors: { global, layers },
    })),
  },
  {
    name: "each token's key and value overwrite those before it",
    caughtBy: id("004", "017"),
    subject: seeing((tokens, position) => [
      ...tokens.slice(0, Math.max(0, position - 1)),
      tokens[position]!,
    ]),
  },
  {
    name: "attention sees the token that follows",
    caughtBy: id("004", "017"),
    subject: seeing((tokens, position) => [
      ...tokens.slice(0, position),
      ...tokens.slice(position + 1, position + 2),
      tokens[position]!,
    ]),
  },
  {
    name: "another last bit on every call",
    caughtBy: id("016"),
    subject: () => {
      let calls = 0;
      return answering(({ logits }) => ({
        async logits(tokens) {
          calls++;
          return (await logits(tokens)).map((row) => row.map((x) => x * (1 + calls * 2 ** -20)));
        },
      }))();
    },
  },
  {
    name: "logits of the last position only",
    caughtBy: id("011"),
    subject: withRows((rows) => rows.slice(-1)),
  },
  {
    name: "logits cut to whole vectors of eight",
    caughtBy: id("011"),
    subject: withRows((rows) => rows.map((row) => row.subarray(0, row.length & ~7))),
  },
  {
    name: "probabilities without the largest logit subtracted",
    caughtBy: id("013"),
    subject: withRows((rows) => rows.map(withoutMaximum)),
  },
  {
    name: "a logit that is not a number",
    caughtBy: id("012"),
    subject: withRows((rows) => rows.map((row) => row.with(7, NaN))),
  },
]);
