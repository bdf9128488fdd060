import { qwen2MoeForward } from "../qwen2_moe_forward.ts";
import { engineForward, type ForwardPass } from "../qwen3_moe_forward/subject.ts";
import { metadataNumber } from "../../gguf/mod.ts";
import { told, toldOfLayers } from "./changed_forward.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

const id = (...numbers: string[]) => numbers.map((number) => `F-QW2-MOE-${number}`);

/** The engine with another way to find a file's tensors. */
function resolving(resolve: ForwardPass["resolve"]): () => ForwardPass {
  return () => ({ ...engineForward(), resolve });
}

export const qwen2MoeForwardMutants: BoundMutant[] = mutants(qwen2MoeForward, [
  {
    name: "a shared expert that may be there or not",
    caughtBy: id("001"),
    subject: resolving((file) => {
      try {
        return engineForward().resolve(file);
      } catch (error) {
        if (/_shexp.* not found/.test((error as Error).message)) return { global: {}, layers: [] };
        throw error;
      }
    }),
  },
  {
    name: "the shared expert left out",
    caughtBy: id("002", "003", "004"),
    subject: toldOfLayers(({ ffn_gate_shexp: _gate, ffn_gate_inp_shexp: _inp, ...layer }) => layer),
  },
  {
    name: "the shared expert added in full, without its gate",
    caughtBy: id("002", "003", "004"),
    subject: toldOfLayers(({ ffn_gate_inp_shexp: _, ...layer }) => layer),
  },
  {
    name: "the shared expert's gate and up projections swapped",
    caughtBy: id("002", "003", "004"),
    subject: toldOfLayers((layer) => {
      const { ffn_gate_shexp: gate, ffn_up_shexp: up, ...rest } = layer;
      return gate && up ? { ...rest, ffn_gate_shexp: up, ffn_up_shexp: gate } : layer;
    }),
  },
  {
    name: "expert weights divided by their sum, as in Qwen3-MoE",
    caughtBy: id("002"),
    subject: told(({ sizes }) => ({ sizes: { ...sizes, normalizeExpertWeights: true } })),
  },
  {
    name: "expert weights never divided by their sum, whatever the file says",
    caughtBy: id("003"),
    subject: told(({ sizes }) => ({ sizes: { ...sizes, normalizeExpertWeights: false } })),
  },
  {
    name: "no biases of queries, keys and values",
    caughtBy: id("002", "003"),
    subject: toldOfLayers(
      ({ attn_q_bias: _q, attn_k_bias: _k, attn_v_bias: _v, ...layer }) => layer,
    ),
  },
  {
    name: "widths that have to be stated",
    caughtBy: id("005"),
    subject: resolving((file) => {
      const width = metadataNumber(file.metadata, "qwen2moe.expert_feed_forward_length");
      if (width === undefined) throw new Error("expert_feed_forward_length is missing");
      return engineForward().resolve(file);
    }),
  },
]);
