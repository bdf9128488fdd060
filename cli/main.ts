import { type Io, UsageError } from "./verb.ts";
import { VERBS } from "./verbs.ts";

/** How the program is called, in help and messages. */
const COMMAND = "deno run -A cli.ts";

/**
 * Errors whose message alone says what is wrong and what to do. They are known by name, so that
 * their modules load only where they are thrown.
 */
const EXPECTED_ERRORS: ReadonlySet<string> = new Set([
  "GgufError",
  "ModelError",
  "UnsupportedOperationError",
  "ContextLengthError",
  "TokenizerError",
  "ChatTemplateError",
  "RangeError",
  "MemoryBudgetError",
  "CommandError",
  "PinError",
  "SourceError",
]);

/**
 * Runs a command line.
 *
 * @param args What follows the program's name.
 * @returns The exit code: 0 done, 1 it failed, 2 wrong usage.
 */
export async function main(args: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    // The reader of a pipe has seen enough: `tensors MODEL | head`.
    if (codeOf(error) === "EPIPE") return 0;
    if (error instanceof UsageError) {
      const verb = args[0] !== undefined && Object.hasOwn(VERBS, args[0]) ? `${args[0]} ` : "";
      io.tell(`error: ${error.message}\nsee \`${COMMAND} ${verb}--help\`\n`);
      return 2;
    }
    io.tell(describe(error, io));
    return 1;
  }
}

async function dispatch(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--version") {
    const { default: manifest } = await import("../deno.json", { with: { type: "json" } });
    await io.write(`${manifest.version}\n`);
    return 0;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    await io.write(overview());
    return 0;
  }
  if (name === undefined) throw new UsageError(`a verb is missing: ${verbList()}`);
  if (!Object.hasOwn(VERBS, name)) {
    const kind = name.startsWith("-") ? "flag" : "verb";
    throw new UsageError(`unknown ${kind} '${name}'; the verbs are ${verbList()}`);
  }
  const verb = await VERBS[name]!.load();
  if (asksForHelp(rest)) {
    await io.write(verb.help.replaceAll("COMMAND", COMMAND));
    return 0;
  }
  return verb.run(rest, io);
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some((arg) => arg === "--help" || arg === "-h");
}

function verbList(): string {
  return Object.keys(VERBS).join(", ");
}

function overview(): string {
  const width = Math.max(...Object.keys(VERBS).map((name) => name.length));
  const lines = Object.entries(VERBS).map(([name, { summary }]) =>
    `  ${name.padEnd(width)}  ${summary}\n`
  );
  return `Mixture-of-Experts language models from GGUF files, on the CPU, in WebAssembly.

usage: ${COMMAND} VERB …

${lines.join("")}
${COMMAND} VERB --help    says more about a verb
${COMMAND} --version      prints the version

The result goes to stdout and everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage.
MOE_DEBUG=1 in the environment shows the stack of an unexpected error.
`;
}

function describe(error: unknown, io: Io): string {
  if (!(error instanceof Error)) return `error: ${error}\n`;
  const line = `error: ${error.message}\n`;
  // Errors of the operating system have a code, and say which file.
  if (EXPECTED_ERRORS.has(error.name) || codeOf(error) !== undefined) return line;
  return io.debug ? `${line}${error.stack}\n` : `${line}MOE_DEBUG=1 shows where it happened.\n`;
}

/** The operating system's code of an error, such as "ENOENT". */
function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}
