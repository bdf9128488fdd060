import { type GgufFile, openGguf } from "../gguf/mod.ts";
import { type Mix, MIXES, type QuantizedTensor, quantizeGguf } from "../quantize/mod.ts";
import { choiceValue, parseArguments } from "./arguments.ts";
import { JSON_FLAG } from "./flags.ts";
import { counted, formatBytes, formatCount, formatTable, printable } from "./format.ts";
import { percentLine } from "./percent_line.ts";
import { type Io, UsageError } from "./verb.ts";
import { checkOtherFile, checkTarget, writeWholeFile } from "./whole_file.ts";

const TYPES = Object.keys(MIXES) as Mix[];

export const help = `Writes a model in another quantization: fewer bits, a smaller file, faster.

usage: COMMAND quantize IN OUT --type TYPE [options]

IN is the path or URL of a GGUF file, or of the first of its shards, in F32, F16 or BF16. OUT is one
file.

  --type TYPE         ${TYPES.join(", ")};
                      tensors get types as llama.cpp's recipes of these names say: q4_k_m, for
                      example, has Q6_K in the output head and in half of the layers' ffn_down;
                      norms, biases and the router are F32 in all
  --allow-requantize  take weights that are quantized already, which loses twice
  --force             replace OUT if it is there
  --json              print { file, type, bytesBefore, bytesAfter, bitsPerWeight, seconds,
                      types: [{ type, tensors, weights, bytes, error }],
                      fallbacks: [{ name, rowLength, insteadOf, type }],
                      beyondRange: [{ name, weights }] }

Where the rows of a matrix are no multiple of 256, it gets Q8_0 instead of a K-quant, and F16 where
they are no multiple of 32: these are the fallbacks. The error is the root mean square of what the
weights of a type were moved by, over that of the weights themselves. Weights beyond a type's range
become the nearest value within it.

example: COMMAND quantize model-f16.gguf model-q4_k_m.gguf --type q4_k_m
`;

const FLAGS = {
  type: { type: "string" },
  "allow-requantize": { type: "boolean" },
  force: { type: "boolean" },
  ...JSON_FLAG,
} as const;

/** Quantizes a model. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["IN", "OUT"]);
  const [from, to] = operands as [string, string];
  const mix = choiceValue("type", values.type?.toLowerCase(), TYPES);
  if (mix === undefined) throw new UsageError(`--type is missing: one of ${TYPES.join(", ")}`);

  await using file = await openGguf(from);
  await checkOtherFile(file, to, "OUT");
  await checkTarget(to, values.force === true);
  const start = performance.now();
  const tensors = await write(file, to, mix, values["allow-requantize"] === true, io);
  const summary = summarize(to, mix, tensors, (performance.now() - start) / 1000);
  tellNotes(summary, io);
  await io.write(values.json ? `${JSON.stringify(summary, null, 1)}\n` : asText(summary));
  return 0;
}

async function write(
  file: GgufFile,
  to: string,
  mix: Mix,
  allowRequantize: boolean,
  io: Io,
): Promise<QuantizedTensor[]> {
  const size = file.sources.reduce((sum, source) => sum + source.size, 0);
  let tensors: QuantizedTensor[] = [];
  await writeWholeFile(to, io, async (sink, signal) => {
    const line = percentLine(io, formatBytes(size));
    const onProgress = line.show;
    try {
      tensors = await quantizeGguf(file, sink, { mix, allowRequantize, signal, onProgress });
    } finally {
      line.stop();
    }
  });
  return tensors;
}

/** What `--json` prints. */
interface Summary {
  readonly file: string;
  readonly type: Mix;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly bitsPerWeight: number;
  readonly seconds: number;
  readonly types: readonly TypeSummary[];
  readonly fallbacks: readonly {
    readonly name: string;
    readonly rowLength: number;
    readonly insteadOf: string;
    readonly type: string;
  }[];
  readonly beyondRange: readonly { readonly name: string; readonly weights: number }[];
}

interface TypeSummary {
  readonly type: string;
  readonly tensors: number;
  readonly weights: number;
  readonly bytes: number;
  /** relative root mean square */
  readonly error: number;
}

function summarize(
  file: string,
  type: Mix,
  tensors: readonly QuantizedTensor[],
  seconds: number,
): Summary {
  const bytesAfter = sum(tensors, "bytesAfter");
  const types = [...Map.groupBy(tensors, (tensor) => tensor.type)].map(([type, own]) => {
    const square = sum(own, "square");
    return {
      type,
      tensors: own.length,
      weights: sum(own, "weights"),
      bytes: sum(own, "bytesAfter"),
      error: square === 0 ? 0 : Math.sqrt(sum(own, "squaredError") / square),
    };
  });
  return {
    file,
    type,
    bytesBefore: sum(tensors, "bytesBefore"),
    bytesAfter,
    bitsPerWeight: tensors.length === 0 ? 0 : 8 * bytesAfter / sum(tensors, "weights"),
    seconds,
    types: types.sort((a, b) => b.bytes - a.bytes),
    fallbacks: tensors.flatMap(({ name, shape, insteadOf, type }) =>
      insteadOf === undefined ? [] : [{ name, rowLength: shape[0] ?? 1, insteadOf, type }]
    ),
    beyondRange: tensors.filter(({ beyondRange }) => beyondRange > 0)
      .map(({ name, beyondRange }) => ({ name, weights: beyondRange })),
  };
}

type Sizes = "weights" | "bytesBefore" | "bytesAfter" | "square" | "squaredError";

function sum(tensors: readonly QuantizedTensor[], what: Sizes): number {
  return tensors.reduce((total, tensor) => total + tensor[what], 0);
}

/** What came out otherwise than the type says. */
function tellNotes({ fallbacks, beyondRange }: Summary, io: Io): void {
  for (const { name, rowLength, insteadOf, type } of fallbacks) {
    io.tell(
      `note: ${printable(name)} is ${type}: rows of ${rowLength} can not be ${insteadOf}\n`,
    );
  }
  for (const { name, weights } of beyondRange) {
    io.tell(`note: ${printable(name)} has ${counted(weights, "weight")} beyond its type's range\n`);
  }
}

function asText(summary: Summary): string {
  const { file, bytesBefore, bytesAfter, bitsPerWeight, seconds } = summary;
  const rows = summary.types.map(({ type, tensors, weights, bytes, error }) => [
    type,
    formatCount(tensors),
    formatCount(weights),
    formatBytes(bytes),
    error === 0 ? "0" : `${(100 * error).toPrecision(3)}%`,
  ]);
  const table = formatTable([["type", "tensors", "weights", "size", "error"], ...rows], [1, 2, 4]);
  return `${table}\n${file}: ${formatBytes(bytesBefore)} to ${formatBytes(bytesAfter)}, ` +
    `${bitsPerWeight.toFixed(2)} bits per weight, in ${seconds.toFixed(1)} s\n`;
}
