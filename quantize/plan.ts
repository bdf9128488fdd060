/**
 * What becomes of each tensor of a file when its model is quantized.
 *
 * @module
 */
import { CONTRACT, roleOf, tensorName } from "../contracts/mod.ts";
import {
  GgufError,
  type GgufFile,
  type GgufLayout,
  layoutGguf,
  type MetadataEntry,
  metadataNumber,
  metadataString,
  type TensorInfo,
  type TensorType,
} from "../gguf/mod.ts";
import { isWeightType, WEIGHT_FORMATS, type WeightType } from "../kernels/formats.ts";
import { ModelError, UnsupportedOperationError } from "../model/errors.ts";
import { knownArchitectureOf } from "../model/hyperparameters.ts";
import {
  fittingType,
  isMixed,
  type Mix,
  type MixedModel,
  mixedType,
  MIXES,
  QUANTIZATION_VERSION,
} from "./mix.ts";

/** What to make of a model. */
export interface QuantizeRequest {
  readonly mix: Mix;
  /** Whether weights that lie in blocks already may be put into others, which loses twice. */
  readonly allowRequantize?: boolean;
}

/** How a tensor is written. */
export interface TensorPlan {
  readonly tensor: TensorInfo;
  /** The type that it gets. */
  readonly type: TensorType;
  /** Its weights' own type where they are computed anew; undefined where the bytes are copied. */
  readonly from: WeightType | undefined;
  /** The type that the mix would have, where rows of this length can not be in it. */
  readonly insteadOf: WeightType | undefined;
}

/** A file's new header, and how its tensors come into being, by their name. */
export interface QuantizePlan {
  readonly layout: GgufLayout;
  readonly tensors: ReadonlyMap<string, TensorPlan>;
}

/**
 * Plans the quantization of a model.
 *
 * @throws {UnsupportedOperationError} If nothing is known of the architecture's tensors.
 * @throws {ModelError} If the file does not say how many layers the model has.
 * @throws {GgufError} If weights are of a type that can't be read, or one that may not be.
 */
export function planQuantize(file: GgufFile, request: QuantizeRequest): QuantizePlan {
  const { architecture, model } = describe(file, request.mix);
  const plans = Array.from(file.tensors.values(), (tensor): TensorPlan => {
    const place = roleOf(architecture, tensor.name);
    const rowLength = tensor.shape[0] ?? 1;
    if (place && isMixed(place.role, tensor.shape)) {
      const wanted = mixedType(model, place.role, place.layer ?? 0);
      const type = fittingType(wanted, rowLength);
      return planTensor(file, tensor, type, type === wanted ? undefined : wanted, request);
    }
    // What is no part of the model is none of our business.
    const isVector = place !== undefined && isFloat(tensor.type);
    return isVector
      ? planTensor(file, tensor, "F32", undefined, request)
      : { tensor, type: tensor.type, from: undefined, insteadOf: undefined };
  });
  const layout = layoutGguf({
    alignment: file.alignment,
    metadata: newMetadata(file.entries, request.mix),
    tensors: plans.map(({ tensor: { name, shape }, type }) => ({ name, shape, type })),
  });
  return { layout, tensors: new Map(plans.map((plan) => [plan.tensor.name, plan])) };
}

function describe(file: GgufFile, mix: Mix) {
  const { metadata } = file;
  const name = metadataString(metadata, "general.architecture") ?? "";
  const architecture = knownArchitectureOf(file);
  if (architecture === undefined) {
    throw new UnsupportedOperationError({
      architecture: name,
      operation: "tensor names",
      contract: CONTRACT,
      wayOut: "Quantize it with the program that knows it.",
    });
  }
  const number = (key: string) => metadataNumber(metadata, `${name}.${key}`);
  const layers = number("block_count");
  if (layers === undefined) {
    throw new ModelError(file.name, `${name}.block_count is missing from the metadata`);
  }
  const model: MixedModel = {
    mix,
    layers,
    experts: number("expert_count") ?? 0,
    tied: !file.tensors.has(tensorName(architecture, "output", "gguf") ?? ""),
    is70B: layers === 80 && ["llama", "qwen2"].includes(name) &&
      number("attention.head_count_kv") !== number("attention.head_count"),
  };
  return { architecture, model };
}

function planTensor(
  file: GgufFile,
  tensor: TensorInfo,
  type: WeightType,
  insteadOf: WeightType | undefined,
  { allowRequantize = false }: QuantizeRequest,
): TensorPlan {
  const { name, type: from } = tensor;
  if (from === type && !isFloat(from)) return { tensor, type, from: undefined, insteadOf };
  const refuse = (expected: string, wayOut: string) =>
    new GgufError({
      file: file.name,
      offset: tensor.offset,
      found: `tensor ${name} of type ${from}`,
      expected,
      wayOut,
    });
  if (!isWeightType(from)) {
    const readable = Object.keys(WEIGHT_FORMATS).join(", ");
    throw refuse(`one of ${readable}`, "Quantize the model's original weights");
  }
  if (!isFloat(from) && !allowRequantize) {
    throw refuse(
      "F32, F16 or BF16, for quantizing what is quantized loses twice",
      "Quantize the model's original weights, or insist with --allow-requantize",
    );
  }
  return { tensor, type, from, insteadOf };
}

function isFloat(type: TensorType): boolean {
  return isWeightType(type) && WEIGHT_FORMATS[type].blockSize === 1;
}

/** The metadata with the new types' keys, and without those of shards. */
function newMetadata(entries: readonly MetadataEntry[], mix: Mix): MetadataEntry[] {
  const changed: MetadataEntry[] = [
    { key: "general.file_type", type: "u32", value: MIXES[mix].fileType },
    { key: "general.quantization_version", type: "u32", value: QUANTIZATION_VERSION },
  ];
  const keys = new Set(changed.map(({ key }) => key));
  const kept = entries.filter(({ key }) => !keys.has(key) && !key.startsWith("split."));
  return [...kept, ...changed];
}
