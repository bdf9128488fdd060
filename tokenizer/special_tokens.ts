import { isMatchedWhole, TokenType } from "./token_type.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** A piece of the input: text still to be encoded, or a token that stood there whole. */
export type Fragment = string | number;

/**
 * Cuts a text at the special tokens written in it. The longest token goes first, and among
 * occurrences of one token the leftmost; a shorter one is found only in what is left.
 *
 * @param special Whether control and unknown tokens are looked for; user-defined ones always are.
 */
export type SpecialTokenSplitter = (text: string, special: boolean) => Fragment[];

interface Occurrence {
  /** Offset in the text, in UTF-16 units. */
  readonly at: number;
  readonly id: number;
}

/** Makes the splitter for a vocabulary's control, unknown and user-defined tokens. */
export function createSpecialTokenSplitter(vocabulary: Vocabulary): SpecialTokenSplitter {
  const { texts, stripsRight } = vocabulary;
  const findOccurrences = createFinder(vocabulary);
  return (text, special) => {
    const fragments: Fragment[] = [];
    let from = 0;
    for (const { at, id } of chooseOccurrences(text, findOccurrences(text, special), texts)) {
      if (at > from) fragments.push(text.slice(from, at));
      fragments.push(id);
      from = at + texts[id]!.length;
      if (stripsRight.has(id)) {
        while (/[ \t-\r]/.test(text.charAt(from))) from++;
      }
    }
    if (from < text.length) fragments.push(text.slice(from));
    return fragments;
  };
}

/** Finds every occurrence of every special token, overlapping ones included, from left to right. */
function createFinder(
  { texts, types, index }: Vocabulary,
): (text: string, special: boolean) => Occurrence[] {
  // The lengths of the special tokens that begin with a UTF-16 unit: few, so a position costs
  // little, however many tokens there are.
  const lengthsByStart = new Map<number, Set<number>>();
  texts.forEach((text, id) => {
    if (!isMatchedWhole(types[id]!)) return;
    const start = text.charCodeAt(0);
    lengthsByStart.set(start, (lengthsByStart.get(start) ?? new Set()).add(text.length));
  });
  const isWanted = (id: number, special: boolean) =>
    id >= 0 && isMatchedWhole(types[id]!) && (special || types[id] === TokenType.userDefined);

  return (text, special) => {
    const occurrences: Occurrence[] = [];
    if (lengthsByStart.size === 0) return occurrences;
    for (let at = 0; at < text.length; at++) {
      for (const length of lengthsByStart.get(text.charCodeAt(at)) ?? []) {
        if (at + length > text.length) continue;
        const id = index.find(text, at, at + length);
        if (isWanted(id, special)) occurrences.push({ at, id });
      }
    }
    return occurrences;
  };
}

/** Of overlapping occurrences the longest token's (in UTF-8, as llama.cpp has it), left to right. */
function chooseOccurrences(
  text: string,
  occurrences: readonly Occurrence[],
  texts: readonly string[],
): Occurrence[] {
  if (occurrences.length === 0) return [];
  const encoder = new TextEncoder();
  const byteLengths = new Map<number, number>();
  for (const { id } of occurrences) byteLengths.set(id, encoder.encode(texts[id]!).length);
  const longestFirst = [...occurrences].sort((a, b) =>
    byteLengths.get(b.id)! - byteLengths.get(a.id)! || a.id - b.id || a.at - b.at
  );
  const taken = new Uint8Array(text.length);
  return longestFirst.filter(({ at, id }) => {
    const end = at + texts[id]!.length;
    // What is taken belongs to tokens at least as long, so it reaches one end if it overlaps.
    if (taken[at] || taken[end - 1]) return false;
    taken.fill(1, at, end);
    return true;
  }).sort((a, b) => a.at - b.at);
}
