/**
 * A loaded model, as users hold it.
 *
 * @module
 */
import { type ChatTemplate, ChatTemplateError, type Message } from "../chat/mod.ts";
import type { RenderOptions } from "../chat/mod.ts";
import type { Metadata } from "../gguf/mod.ts";
import type { HyperParameters } from "../model/hyperparameters.ts";
import type { RemoteRuntime } from "../model/remote.ts";
import type { ExpertUse } from "../moe/expert_store.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { generate, Generation, type GenerationOptions } from "./generation.ts";
import { Session, type SessionModel } from "./session.ts";

/** How a conversation is rendered, and generation's options. */
export interface ChatOptions extends GenerationOptions {
  /** The timeline to go on with; a new one for this call by default. */
  session?: Session;
  /** What the chat template gets besides the messages, such as tools. */
  template?: RenderOptions;
}

/** Generation's options, and the timeline. */
export interface CompletionOptions extends GenerationOptions {
  /** The timeline to go on with; a new one for this call by default. */
  session?: Session;
}

/** What {@linkcode loadModel} put together. */
export interface ModelParts {
  readonly name: string;
  readonly metadata: Metadata;
  readonly parameters: HyperParameters;
  readonly runtime: RemoteRuntime;
  readonly threads: number;
  readonly batch: number;
  readonly context: number;
  readonly activeBytesPerToken: number;
  /** the tokenizer, or why there is none */
  readonly tokenizer: Tokenizer | Error;
  /** the chat template, or why it can't be used; undefined where the file has none */
  readonly chatTemplate: ChatTemplate | Error | undefined;
}

/**
 * The loaded weights, and the threads that compute with them.
 *
 * ```ts ignore
 * await using model = await loadModel("qwen3-coder-30b-a3b-q4_k_m.gguf");
 * for await (const text of model.chat([{ role: "user", content: "Write a haiku" }])) {
 *   console.log(text);
 * }
 * ```
 */
export class Model implements AsyncDisposable {
  /** The file, as it was named on loading. */
  readonly name: string;
  /** The file's metadata, as it stands there. */
  readonly metadata: Metadata;
  /** The sizes and constants that the forward pass works with. */
  readonly parameters: HyperParameters;
  /** Threads that compute. */
  readonly threads: number;
  readonly #parts: ModelParts;

  /**
   * Models are made by {@linkcode loadModel}.
   *
   * @ignore
   */
  constructor(parts: ModelParts) {
    this.name = parts.name;
    this.metadata = parts.metadata;
    this.parameters = parts.parameters;
    this.threads = parts.threads;
    this.#parts = parts;
  }

  /**
   * The file's tokenizer.
   *
   * @throws {TokenizerError} If the file has none, or one that is not supported.
   */
  get tokenizer(): Tokenizer {
    const { tokenizer } = this.#parts;
    if (tokenizer instanceof Error) throw tokenizer;
    return tokenizer;
  }

  /**
   * The file's chat template.
   *
   * @throws {ChatTemplateError} If the file has none, or one that does not parse.
   */
  get chatTemplate(): ChatTemplate {
    const { chatTemplate, name } = this.#parts;
    if (chatTemplate instanceof Error) throw chatTemplate;
    if (chatTemplate === undefined) {
      throw new ChatTemplateError(
        `${name} has no chat template (tokenizer.chat_template): give it a prompt without one (complete, or --raw)`,
      );
    }
    return chatTemplate;
  }

  /** How often an expert was in memory when it was wanted, and what was read, since loading. */
  get expertUse(): ExpertUse {
    return this.#parts.runtime.experts;
  }

  /**
   * Bytes per second that the model's threads read from memory together: the bound of decoding, to
   * hold measured speed against. Takes a tenth of a second and 256 MiB.
   */
  measureStream(): Promise<number> {
    return this.#parts.runtime.measureStream();
  }

  /** Bytes of weights in the file that a decoded token reads: all but experts not chosen, and embeddings. */
  get activeBytesPerToken(): number {
    return this.#parts.activeBytesPerToken;
  }

  /**
   * A new inference timeline.
   *
   * @param options.context positions it holds; by default what {@linkcode loadModel} was told
   * @throws {RangeError} If that is more than the model was trained for.
   */
  session(options: { context?: number } = {}): Session {
    const { runtime, batch, parameters, context } = this.#parts;
    const { vocabulary, expertsUsed } = parameters;
    const model: SessionModel = { runtime, batch, vocabulary, expertsUsed };
    return new Session(model, checkContext(options.context ?? context, parameters.contextLength));
  }

  /**
   * The answer to a conversation, in pieces as it is generated.
   *
   * @throws {ChatTemplateError} If the conversation can't be rendered.
   */
  chat(messages: readonly Message[], options: ChatOptions = {}): Generation {
    return this.#generate(() => {
      const text = this.chatTemplate.render(messages, {
        ...this.#specialTexts(),
        ...options.template,
      });
      return this.tokenizer.encode(text, { addBos: false });
    }, options);
  }

  /** What follows a text, without a chat template. */
  complete(prompt: string, options: CompletionOptions = {}): Generation {
    return this.#generate(() => this.tokenizer.encode(prompt), options);
  }

  #generate(encode: () => number[], options: CompletionOptions): Generation {
    const run = async function* (this: Model) {
      const prompt = encode();
      if (prompt.length === 0) {
        throw new RangeError("the prompt is empty: there is nothing to continue");
      }
      if (options.session) return yield* generate(options.session, this.tokenizer, prompt, options);
      await using session = this.session();
      return yield* generate(session, this.tokenizer, prompt, options);
    };
    return new Generation(run.bind(this));
  }

  #specialTexts(): RenderOptions {
    const { bos, eos } = this.tokenizer;
    const text = (id: number | undefined) => id === undefined ? "" : this.tokenizer.tokenText(id);
    return { bosToken: text(bos), eosToken: text(eos) };
  }

  /** Stops what runs, ends the threads and frees the memory. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.runtime.close();
  }
}

function checkContext(context: number, limit: number): number {
  if (Number.isInteger(context) && context >= 1 && context <= limit) return context;
  throw new RangeError(`'context' must be a whole number from 1 to ${limit}: got ${context}`);
}
