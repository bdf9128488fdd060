import { tokenize } from "@huggingface/jinja";

type Tokens = ReturnType<typeof tokenize>;

/** A tag of a template: `{% … %}`, `{{ … }}` or `{# … #}`. */
export interface Tag {
  /** From 1. */
  line: number;
  source: string;
}

/** `{% generation %}` marks text for training; the lexer drops it. */
const DROPPED_TAG = /^\{%-?\s*(?:end)?generation\s*-?%\}$/;

/** What stands between a tag's delimiters: a string, in which delimiters do not count, or any character. */
const TAG_PART = /"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'|[^]/y;

/** The tags of a template in their order. */
export function findTags(source: string): Tag[] {
  const tags: Tag[] = [];
  const opening = /\{[%{#]/g;
  let line = 1;
  let counted = 0;
  for (let match = opening.exec(source); match; match = opening.exec(source)) {
    line += source.slice(counted, match.index).split("\n").length - 1;
    counted = match.index;
    const end = findTagEnd(source, match.index);
    const tag = { line, source: source.slice(match.index, end) };
    if (!DROPPED_TAG.test(tag.source)) tags.push(tag);
    opening.lastIndex = end;
  }
  return tags;
}

/** Where the tag that starts at `start` ends: just after its closing delimiter. */
function findTagEnd(source: string, start: number): number {
  const kind = source[start + 1]!;
  const closing = kind === "{" ? "}}" : `${kind}}`;
  if (kind === "#") {
    const end = source.indexOf(closing, start + 2);
    return end < 0 ? source.length : end + 2;
  }
  let position = start + 2;
  let braces = 0;
  while (position < source.length) {
    if (braces === 0 && source.startsWith(closing, position)) return position + 2;
    if (source[position] === "{") braces++;
    if (source[position] === "}") braces = Math.max(0, braces - 1);
    TAG_PART.lastIndex = position;
    position += TAG_PART.exec(source)![0].length;
  }
  return source.length;
}

/** The first tag that the lexer does not accept, if any is to blame. */
export function findBadTag(source: string): Tag | undefined {
  return findTags(source).find((tag) => {
    try {
      tokenize(tag.source);
      return false;
    } catch {
      return true;
    }
  });
}

/**
 * The tag at which the parser stops, or "end" if it reads past the last token. Tokens carry no
 * positions, so the parser runs once more and the last token it looks at tells.
 */
export function findParserStop(
  source: string,
  tokens: Tokens,
  parse: (tokens: Tokens) => unknown,
): Tag | "end" | undefined {
  let furthest = 0;
  const watched = new Proxy(tokens, {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) furthest = Math.max(furthest, Number(key));
      return Reflect.get(target, key);
    },
  });
  try {
    parse(watched);
  } catch {
    if (furthest >= tokens.length) return "end";
  }
  const isOpening = ({ type }: Tokens[number]) =>
    type === "OpenStatement" || type === "OpenExpression" || type === "Comment";
  const ordinal = tokens.slice(0, furthest + 1).filter(isOpening).length;
  return findTags(source)[ordinal - 1];
}
