import { Environment } from "@huggingface/jinja";
import { ChatTemplateError } from "./error.ts";
import { ChatInterpreter } from "./interpreter.ts";
import { checkListLength } from "./limits.ts";
import { type Message, type ToolDefinition, toTemplateMessage } from "./message.ts";
import { parseTemplate } from "./parse.ts";
import { strftime } from "./strftime.ts";

/** What a template may use besides the messages. */
export interface RenderOptions {
  /** Tools offered to the model. An empty list is as good as none. */
  tools?: readonly ToolDefinition[];
  /** Whether the text ends where the assistant's answer begins. True by default. */
  addGenerationPrompt?: boolean;
  /** Text of the token that begins a sequence. Empty by default. */
  bosToken?: string;
  /** Text of the token that ends a sequence. Empty by default. */
  eosToken?: string;
  /** Further variables by the names that the template reads, such as `enable_thinking`. */
  variables?: Readonly<Record<string, unknown>>;
  /** What the template takes for the current time. Now by default. */
  now?: Date;
}

/** A parsed chat template. */
export interface ChatTemplate {
  /**
   * The prompt for a conversation.
   *
   * @throws {ChatTemplateError} If the template raises an exception, whose message is then in the
   * error's, if it fails, or if it exceeds the limits on steps and size.
   */
  render(messages: readonly Message[], options?: RenderOptions): string;
}

/**
 * Parses a chat template.
 *
 * @param source Jinja, as in a GGUF file's `tokenizer.chat_template`.
 * @throws {ChatTemplateError} If it is not valid; the message names the line.
 *
 * @example
 * ```ts
 * const template = createChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}");
 * const prompt = template.render([{ role: "user", content: "Hello" }]);
 * ```
 */
export function createChatTemplate(source: string): ChatTemplate {
  const program = parseTemplate(source);

  function render(messages: readonly Message[], options: RenderOptions = {}): string {
    try {
      const environment = createEnvironment(messages, options);
      return String(new ChatInterpreter(environment, source.length).run(program).value);
    } catch (cause) {
      if (cause instanceof ChatTemplateError) throw cause;
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new ChatTemplateError(`The chat template failed: ${what}`, { cause });
    }
  }

  return { render };
}

/** The variables and functions that the `transformers` library gives to templates. */
function createEnvironment(messages: readonly Message[], options: RenderOptions): Environment {
  const { tools = [], now = new Date() } = options;
  const globals: Record<string, unknown> = {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range,
    raise_exception: raiseException,
    strftime_now: (format: unknown) => strftime(now, String(format)),
    bos_token: options.bosToken ?? "",
    eos_token: options.eosToken ?? "",
    ...options.variables,
    messages: messages.map(toTemplateMessage),
    add_generation_prompt: options.addGenerationPrompt ?? true,
    ...(tools.length > 0 && { tools }),
  };
  const environment = new Environment();
  for (const [name, value] of Object.entries(globals)) environment.set(name, value);
  return environment;
}

function raiseException(message: unknown): never {
  const reason = typeof message === "string" ? message : "no reason given";
  throw new ChatTemplateError(`The chat template refuses the conversation: ${reason}`);
}

/** Python's `range(stop)` and `range(start, stop, step)`. */
function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!Number.isFinite(length)) {
    throw new RangeError("range() needs numbers and a step other than 0");
  }
  checkListLength(length);
  return Array.from({ length }, (_, index) => start + index * step);
}
