/**
 * From a conversation to a prompt: the chat template that a model's file brings, rendered as
 * Python's jinja2 renders it for `transformers`.
 *
 * A template is a program from a stranger. It reaches nothing but the conversation, and limits on
 * its length, its steps, its lists and its texts end it with an error where it would not end by
 * itself.
 *
 * @example
 * ```ts
 * const template = createChatTemplate(CHATML_TEMPLATE);
 * const prompt = template.render([{ role: "user", content: "What is 2+2?" }]);
 * // "<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n"
 * ```
 *
 * @module
 */
export { CHATML_TEMPLATE } from "./chatml.ts";
export { ChatTemplateError } from "./error.ts";
export type { Message, ToolCall, ToolDefinition, ToolFunction } from "./message.ts";
export { type ChatTemplate, createChatTemplate, type RenderOptions } from "./template.ts";
