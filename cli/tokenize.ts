import { openGguf } from "../gguf/mod.ts";
import { createTokenizer } from "../tokenizer/mod.ts";
import { given, parseArguments } from "./arguments.ts";
import { JSON_FLAG, MODEL_HELP } from "./flags.ts";
import { readNamedFile } from "./named_file.ts";
import { type Io, UsageError } from "./verb.ts";

export const help = `The token ids of a text, on one line.

usage: COMMAND tokenize MODEL [TEXT] [--file FILE] [--no-special] [--bos | --no-bos] [--json]

${MODEL_HELP}
The text is TEXT, the content of FILE, or what is piped in, to the last newline.

  --file FILE   the text is in this file
  --no-special  the text of a special token, such as <|im_end|>, is text like any other
  --bos         begin with the beginning-of-sequence token; --no-bos doesn't (default: as the model
                says)
  --json        an array of { id, text }

A TEXT that begins with "-" goes behind "--": COMMAND tokenize model.gguf -- -5
`;

const FLAGS = {
  file: { type: "string" },
  "no-special": { type: "boolean" },
  bos: { type: "boolean" },
  "no-bos": { type: "boolean" },
  ...JSON_FLAG,
} as const;

/** Prints the ids of a text. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["MODEL", "[TEXT]"]);
  const [model, operand] = operands;
  if (values.bos && values["no-bos"]) throw new UsageError("--bos and --no-bos exclude each other");
  const text = await readText(operand, values.file, io);

  await using file = await openGguf(model!);
  const tokenizer = createTokenizer(file.metadata);
  const addBos = values.bos ? true : values["no-bos"] ? false : undefined;
  const ids = tokenizer.encode(text, {
    special: !values["no-special"],
    ...given("addBos", addBos),
  });
  const result = values.json
    ? JSON.stringify(ids.map((id) => ({ id, text: tokenizer.tokenText(id) })))
    : ids.join(" ");
  await io.write(`${result}\n`);
  return 0;
}

async function readText(
  operand: string | undefined,
  path: string | undefined,
  io: Io,
): Promise<string> {
  if (operand !== undefined) {
    if (path !== undefined) throw new UsageError("TEXT and --file exclude each other");
    return operand;
  }
  if (path === undefined && io.inputIsTerminal) {
    throw new UsageError("TEXT is missing; it may also come from --file or a pipe");
  }
  const bytes = path === undefined ? await io.readInput() : await readNamedFile(path);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
