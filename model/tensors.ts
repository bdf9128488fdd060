/**
 * The tensors of a model by role, each found through the contract's names and checked for shape and
 * type before anything is read.
 *
 * @module
 */
import { CONTRACT, resolveNames, type Role, SHAPES } from "../contracts/mod.ts";
import type { GgufFile, TensorInfo } from "../gguf/mod.ts";
import { isWeightType } from "../kernels/formats.ts";
import { ModelError, UnsupportedOperationError } from "./errors.ts";
import type { HyperParameters } from "./hyperparameters.ts";

/** Tensors by role; a role without a tensor is absent. */
export type RoleTensors = Readonly<Partial<Record<Role, TensorInfo>>>;

export interface ModelTensors {
  readonly global: RoleTensors;
  /** one for each layer */
  readonly layers: readonly RoleTensors[];
}

type Shape = readonly number[];

/**
 * Finds and checks every tensor that the forward pass uses.
 *
 * @throws {ModelError} If a required role has no tensor, or a tensor another shape.
 * @throws {UnsupportedOperationError} If a tensor's type has no kernel, or a tensor no part in the forward pass.
 */
export function resolveTensors(file: GgufFile, sizes: HyperParameters): ModelTensors {
  const { architecture, layers } = sizes;
  const { missing, found, unmapped } = resolveNames(architecture, file.tensors.keys(), layers);
  const single = unmapped.find((name) => SINGLE_EXPERT.test(name));
  if (single !== undefined && sizes.experts > 0) throw unstacked(sizes, single);
  const first = missing[0];
  if (first) {
    const others = missing.length > 1 ? ` and ${missing.length - 1} more` : "";
    throw new ModelError(
      file.name,
      `tensor '${first.name}' (role ${first.role})${others} not found, ` +
        `which ${CONTRACT} requires of ${architecture}. "names" lists all; ` +
        "a file cut short or converted for another engine has to be converted anew.",
    );
  }
  if (unmapped.length > 0) throw partless(sizes, `tensor '${unmapped[0]}'`);
  const global: Partial<Record<Role, TensorInfo>> = {};
  const perLayer = Array.from({ length: layers }, (): Partial<Record<Role, TensorInfo>> => ({}));
  for (const [name, { role, layer }] of found) {
    const tensor = file.tensors.get(name)!;
    checkTensor(file, sizes, role, tensor);
    if (layer === undefined) global[role] = tensor;
    else perLayer[layer]![role] = tensor;
  }
  return { global, layers: perLayer };
}

/**
 * Bytes of weights in the file that a decoded token reads: of the experts those that it goes through,
 * of the embeddings one row unless they are the output head too.
 */
export function activeBytesPerToken(
  { global, layers }: ModelTensors,
  sizes: HyperParameters,
): number {
  const { experts, expertsUsed, vocabulary } = sizes;
  const share = (role: string) => EXPERT_ROLES.has(role) ? expertsUsed / experts : 1;
  let bytes = 0;
  for (const tensors of [global, ...layers]) {
    for (const [role, tensor] of Object.entries(tensors)) bytes += tensor.bytes * share(role);
  }
  const embedding = global.token_embd!.bytes;
  return global.output ? bytes - embedding + embedding / vocabulary : bytes;
}

const EXPERT_ROLES: ReadonlySet<string> = new Set(
  ["ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"] satisfies Role[],
);

function checkTensor(
  file: GgufFile,
  sizes: HyperParameters,
  role: Role,
  tensor: TensorInfo,
): void {
  const expected = SHAPES[role]?.(sizes);
  if (expected === undefined) throw partless(sizes, `tensor '${tensor.name}' (role ${role})`);
  if (trimmed(tensor.shape).join() !== trimmed(expected).join()) {
    throw new ModelError(
      file.name,
      `tensor '${tensor.name}' has the shape [${
        tensor.shape.join(", ")
      }], but the hyper-parameters ` +
        `make it [${expected.join(", ")}]`,
    );
  }
  if (!isWeightType(tensor.type)) {
    throw new UnsupportedOperationError({
      architecture: sizes.namedArchitecture,
      operation: `kernel for ${tensor.type}, the type of tensor '${tensor.name}'`,
      contract: CONTRACT,
      wayOut: "Use a file in Q4_K_M, Q5_K_M, Q6_K, Q8_0, Q4_0, F16, BF16 or F32.",
    });
  }
}

/** A tensor of one expert, as files from before April 2024 have them, when experts came to be stacked. */
const SINGLE_EXPERT = /^blk\.\d+\.ffn_(?:gate|up|down)\.\d+\.weight$/;

function unstacked(sizes: HyperParameters, tensor: string): UnsupportedOperationError {
  return new UnsupportedOperationError({
    architecture: sizes.namedArchitecture,
    operation: `use for experts that are stored one by one, as '${tensor}' is`,
    contract: CONTRACT,
    wayOut: "Convert the model anew, or take a newer file of it: llama.cpp refuses such files too.",
  });
}

/** What is in the file but has no part in the forward pass would change the output if it had. */
function partless(sizes: HyperParameters, tensor: string): UnsupportedOperationError {
  return new UnsupportedOperationError({
    architecture: sizes.namedArchitecture,
    operation: `use for ${tensor}`,
    contract: CONTRACT,
    wayOut: "Leaving it out would change the model's output silently, so the file is refused.",
  });
}

/** A shape without its outer dimensions of 1, which writers keep or drop as they like. */
function trimmed(shape: Shape): Shape {
  let length = shape.length;
  while (length > 1 && shape[length - 1] === 1) length--;
  return shape.slice(0, length);
}
