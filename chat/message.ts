/** A call of a tool that the model asked for. */
export interface ToolCall {
  /** The tool's name. */
  name: string;
  /**
   * The arguments by name. JSON text, as OpenAI's API has it, is parsed if it holds an object, for
   * templates walk through the arguments; other text reaches the template as it is.
   */
  arguments: Record<string, unknown> | string;
  /** Links the call to the message that answers it. */
  id?: string;
}

/** One turn of a conversation. */
export interface Message {
  /** Who speaks. Templates know these four, some of them others as well. */
  role: "system" | "user" | "assistant" | "tool" | (string & Record<never, never>);
  /** What is said: for the role "tool", what the tool answered. */
  content: string;
  /** The tools that an assistant's turn calls. */
  toolCalls?: readonly ToolCall[];
  /** For the role "tool": the `id` of the call that this message answers. */
  toolCallId?: string;
  /** The speaker's or the tool's name, for templates that print it. */
  name?: string;
  /** What an assistant thought before it spoke, for templates that keep it apart. */
  reasoningContent?: string;
}

/** A tool offered to the model, in the form that OpenAI's API gave to the field. */
export interface ToolDefinition {
  /** The only kind there is. */
  type: "function";
  /** What the model is told of it. */
  function: ToolFunction;
}

/** A function that the model may ask to have called. */
export interface ToolFunction {
  /** What the model calls it by. */
  name: string;
  /** What it does, in words for the model. */
  description?: string;
  /** JSON schema of the arguments. */
  parameters?: Record<string, unknown>;
}

/** A message under the names that chat templates read, those of OpenAI's API. */
export function toTemplateMessage(message: Message): Record<string, unknown> {
  const { toolCalls, toolCallId, reasoningContent, ...rest } = message;
  return {
    ...rest,
    ...(toolCalls && { tool_calls: toolCalls.map(toTemplateToolCall) }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
    ...(reasoningContent !== undefined && { reasoning_content: reasoningContent }),
  };
}

function toTemplateToolCall(call: ToolCall): Record<string, unknown> {
  const { name, id } = call;
  return {
    ...(id !== undefined && { id }),
    type: "function",
    function: { name, arguments: parseArguments(call.arguments) },
  };
}

function parseArguments(given: Record<string, unknown> | string): unknown {
  if (typeof given !== "string") return given;
  try {
    const parsed: unknown = JSON.parse(given);
    return typeof parsed === "object" && parsed !== null ? parsed : given;
  } catch {
    return given;
  }
}
