/**
 * The engine's forward pass with mistakes in what it is told of a model, or around it.
 *
 * @module
 */
import { Model } from "../../engine/model.ts";
import { openGguf, type SourceLocation, type TensorInfo } from "../../gguf/mod.ts";
import type { ArchitectureDescription } from "../../model/architectures.ts";
import {
  describeArchitecture,
  type HyperParameters,
  readHyperParameters,
} from "../../model/hyperparameters.ts";
import { RemoteRuntime } from "../../model/remote.ts";
import {
  activeBytesPerToken,
  type ModelTensors,
  resolveTensors,
  type RoleTensors,
} from "../../model/tensors.ts";
import { createTokenizer } from "../../tokenizer/mod.ts";
import {
  engineForward,
  type ForwardPass,
  loaded,
  type LoadedModel,
} from "../qwen3_moe_forward/subject.ts";

/** What the layer loop works by. */
export interface ForwardParts {
  readonly sizes: HyperParameters;
  readonly description: ArchitectureDescription;
  readonly tensors: ModelTensors;
}

const THREADS = 2;
const CONTEXT = 512;

/** Loads a model as the engine does, but for a change of what its header says. */
async function loadChanged(
  from: SourceLocation | readonly SourceLocation[],
  change: (parts: ForwardParts) => Partial<ForwardParts>,
): Promise<Model> {
  await using file = await openGguf(from);
  const sizes = readHyperParameters(file);
  const tensors = resolveTensors(file, sizes);
  const parts = { sizes, description: describeArchitecture(file), tensors };
  const runtime = await RemoteRuntime.open({
    ...parts,
    ...change(parts),
    sources: file.sources.map(({ descriptor }) => descriptor),
    threads: THREADS,
    batch: CONTEXT,
    kv: "f16",
    maxWindowBytes: undefined,
    budget: { bytes: Infinity, context: CONTEXT, usualContext: CONTEXT },
  }, () => {});
  return new Model({
    name: file.name,
    metadata: file.metadata,
    parameters: sizes,
    runtime,
    threads: THREADS,
    batch: CONTEXT,
    context: CONTEXT,
    activeBytesPerToken: activeBytesPerToken(tensors, sizes),
    tokenizer: createTokenizer(file.metadata),
    chatTemplate: undefined,
  });
}

/** The engine, told something wrong of every model. */
export function told(
  change: (parts: ForwardParts) => Partial<ForwardParts>,
  others: Partial<ForwardPass> = {},
): () => ForwardPass {
  return () => ({
    ...engineForward(),
    load: async (model) =>
      loaded(await loadChanged(model instanceof Blob ? model : model.location, change)),
    ...others,
  });
}

/** The engine, with a change to the tensors of each layer. */
export function toldOfLayers(
  change: (layer: RoleTensors, parts: ForwardParts) => RoleTensors,
): () => ForwardPass {
  return told((parts) => ({
    tensors: {
      ...parts.tensors,
      layers: parts.tensors.layers.map((layer) => change(layer, parts)),
    },
  }));
}

/** The engine, whose loaded models do something else. */
export function answering(
  change: (model: LoadedModel) => Partial<LoadedModel>,
): () => ForwardPass {
  return () => {
    const engine = engineForward();
    return {
      ...engine,
      async load(from) {
        const model = await engine.load(from);
        return { ...model, ...change(model) };
      },
    };
  };
}

/** The engine, whose logits are changed after they were computed. */
export function withRows(
  change: (rows: Float32Array[]) => Float32Array[],
): () => ForwardPass {
  return answering(({ logits }) => ({ logits: async (tokens) => change(await logits(tokens)) }));
}

/** The engine, which for the logits at a position sees other tokens than those up to it. */
export function seeing(
  seen: (tokens: readonly number[], position: number) => readonly number[],
): () => ForwardPass {
  return () => ({
    ...engineForward(),
    async load(from) {
      const model = await loadChanged(from instanceof Blob ? from : from.location, () => ({}));
      return {
        ...loaded(model),
        async logits(tokens) {
          await using session = model.session();
          const rows: Float32Array[] = [];
          for (const position of tokens.keys()) {
            rows.push(await session.sync(seen(tokens, position)));
          }
          return rows;
        },
      };
    },
  });
}

/** The stacked matrices of a tensor read one too late. */
export function oneMatrixOn(tensor: TensorInfo): TensorInfo {
  return { ...tensor, offset: tensor.offset + tensor.bytes / tensor.shape[2]! };
}
