/** A chat template that cannot be parsed, that failed, or that refused the conversation. */
export class ChatTemplateError extends Error {
  /** For telling it from other errors where classes do not survive, as between threads. */
  override name = "ChatTemplateError";
}
