/**
 * Files whose metadata or tensors are changed.
 *
 * @module
 */
import {
  type GgufFile,
  layoutGguf,
  type MetadataEntry,
  openGguf,
  type TensorDeclaration,
  type TensorInfo,
  writeGguf,
} from "../gguf/mod.ts";

/** The file with parts of its header replaced; what is read stays as it is. */
export function withHeader(
  file: GgufFile,
  parts: Partial<Pick<GgufFile, "metadata" | "tensors">>,
): GgufFile {
  return new Proxy(file, {
    get: (target, key) => Reflect.get(key in parts ? parts : target, key),
  });
}

/** A tensor to be written, with its bytes. */
export interface RebuiltTensor extends TensorDeclaration {
  readonly data: Uint8Array<ArrayBuffer>;
}

/** What becomes of the parts of a file; undefined leaves a part out. */
export interface Rebuilding {
  entry(entry: MetadataEntry): MetadataEntry | undefined;
  /** @param data all of the tensor's bytes, which may be changed in place */
  tensor(tensor: TensorInfo, data: Uint8Array<ArrayBuffer>): RebuiltTensor | undefined;
}

/** A file with its parts changed. */
export async function rebuilt(blob: Blob, { entry, tensor: change }: Rebuilding): Promise<Blob> {
  await using file = await openGguf(blob);
  const metadata = file.entries.flatMap((own) => entry(own) ?? []);
  const tensors: RebuiltTensor[] = [];
  for (const tensor of file.tensors.values()) {
    const data = new Uint8Array(tensor.bytes);
    await file.readTensor(tensor, data);
    tensors.push(...[change(tensor, data)].filter((own) => own !== undefined));
  }
  const bytes = new Map(tensors.map(({ name, data }) => [name, data]));
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const sink = { write: (chunk: Uint8Array) => Promise.resolve(void chunks.push(chunk.slice())) };
  await writeGguf(sink, layoutGguf({ metadata, tensors }), ({ name }) => [bytes.get(name)!]);
  return new Blob(chunks);
}

/** Multiplies F32 weights in place. */
export function scaleBytes(data: Uint8Array<ArrayBuffer>, factor: number): void {
  const weights = new Float32Array(data.buffer, data.byteOffset, data.length / 4);
  weights.forEach((weight, i) => weights[i] = weight * factor);
}
