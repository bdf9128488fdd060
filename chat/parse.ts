import { parse, tokenize } from "@huggingface/jinja";
import { ChatTemplateError } from "./error.ts";
import { MAX_TEMPLATE_LENGTH, MAX_WHITESPACE_RUN } from "./limits.ts";
import { findBadTag, findParserStop, type Tag } from "./locate.ts";

type Program = ReturnType<typeof parse>;
type Tokens = ReturnType<typeof tokenize>;

/**
 * Parses a template with the white space rules that chat templates are written for: the newline
 * after a tag and the indentation before it do not count.
 *
 * @throws {ChatTemplateError} If it is too large or no valid Jinja; the message names the line.
 */
export function parseTemplate(source: string): Program {
  checkSize(source);
  const tokens = tokenizeTemplate(source);
  try {
    return parse(tokens);
  } catch (cause) {
    const stop = findParserStop(source, tokens, parse);
    if (stop === "end") throw parseError("it ends before a tag is closed", undefined, cause);
    throw parseError(messageOf(cause), stop, cause);
  }
}

function checkSize(source: string): void {
  if (source.length > MAX_TEMPLATE_LENGTH) {
    throw new ChatTemplateError(
      `The chat template has ${source.length} characters; at most ${MAX_TEMPLATE_LENGTH} are read`,
    );
  }
  if (new RegExp(`\\s{${MAX_WHITESPACE_RUN + 1}}`).test(source)) {
    throw new ChatTemplateError(
      `The chat template has more than ${MAX_WHITESPACE_RUN} characters of white space in a row`,
    );
  }
}

function tokenizeTemplate(source: string): Tokens {
  try {
    const tokens = tokenize(source, { trim_blocks: true, lstrip_blocks: true });
    return tokens.flatMap(printLikePython);
  } catch (cause) {
    throw parseError(messageOf(cause), findBadTag(source), cause);
  }
}

/**
 * `{{ x }}` becomes `{{ (x) | string }}`, which says what it means in Jinja: the value is printed as
 * Python's `str()` writes it.
 */
function printLikePython(token: Tokens[number]): Tokens {
  if (token.type === "OpenExpression") return [token, { type: "OpenParen", value: "(" }];
  if (token.type !== "CloseExpression") return [token];
  return [
    { type: "CloseParen", value: ")" },
    { type: "Pipe", value: "|" },
    { type: "Identifier", value: "string" },
    token,
  ];
}

function parseError(what: string, tag: Tag | undefined, cause: unknown): ChatTemplateError {
  const where = tag ? ` on line ${tag.line}, at ${tag.source.slice(0, 60)}` : "";
  return new ChatTemplateError(`The chat template is not valid Jinja${where}: ${what}`, { cause });
}

function messageOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  // The parser's own wording names its token types, some of them added by `printLikePython`.
  return message.startsWith("Parser Error") ? "something is missing or superfluous" : message;
}
