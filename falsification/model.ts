/**
 * The model file that falsification tests speak of.
 *
 * @module
 */
import { loadModel, type LoadProgress } from "../engine/load.ts";
import type { Model } from "../engine/model.ts";
import { type GgufFile, openGguf, type SourceLocation } from "../gguf/mod.ts";
import { architectureOf, describeArchitecture } from "../model/hyperparameters.ts";
import { createTokenizer } from "../tokenizer/mod.ts";
import { synthesizeBlob, type SynthOptions } from "../synth/mod.ts";

/**
 * What a test asks of a model: any GGUF file, one that the engine can run, one with experts, one
 * with a tokenizer that the engine can run.
 */
export type ModelKind = "file" | "model" | "mixture" | "text";

/** The model where the user gives none: small, random, with all that a mixture of experts has. */
export const BUILT_IN: SynthOptions = {
  architecture: "qwen3moe",
  layers: 2,
  hidden: 256,
  heads: 4,
  kvHeads: 2,
  headSize: 64,
  experts: 8,
  expertsUsed: 2,
  expertWidth: 256,
  vocabulary: 512,
  types: "q8_0",
  seed: 7,
};

/** What {@linkcode ModelUnderTest.open} may be told. */
export interface ModelUnderTestOptions {
  /** hears how far loading has come, once a test computes with the model */
  onProgress?: (progress: LoadProgress) => void;
}

/** A model file, opened once for all tests, and loaded once for those that compute with it. */
export class ModelUnderTest implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack();
  readonly #options: ModelUnderTestOptions;
  #loaded: Promise<Model> | undefined;
  #disposed = false;

  private constructor(
    /** where the file is */
    readonly location: SourceLocation | readonly SourceLocation[],
    /** the file, its header read; open for as long as the tests run */
    readonly file: GgufFile,
    options: ModelUnderTestOptions,
  ) {
    this.#options = options;
    this.#resources.use(file);
  }

  /**
   * Opens a user's model, or makes the one for users who give none.
   *
   * @throws {GgufError} If the file can't be read, or is no sound GGUF file.
   */
  static async open(
    location?: SourceLocation | readonly SourceLocation[],
    options: ModelUnderTestOptions = {},
  ): Promise<ModelUnderTest> {
    const from = location ?? await synthesizeBlob(BUILT_IN);
    return new ModelUnderTest(from, await openGguf(from), options);
  }

  /** The model as the engine loads it; the tests share it. */
  loaded(): Promise<Model> {
    if (this.#disposed) return Promise.reject(new Error("the model under test was closed"));
    this.#loaded ??= loadModel(this.location, this.#options).then((model) =>
      this.#resources.use(model)
    );
    return this.#loaded;
  }

  /** Why tests of a kind can't speak of this model; undefined where they can. */
  lacks(kind: ModelKind): string | undefined {
    if (kind === "file") return undefined;
    try {
      const { mixture } = describeArchitecture(this.file);
      if (kind === "mixture" && mixture === undefined) {
        return `${architectureOf(this.file).declared} has no experts`;
      }
      if (kind === "text") createTokenizer(this.file.metadata);
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  }

  /** `count` token ids of the model's vocabulary that look random and are always the same. */
  tokens(count: number): number[] {
    const vocabulary = this.file.tensors.get("token_embd.weight")?.shape[1] ?? 1;
    return Array.from({ length: count }, (_, i) => (i * 7919 + 104_729) % vocabulary);
  }

  /** Closes the file and frees the loaded model, also one that is just being loaded. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#loaded?.catch(() => {});
    await this.#resources.disposeAsync();
  }
}
