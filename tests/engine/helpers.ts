/** What the tests of the engine share; it holds no test itself. */
import {
  layoutGguf,
  type MetadataEntry,
  openGguf,
  type TensorType,
  writeGguf,
} from "../../gguf/mod.ts";
import { loadModel, type LoadOptions, type Model, type SourceLocation } from "../../mod.ts";
import { synthesizeBlob, type SynthOptions } from "../../synth/mod.ts";

/** A tensor with its data, to be changed before it is written. */
export interface EditableTensor {
  name: string;
  type: TensorType;
  shape: readonly number[];
  data: Uint8Array<ArrayBuffer>;
}

/** A file's parts, to be changed before it is written. */
export interface EditableFile {
  metadata: MetadataEntry[];
  tensors: EditableTensor[];
}

/** Loads a model, hands it to `use`, and disposes of it. */
export async function withModel(
  from: SourceLocation | readonly SourceLocation[] | SynthOptions,
  options: LoadOptions,
  use: (model: Model) => Promise<void>,
): Promise<void> {
  const location = isLocation(from) ? from : await synthesizeBlob(from);
  await using model = await loadModel(location, options);
  await use(model);
}

function isLocation(
  from: SourceLocation | readonly SourceLocation[] | SynthOptions,
): from is SourceLocation | readonly SourceLocation[] {
  return typeof from === "string" || from instanceof URL || from instanceof Blob ||
    Array.isArray(from);
}

/** The parts of a random model's file. */
export async function randomFile(options: SynthOptions = {}): Promise<EditableFile> {
  await using file = await openGguf(await synthesizeBlob(options));
  const tensors: EditableTensor[] = [];
  for (const tensor of file.tensors.values()) {
    const data = new Uint8Array(tensor.bytes);
    await file.readTensor(tensor, data);
    tensors.push({ name: tensor.name, type: tensor.type, shape: tensor.shape, data });
  }
  return { metadata: [...file.entries], tensors };
}

/** The bytes of a file. Data is cut or filled up with zeros where shape or type ask for it. */
export async function written({ metadata, tensors }: EditableFile): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const sink = { write: (chunk: Uint8Array) => Promise.resolve(void chunks.push(chunk.slice())) };
  const data = new Map(tensors.map((tensor) => [tensor.name, tensor.data]));
  await writeGguf(sink, layoutGguf({ metadata, tensors }), (tensor) => {
    const bytes = new Uint8Array(tensor.bytes);
    bytes.set(data.get(tensor.name)!.subarray(0, tensor.bytes));
    return [bytes];
  });
  return new Blob(chunks);
}

/** A model in two files, the second of which begins with the tensor of that name. */
export async function inShards(file: EditableFile, name: string): Promise<Blob[]> {
  const { metadata, tensors } = file;
  const cut = tensors.findIndex((tensor) => tensor.name === name);
  return await Promise.all([tensors.slice(0, cut), tensors.slice(cut)].map((part, i) => {
    const split: MetadataEntry[] = [
      { key: "split.no", type: "u16", value: i },
      { key: "split.count", type: "u16", value: 2 },
      { key: "split.tensors.count", type: "i32", value: tensors.length },
    ];
    return written({ metadata: i === 0 ? [...metadata, ...split] : split, tensors: part });
  }));
}

/** A random model's file after a change. */
export async function changedModel(
  options: SynthOptions,
  change: (file: EditableFile) => void,
): Promise<Blob> {
  const file = await randomFile(options);
  change(file);
  return await written(file);
}

/** Gives a key of the metadata another value, or removes it. */
export function setKey(file: EditableFile, key: string, entry: MetadataEntry | undefined): void {
  file.metadata = file.metadata.filter((other) => other.key !== key);
  if (entry) file.metadata.push(entry);
}

/** The tensor of that name. */
export function tensorOf(file: EditableFile, name: string): EditableTensor {
  return file.tensors.find((tensor) => tensor.name === name)!;
}

/** `length` ids below `vocabulary` (the generator of Numerical Recipes, high bits). */
export function randomTokens(length: number, seed = 1, vocabulary = 512): number[] {
  let state = seed;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * vocabulary);
  });
}
