const BYTE_UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** A size for people: "17.3 GiB". */
export function formatBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${BYTE_UNITS[power]}`;
}

/** A number with its thousands set apart: "151,936". */
export function formatCount(count: number | bigint): string {
  return count.toLocaleString("en-US", { maximumFractionDigits: 20 });
}

/** A number of things: "1 error", "1,024 errors". */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A number of parameters for people: "30.5 B". */
export function formatParameters(count: number): string {
  const [divisor, unit] = count >= 1e9 ? [1e9, " B"] : count >= 1e6 ? [1e6, " M"] : [1, ""];
  return divisor === 1 ? formatCount(count) : `${(count / divisor).toPrecision(3)}${unit}`;
}

/**
 * Lines of cells in columns, each as wide as its widest cell.
 *
 * @param rightAligned The columns that hold numbers, from 0.
 */
export function formatTable(
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[] = [],
): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => widths[column] = Math.max(widths[column] ?? 0, cell.length));
  }
  const line = (row: readonly string[]) =>
    row.map((cell, column) =>
      rightAligned.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
    ).join("  ").trimEnd();
  return rows.map((row) => `${line(row)}\n`).join("");
}

/** Text from a file as it may go to a screen: control characters, which could steer it, escaped. */
export function printable(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** To the beginning of the line, and erase it (ECMA-48). */
export const CLEAR_LINE = "\r\x1b[K";
