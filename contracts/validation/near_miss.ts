import leven from "leven";

/**
 * The known key that a key was probably meant to be; undefined for a known key and for one that
 * resembles none.
 */
export function nearMiss(key: string, known: readonly string[]): string | undefined {
  if (known.includes(key)) return undefined;
  const candidates = known
    .map((word) => ({ word, distance: distanceOf(key, word) }))
    .filter(({ word, distance }) => distance <= slack(word))
    .sort((a, b) => a.distance - b.distance);
  return candidates[0]?.word;
}

/** How many letters of a key may be wrong: none of "id", one of "rule", two of "references". */
function slack(word: string): number {
  return word.length < 4 ? 0 : word.length < 8 ? 1 : 2;
}

/** Letters to add, to take away or to change, or neighbours to swap; letter case and joints are free. */
function distanceOf(key: string, word: string): number {
  const [from, to] = [spelling(key), spelling(word)];
  if (Math.abs(from.length - to.length) > 2) return Infinity;
  return isSwap(from, to) ? 1 : leven(from, to);
}

/** A key without what writers of YAML, JSON and code do in different ways: "QA-Gate", "qaGate". */
function spelling(key: string): string {
  return key.toLowerCase().replaceAll(/[-_ .]/g, "");
}

/** Whether two words differ by two neighbouring letters that changed places. */
function isSwap(from: string, to: string): boolean {
  if (from.length !== to.length) return false;
  const first = [...from].findIndex((letter, index) => letter !== to[index]);
  return first >= 0 && from[first] === to[first + 1] && from[first + 1] === to[first] &&
    from.slice(first + 2) === to.slice(first + 2);
}
