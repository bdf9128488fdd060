/**
 * Where a file's bytes come from, without regard to what they mean.
 *
 * @module
 */
import { openBlob } from "./blob_source.ts";
import { openFile } from "./file_source.ts";
import { openHttp } from "./http_source.ts";

/**
 * A source in words. It can be cloned to a worker, which opens it again for itself. An open source's
 * own descriptor has its `version`, and opening that again fails if it is another one by then.
 */
export type SourceDescriptor =
  | { readonly kind: "file"; readonly path: string; readonly version?: string }
  | {
    readonly kind: "http";
    readonly url: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly version?: string;
  }
  | { readonly kind: "blob"; readonly blob: Blob; readonly name?: string };

/** Random access to the bytes of one file. */
export interface ByteSource {
  /** For messages: the path, the URL, or "blob". */
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /** Opens the same bytes again, here or in a worker. */
  readonly descriptor: SourceDescriptor;
  /**
   * Fills all of `into` with the bytes that start at `offset`. `into` may be a view of shared
   * (WebAssembly) memory.
   *
   * @throws {GgufError} If the source ends before `into` is full, or can not be read.
   */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** Releases the file handle, if there is one. */
  close(): Promise<void>;
}

/** What ends the read that is about to begin, if anything does. */
export type Interruption = () => AbortSignal | undefined;

/** What names a source: a path, an http(s) or file URL, a Blob, or a descriptor. */
export type SourceLocation = string | URL | Blob | SourceDescriptor;

/**
 * Opens a file, a URL or a Blob for reading by position.
 *
 * @param interruption asked at each read: what ends it, and opening, by the signal's reason
 * @throws {GgufError} If there is no such file, or the server does not give it.
 */
export async function openSource(
  from: SourceLocation,
  interruption: Interruption = () => undefined,
): Promise<ByteSource> {
  const descriptor = await describe(from);
  switch (descriptor.kind) {
    case "file":
      return openFile(descriptor, interruption);
    case "http":
      return openHttp(descriptor, interruption);
    case "blob":
      return openBlob(descriptor, interruption);
  }
}

async function describe(from: SourceLocation): Promise<SourceDescriptor> {
  if (from instanceof Blob) {
    return { kind: "blob", blob: from, ...(from instanceof File ? { name: from.name } : {}) };
  }
  if (typeof from === "object" && !(from instanceof URL)) return from;
  const text = String(from);
  if (/^https?:\/\//i.test(text)) return { kind: "http", url: text };
  if (/^file:\/\//i.test(text)) {
    const { fileURLToPath } = await import("node:url");
    return { kind: "file", path: fileURLToPath(text) };
  }
  return { kind: "file", path: text };
}
