import { mixtralForward } from "../mixtral_forward.ts";
import { engineForward, type ForwardPass } from "../qwen3_moe_forward/subject.ts";
import { oneMatrixOn, told, toldOfLayers } from "./changed_forward.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

const id = (...numbers: string[]) => numbers.map((number) => `F-MIXTRAL-${number}`);

/** The engine with another way to find a file's tensors. */
function resolving(resolve: ForwardPass["resolve"]): () => ForwardPass {
  return () => ({ ...engineForward(), resolve });
}

export const mixtralForwardMutants: BoundMutant[] = mutants(mixtralForward, [
  {
    name: "every llama taken for a dense one",
    caughtBy: id("001"),
    subject: resolving((file) => {
      if (file.tensors.has("blk.0.ffn_gate.weight")) return engineForward().resolve(file);
      throw new Error("tensor 'blk.0.ffn_gate.weight' not found");
    }),
  },
  {
    name: "every llama taken for a mixture",
    caughtBy: id("001"),
    subject: resolving((file) => {
      if (file.tensors.has("blk.0.ffn_gate_exps.weight")) return engineForward().resolve(file);
      throw new Error("tensor 'blk.0.ffn_gate_exps.weight' not found");
    }),
  },
  {
    name: "experts stored one by one said to be missing",
    caughtBy: id("002"),
    subject: resolving((file) => {
      if (!file.tensors.has("blk.0.ffn_gate.0.weight")) return engineForward().resolve(file);
      throw new Error("tensor 'blk.0.ffn_gate_exps.weight' not found");
    }),
  },
  {
    name: "RoPE turns halves instead of neighbours",
    caughtBy: id("003"),
    subject: told(({ description }) => ({ description: { ...description, rope: "neox" } })),
  },
  {
    name: "weights of the softmax over all experts, not divided by their sum",
    caughtBy: id("003", "004", "005"),
    subject: told(
      ({ sizes }) => ({ sizes: { ...sizes, normalizeExpertWeights: false } }),
      {
        expertWeights: (logits, sizes) =>
          engineForward().expertWeights(logits, { ...sizes, normalizeExpertWeights: false }),
      },
    ),
  },
  {
    name: "one expert for each token",
    caughtBy: id("003"),
    subject: told(({ sizes }) => ({
      sizes: { ...sizes, expertsUsed: Math.min(1, sizes.expertsUsed) },
    })),
  },
  {
    name: "w1 and w3, the gate and the up projection, swapped",
    caughtBy: id("003", "005"),
    subject: toldOfLayers((layer) => {
      const { ffn_gate_exps: gate, ffn_up_exps: up } = layer;
      return gate && up ? { ...layer, ffn_gate_exps: up, ffn_up_exps: gate } : layer;
    }),
  },
  {
    name: "each expert's down projection that of the next",
    caughtBy: id("003"),
    subject: toldOfLayers((layer) => {
      const { ffn_down_exps: down } = layer;
      return down ? { ...layer, ffn_down_exps: oneMatrixOn(down) } : layer;
    }),
  },
]);
