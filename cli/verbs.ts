import type { Verb } from "./verb.ts";

/** The verbs, each loaded when it is called for: `tensors` needs no tokenizer and no kernels. */
export const VERBS: Readonly<Record<string, { summary: string; load: () => Promise<Verb> }>> = {
  run: {
    summary: "answer a prompt",
    load: () => import("./run.ts"),
  },
  inspect: {
    summary: "architecture, sizes, quantization, tokenizer of a model",
    load: () => import("./inspect.ts"),
  },
  tensors: {
    summary: "a model's tensors: name, role, shape, type, bytes, offset",
    load: () => import("./tensors.ts"),
  },
  names: {
    summary: "whether a model has all the tensors that its architecture requires",
    load: () => import("./names.ts"),
  },
  tokenize: {
    summary: "the token ids of a text",
    load: () => import("./tokenize.ts"),
  },
  logits: {
    summary: "the logits at every position of a token sequence, to a file",
    load: () => import("./logits.ts"),
  },
  bench: {
    summary: "how fast a model runs here",
    load: () => import("./bench.ts"),
  },
  perplexity: {
    summary: "how well a model foretells a text",
    load: () => import("./perplexity.ts"),
  },
  synth: {
    summary: "write a model with random weights, of any shape",
    load: () => import("./synth.ts"),
  },
  quantize: {
    summary: "write a model in another quantization",
    load: () => import("./quantize.ts"),
  },
  validate: {
    summary: "whether contracts are complete and well-formed",
    load: () => import("./validate.ts"),
  },
  lint: {
    summary: "whether contracts fit their tests, tables, pins and each other",
    load: () => import("./lint.ts"),
  },
  falsify: {
    summary: "run the tests that try to refute the contracts",
    load: () => import("./falsify.ts"),
  },
  pin: {
    summary: "whether contracts changed without a new version",
    load: () => import("./pin.ts"),
  },
};
