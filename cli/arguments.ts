import { parseArgs } from "node:util";
import { UsageError } from "./verb.ts";

/** The flags of a verb: whether each takes a value, and its letter. */
export type Flags = Readonly<Record<string, { type: "string" | "boolean"; short?: string }>>;

/** The values of flags that were given; of one given twice, the last. */
export type Values<F extends Flags> = {
  -readonly [Name in keyof F]?: F[Name]["type"] extends "boolean" ? true : string;
};

/** Arguments, taken apart. */
export interface Arguments<F extends Flags> {
  readonly values: Values<F>;
  /** What is neither a flag nor a flag's value. */
  readonly operands: readonly string[];
}

/**
 * Takes the arguments of a verb apart. After `--` everything is an operand.
 *
 * @param operandNames Such as ["MODEL", "[TEXT]"]; those in brackets may be left out. The last may
 * end with "…", as "PATH…" or "[PATH…]" does, and be given many times.
 * @throws {UsageError} If a flag is unknown, lacks its value or has one too many, or operands are
 * missing or too many.
 */
export function parseArguments<const F extends Flags>(
  args: readonly string[],
  flags: F,
  operandNames: readonly string[],
): Arguments<F> {
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: flags,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, string | true> = {};
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    if (!Object.hasOwn(flags, name)) {
      const known = Object.keys(flags).map((flag) => `--${flag}`).join(", ");
      throw new UsageError(`unknown flag ${rawName}; allowed are ${known}`);
    }
    if (flags[name]!.type === "boolean") {
      if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
      values[name] = true;
    } else {
      // What begins like a flag is more likely one whose predecessor was left without a value.
      if (value === undefined || (!inlineValue && value.startsWith("--"))) {
        throw new UsageError(`${rawName} needs a value`);
      }
      values[name] = value;
    }
  }
  checkOperands(positionals, operandNames);
  return { values: values as Values<F>, operands: positionals };
}

function checkOperands(operands: readonly string[], names: readonly string[]): void {
  const missing = names.find((name, index) =>
    !name.startsWith("[") && operands[index] === undefined
  );
  if (missing !== undefined) throw new UsageError(`${missing.replace("…", "")} is missing`);
  const repeats = /…\]?$/.test(names.at(-1) ?? "");
  if (operands.length > names.length && !repeats) {
    const extra = JSON.stringify(operands[names.length]);
    const allowed = names.length === 0 ? "none is allowed" : `allowed are ${names.join(" ")}`;
    throw new UsageError(`${extra} is one operand too many; ${allowed}`);
  }
}

/**
 * The value of a flag as an integer; undefined if it was not given.
 *
 * @throws {UsageError} If it is no integer from `least` to `most`.
 */
export function integerValue(
  flag: string,
  value: string | undefined,
  least: number = 0,
  most: number = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (/^[+-]?\d+$/.test(value) && number >= least && number <= most) return number;
  const limits = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw new UsageError(`--${flag} must be an integer ${limits}, not ${JSON.stringify(value)}`);
}

/**
 * The value of a flag as integers between commas; undefined if it was not given.
 *
 * @throws {UsageError} If one is no integer from `least`, or there is none.
 */
export function integerList(
  flag: string,
  value: string | undefined,
  least: number,
): number[] | undefined {
  return value?.split(",").map((part) => integerValue(flag, part, least)!);
}

/**
 * The value of a flag as a number; undefined if it was not given.
 *
 * @throws {UsageError} If it is no number from `least` to `most`.
 */
export function numberValue(
  flag: string,
  value: string | undefined,
  least: number,
  most: number = Infinity,
): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  const isDecimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value);
  if (isDecimal && Number.isFinite(number) && number >= least && number <= most) return number;
  const limits = most === Infinity ? `from ${least}` : `from ${least} to ${most}`;
  throw new UsageError(`--${flag} must be a number ${limits}, not ${JSON.stringify(value)}`);
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

/**
 * The value of a flag as a number of bytes, such as 6GiB, 1.5G or 800MB; undefined if it was not
 * given.
 *
 * @throws {UsageError} If it is none above 0.
 */
export function bytesValue(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const [, number, unit] = /^(\d+\.?\d*|\.\d+)\s*(|[kmg]i?)b?$/i.exec(value) ?? [];
  const bytes = Math.floor(Number(number) * UNITS[(unit ?? "").toLowerCase()]!);
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new UsageError(
    `--${flag} must be a number of bytes such as 6GiB or 800MB, not ${JSON.stringify(value)}`,
  );
}

/**
 * The value of a flag as one of several words; undefined if it was not given.
 *
 * @throws {UsageError} If it is none of them.
 */
export function choiceValue<Word extends string>(
  flag: string,
  value: string | undefined,
  words: readonly Word[],
): Word | undefined {
  if (value === undefined) return undefined;
  const word = words.find((word) => word === value);
  if (word !== undefined) return word;
  throw new UsageError(
    `--${flag} must be one of ${words.join(", ")}, not ${JSON.stringify(value)}`,
  );
}

/** An object with one property, or with none where the flag was not given. */
export function given<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}
