/**
 * A whole model under test: what is found in its file, and what it computes.
 *
 * @module
 */
import { loadModel } from "../../engine/load.ts";
import type { Model } from "../../engine/model.ts";
import type { GgufFile } from "../../gguf/mod.ts";
import {
  describeArchitecture,
  type HyperParameters,
  readHyperParameters,
} from "../../model/hyperparameters.ts";
import { referenceLogits } from "../../model/reference.ts";
import { type ModelTensors, resolveTensors } from "../../model/tensors.ts";
import type { ModelUnderTest } from "../model.ts";
import { moeRouter } from "../moe_router.ts";
import type { Recording } from "../recorded/format.ts";
import {
  publishedFile,
  type PublishedName,
  type PublishedSequence,
} from "../recorded/published.ts";
import { recordedModel } from "../recorded/recordings.ts";

/** What a generation came to. */
export interface Answer {
  /** the text as it came, piece by piece */
  readonly pieces: readonly string[];
  /** all of it */
  readonly text: string;
  /** the generated ids, the one that ended the turn left out */
  readonly tokens: readonly number[];
}

/** A model that is ready to compute. */
export interface LoadedModel extends AsyncDisposable {
  /** Logits of a sequence: [tokens][vocabulary], computed from its beginning. */
  logits(tokens: readonly number[]): Promise<Float32Array[]>;
  /** The ids of a text, as {@linkcode LoadedModel.complete} makes them. */
  encode(text: string): number[];
  /** What follows a text, the likeliest token each time. */
  complete(prompt: string, maxTokens: number): Promise<Answer>;
}

/** An implementation of the forward pass, with what leads up to it. */
export interface ForwardPass {
  /**
   * Finds and checks the tensors that are computed with, by the file's header alone.
   *
   * @throws if the file makes no model, or none that can be computed
   */
  resolve(file: GgufFile): ModelTensors;
  /** Loads a model; one under test stays loaded for others after the answer is disposed of. */
  load(model: ModelUnderTest | Blob): Promise<LoadedModel>;
  /**
   * The weights of the experts that a file's model chooses by the router's logits.
   *
   * @param logits [tokens, experts]
   * @returns [tokens, k]
   */
  expertWeights(logits: Float32Array, sizes: HyperParameters): Promise<Float32Array>;
}

/** More than one, so that work is shared out in the tests too. */
const THREADS = 2;

/** The engine's own forward pass, as a user of the library calls it. */
export function engineForward(): ForwardPass {
  return {
    resolve: (file) => resolveTensors(file, readHyperParameters(file)),
    async load(model) {
      if (model instanceof Blob) return loaded(await loadModel(model, { threads: THREADS }));
      const shared = loaded(await model.loaded());
      return { ...shared, [Symbol.asyncDispose]: () => Promise.resolve() };
    },
    async expertWeights(logits, { experts, expertsUsed, normalizeExpertWeights }) {
      const { route } = await moeRouter.subject();
      return route(logits, experts, expertsUsed, normalizeExpertWeights).weights;
    },
  };
}

/** An engine's model as the tests see it. */
export function loaded(model: Model): LoadedModel {
  return {
    async logits(tokens) {
      await using session = model.session({ context: tokens.length });
      return await Array.fromAsync(session.logits(tokens));
    },
    encode: (text) => model.tokenizer.encode(text),
    async complete(prompt, maxTokens) {
      const context = model.tokenizer.encode(prompt).length + maxTokens;
      await using session = model.session({ context });
      const generation = model.complete(prompt, { session, maxTokens, temperature: 0 });
      const pieces = await Array.fromAsync(generation);
      const { text, tokens } = generation.result;
      return { pieces, text, tokens };
    },
    [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
  };
}

type Evaluations = Map<Recording | PublishedSequence | ModelUnderTest, Promise<Float32Array[]>>;
const evaluations = new WeakMap<ForwardPass, Evaluations>();

/** Computes once for each implementation and model what several tests look at. */
function evaluateOnce(
  subject: ForwardPass,
  key: Recording | PublishedSequence | ModelUnderTest,
  compute: () => Promise<Float32Array[]>,
): Promise<Float32Array[]> {
  let own = evaluations.get(subject);
  if (own === undefined) evaluations.set(subject, own = new Map());
  let rows = own.get(key);
  if (rows === undefined) own.set(key, rows = compute());
  return rows;
}

/** An implementation's logits at every position of a recording's prompt. */
export function logitsOfRecorded(
  subject: ForwardPass,
  recording: Recording,
): Promise<Float32Array[]> {
  return evaluateOnce(subject, recording, async () => {
    await using model = await subject.load(await recordedModel(recording));
    return await model.logits(recording.tokens);
  });
}

/** An implementation's logits of a published model in F32, for one of its sequences. */
export function logitsOfPublished(
  subject: ForwardPass,
  name: PublishedName,
  sequence: PublishedSequence,
): Promise<Float32Array[]> {
  return evaluateOnce(subject, sequence, async () => {
    await using model = await subject.load(await publishedFile(name, "f32"));
    return await model.logits(sequence.tokens);
  });
}

/** Few: a model of 17 GiB reads its experts for them. */
const OWN_TOKENS = 3;

/** Fewer still: such a model takes plain TypeScript a minute a token. */
const REFERENCE_TOKENS = 2;

/** The tokens that a user's model is asked about. */
export function ownTokens(model: ModelUnderTest): number[] {
  return model.tokens(OWN_TOKENS);
}

/** An implementation's logits of {@linkcode ownTokens}. */
export function logitsOfOwn(
  subject: ForwardPass,
  model: ModelUnderTest,
): Promise<Float32Array[]> {
  return evaluateOnce(subject, model, async () => {
    await using own = await subject.load(model);
    return await own.logits(ownTokens(model));
  });
}

/** What plain mathematics says of the first {@linkcode ownTokens}. */
export interface ReferenceAnswer {
  readonly sizes: HyperParameters;
  /** [tokens][vocabulary]; what follows a token changes nothing, so the others can be left out */
  readonly logits: readonly Float32Array[];
  /** [experts] for each token of each layer */
  readonly routerLogits: readonly Float64Array[];
}

const references = new WeakMap<ModelUnderTest, Promise<ReferenceAnswer>>();

/** The reference's answer, computed once for each model. */
export function referenceOfOwn(model: ModelUnderTest): Promise<ReferenceAnswer> {
  let answer = references.get(model);
  if (answer === undefined) references.set(model, answer = askReference(model));
  return answer;
}

async function askReference(model: ModelUnderTest): Promise<ReferenceAnswer> {
  const { file } = model;
  const sizes = readHyperParameters(file);
  const routerLogits: Float64Array[] = [];
  const logits = await Array.fromAsync(referenceLogits({
    file,
    sizes,
    description: describeArchitecture(file),
    tensors: resolveTensors(file, sizes),
    onRouterLogits: (rows) => void routerLogits.push(...rows),
  }, ownTokens(model).slice(0, REFERENCE_TOKENS)));
  return { sizes, logits, routerLogits };
}
