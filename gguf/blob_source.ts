import { GgufError, messageOf } from "./errors.ts";
import type { ByteSource, Interruption, SourceDescriptor } from "./source.ts";

/** Bytes copied out of the Blob at once, which is what a read costs beyond its destination. */
const SLICE_BYTES = 16 * 2 ** 20;

/** Opens a Blob, such as a file that a user chose in a browser. */
export function openBlob(
  descriptor: Extract<SourceDescriptor, { kind: "blob" }>,
  interruption: Interruption,
): ByteSource {
  const { blob } = descriptor;
  const name = descriptor.name ?? "blob";

  async function read(offset: number, into: Uint8Array): Promise<void> {
    for (let done = 0; done < into.length; done += SLICE_BYTES) {
      interruption()?.throwIfAborted();
      const start = offset + done;
      const length = Math.min(SLICE_BYTES, into.length - done);
      const bytes = await blob.slice(start, start + length).arrayBuffer().catch((cause) => {
        throw new GgufError({
          file: name,
          offset: start,
          found: messageOf(cause),
          expected: `${length} readable bytes`,
          wayOut: "The file may have changed or moved since it was chosen: choose it again",
          cause,
        });
      });
      if (bytes.byteLength !== length) {
        throw new GgufError({
          file: name,
          offset: start + bytes.byteLength,
          found: "the end of the data",
          expected: `${length - bytes.byteLength} more bytes`,
        });
      }
      into.set(new Uint8Array(bytes), done);
    }
  }

  return { name, size: blob.size, descriptor, read, close: () => Promise.resolve() };
}
