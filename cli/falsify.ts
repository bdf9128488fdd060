import { basename } from "node:path";
import { stripVTControlCharacters } from "node:util";
import {
  type BoundTest,
  FALSIFICATION_TESTS,
  falsify,
  ModelUnderTest,
  type Verdict,
} from "../falsification/mod.ts";
import { parseArguments } from "./arguments.ts";
import { JSON_FLAG } from "./flags.ts";
import { printable } from "./format.ts";
import { loadingBar } from "./loading.ts";
import { type Io, UsageError } from "./verb.ts";

export const help = `Runs the tests that try to refute what the contracts promise.

usage: COMMAND falsify [CONTRACT…] [-m MODEL] [--json]

CONTRACT is the name of a contract, such as moe-router-v1, or the path of its YAML file; by default
all of them. Some tests speak of a model file: without -m of a small random one.

  -m, --model MODEL  path or URL of a GGUF file, or of the first of its shards; tests that can't
                     speak of such a model are skipped, and say why
      --json         an array of { contract, id, status, reason }; status is passed, failed or
                     skipped

Ctrl+C ends the run; the verdicts so far stay. Exit codes: 0 if tests passed and none failed, 1 if
one failed, if none passed (a skipped test shows nothing), or after Ctrl+C, 2 for wrong usage.

example: COMMAND falsify moe-router-v1 -m qwen3-coder-30b-a3b-q4_k_m.gguf
`;

const FLAGS = { model: { type: "string", short: "m" }, ...JSON_FLAG } as const;

/** Runs the falsification tests of contracts. */
export function run(args: readonly string[], io: Io): Promise<number> {
  return runTests(FALSIFICATION_TESTS, args, io);
}

/** Does the work of the verb with the tests that there are. */
export async function runTests(
  tests: readonly BoundTest[],
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["[CONTRACT…]"]);
  const chosen = chooseTests(tests, operands);
  const signal = io.interruption();
  const bar = await loadingBar(io);
  await using model = await ModelUnderTest.open(values.model, bar);

  const verdicts: Verdict[] = [];
  for await (const verdict of falsify(chosen, model, signal)) {
    bar.stop();
    const { contract, title } = chosen[verdicts.length]!;
    const isFirst = contract !== verdicts.at(-1)?.contract;
    verdicts.push(verdict);
    if (values.json) continue;
    await io.write(`${isFirst ? `${contract}\n` : ""}${asText(verdict, title)}`);
  }
  bar.stop();

  const count = (status: Verdict["status"]) =>
    verdicts.filter((verdict) => verdict.status === status).length;
  const [passed, failed, skipped] = [count("passed"), count("failed"), count("skipped")];
  await io.write(
    values.json
      ? `${JSON.stringify(verdicts.map(asJson), null, 1)}\n`
      : `${passed} passed, ${failed} failed, ${skipped} skipped\n`,
  );
  const interrupted = signal.aborted && verdicts.length < chosen.length;
  if (interrupted) io.tell(`interrupted after ${verdicts.length} of ${chosen.length} tests\n`);
  else if (passed === 0) io.tell("error: no test passed, so nothing is shown\n");
  return passed > 0 && failed === 0 && !interrupted ? 0 : 1;
}

/** The tests of contracts, contract by contract. */
function chooseTests(tests: readonly BoundTest[], operands: readonly string[]): BoundTest[] {
  const byContract = Map.groupBy(tests, ({ contract }) => contract);
  const known = [...byContract.keys()];
  const wanted = operands.map((operand) => basename(operand).replace(/\.ya?ml$/, ""));
  const unknown = wanted.findIndex((name) => !byContract.has(name));
  if (unknown >= 0) {
    throw new UsageError(
      `${JSON.stringify(operands[unknown])} is no contract with tests; ` +
        `there are ${known.join(", ")}`,
    );
  }
  return known
    .filter((contract) => wanted.length === 0 || wanted.includes(contract))
    .flatMap((contract) => byContract.get(contract)!);
}

/** Of a long difference of arrays the beginning tells enough; --json has all of it. */
const MAX_REASON_LINES = 24;

function asText({ id, status, reason }: Verdict, title: string): string {
  const lines = reason === "" ? [] : withoutColours(reason).split("\n");
  const [first, ...further] = lines.slice(0, MAX_REASON_LINES);
  if (lines.length > MAX_REASON_LINES) {
    further.push(`… ${lines.length - MAX_REASON_LINES} more lines`);
  }
  const verdict = `  ${status.padEnd(7)}  ${id}  ${printable(title)}`;
  const why = first === undefined ? [] : [first, ...further.map((line) => `  ${line}`)];
  return [verdict, ...why.map((line) => `           ${printable(line)}`)]
    .map((line) => `${line.trimEnd()}\n`).join("");
}

function asJson({ contract, id, status, reason }: Verdict): Verdict {
  return { contract, id, status, reason: withoutColours(reason) };
}

/** Assertions colour their differences where stderr is a screen. */
function withoutColours(reason: string): string {
  return stripVTControlCharacters(reason);
}
