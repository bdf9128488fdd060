import { openGguf } from "../gguf/mod.ts";
import { parseArguments } from "./arguments.ts";
import { describeModel, type Description } from "./description.ts";
import type { ExpertDescription } from "./expert_description.ts";
import { ARCHITECTURE_FLAG, ARCHITECTURE_HELP, JSON_FLAG, MODEL_HELP } from "./flags.ts";
import { formatBytes, formatCount, formatParameters, formatTable, printable } from "./format.ts";
import type { Io } from "./verb.ts";

export const help = `What a model file holds: architecture, sizes, quantization, tokenizer.

usage: COMMAND inspect MODEL [--assume-architecture NAME] [--json]

${MODEL_HELP}
Only the header is read, so the size of the file doesn't matter. What a file doesn't say is "absent"
(null in JSON).

  ${ARCHITECTURE_HELP}
  --json                      one object
`;

const FLAGS = { ...ARCHITECTURE_FLAG, ...JSON_FLAG } as const;

/** Describes a model. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["MODEL"]);
  await using file = await openGguf(operands[0]!);
  const description = describeModel(file, values["assume-architecture"]);
  await io.write(values.json ? `${JSON.stringify(description, null, 1)}\n` : asText(description));
  return 0;
}

type Line = readonly [label: string, value: string];

function asText(model: Description): string {
  const { file, architecture, parameters } = model;
  const weights = model.random ? "random" : undefined;
  return [
    section("", [
      ["file", printable(file.name)],
      [
        "size",
        `${formatBytes(file.bytes)} (${plural(file.bytes, "byte")}) in ${
          plural(file.files, "file")
        }`,
      ],
      ["format", `GGUF version ${file.version}, aligned to ${file.alignment} bytes`],
      ["name", text(model.name)],
      ...(weights ? [["weights", weights] as const] : []),
    ]),
    section("architecture", [
      ["declared", text(architecture.declared)],
      ["normalized", architecture.normalized ?? "unknown"],
      ["contract", `${architecture.contract} ${architecture.version}`],
      [
        "forward pass",
        model.forwardPass.available ? "yes" : `no. ${text(model.forwardPass.reason)}`,
      ],
    ]),
    section("hyper-parameters", hyperParameterLines(model)),
    section("parameters", [
      ["total", parameterText(parameters.total)],
      ["active per token", parameterText(parameters.active)],
    ]),
    ...(model.experts ? [section("experts", expertLines(model.experts))] : []),
    quantizationText(model),
    section("tokenizer", tokenizerLines(model)),
  ].join("\n");
}

function section(title: string, lines: readonly Line[]): string {
  const indent = title === "" ? "" : "  ";
  const body = formatTable(lines.map(([label, value]) => [`${indent}${label}`.padEnd(22), value]));
  return title === "" ? body : `${title}\n${body}`;
}

function hyperParameterLines({ hyperParameters: values, otherParameters }: Description): Line[] {
  return [
    ["layers", value(values.layers)],
    ["context", value(values.context)],
    ["hidden size", value(values.hidden)],
    ["query heads", value(values.heads)],
    ["KV heads", value(values.kvHeads)],
    ["head size", value(values.headSize)],
    ["feed-forward width", value(values.feedForward)],
    ["experts", value(values.experts)],
    ["experts used", value(values.expertsUsed)],
    ["expert width", value(values.expertFeedForward)],
    ["shared expert width", value(values.sharedFeedForward)],
    ["RMSNorm epsilon", value(values.rmsEpsilon)],
    ["RoPE base", value(values.ropeBase)],
    ["RoPE dimensions", value(values.ropeDimensions)],
    ...Object.entries(otherParameters).map(([key, other]) =>
      [printable(key), value(other)] as const
    ),
  ];
}

function expertLines(experts: ExpertDescription): Line[] {
  const { count, used, width, sharedWidth, sharedGate, bytesPerExpert, activeShare } = experts;
  const shared = sharedWidth === null
    ? "none"
    : `width ${formatCount(sharedWidth)}${sharedGate ? ", weighed by a gate" : ""}`;
  return [
    ["in each layer", value(count)],
    ["used per token", value(used)],
    ["width of one", value(width)],
    ["shared by all tokens", shared],
    ["size of one", bytesPerExpert === null ? "absent" : rangeText(bytesPerExpert)],
    ["size of all", `${formatBytes(experts.bytes)} (${percent(experts.share)} of the weights)`],
    [
      "active parameters",
      activeShare === null ? "absent" : `${percent(activeShare)} of all`,
    ],
  ];
}

function rangeText({ least, most }: { least: number; most: number }): string {
  return least === most ? formatBytes(least) : `${formatBytes(least)} to ${formatBytes(most)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

function quantizationText({ quantization }: Description): string {
  const rows = quantization.map(({ type, tensors, bytes, share }) => [
    `  ${type.padEnd(8)}`,
    plural(tensors, "tensor"),
    formatBytes(bytes),
    percent(share),
  ]);
  return `quantization\n${formatTable(rows.length > 0 ? rows : [["  no tensors"]], [1, 2, 3])}`;
}

function tokenizerLines({ tokenizer, chatTemplate }: Description): Line[] {
  const { model, pre, tokens, addBos, special } = tokenizer;
  return [
    ["model", text(model)],
    ["pre-tokenizer", text(pre)],
    ["vocabulary", tokens === null ? "absent" : plural(tokens, "token")],
    ["adds BOS", addBos === null ? "absent" : addBos ? "yes" : "no"],
    ...special.map(({ part, id, text: token }) =>
      [printable(part), `${id}${token === null ? "" : `  ${printable(token)}`}`] as const
    ),
    [
      "chat template",
      chatTemplate === null ? "none" : `yes, ${plural(chatTemplate.length, "character")}`,
    ],
  ];
}

function parameterText(count: number | null): string {
  return count === null ? "absent" : `${formatParameters(count)} (${formatCount(count)})`;
}

function text(value: string | null): string {
  return value === null ? "absent" : printable(value);
}

/** Longest list that is shown whole. */
const LONGEST_LIST = 8;

function value(given: unknown): string {
  if (given === null) return "absent";
  if (typeof given === "number") {
    return Number.isInteger(given) ? formatCount(given) : formatFraction(given);
  }
  if (!Array.isArray(given)) return printable(String(given));
  const shown = given.slice(0, LONGEST_LIST).map((item) => printable(String(item)));
  const rest = given.length - shown.length;
  return `[${shown.join(", ")}${rest > 0 ? `, … ${rest} more` : ""}]`;
}

function formatFraction(number: number): string {
  return Math.abs(number) < 0.001 ? number.toExponential() : String(number);
}

function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
