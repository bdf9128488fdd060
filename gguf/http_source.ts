import { openBlob } from "./blob_source.ts";
import { GgufError, messageOf, quoted } from "./errors.ts";
import { MAX_WHOLE_DOWNLOAD_BYTES } from "./limits.ts";
import type { ByteSource, Interruption, SourceDescriptor } from "./source.ts";
import { checkVersion } from "./version.ts";

type HttpDescriptor = Extract<SourceDescriptor, { kind: "http" }>;

/** Bytes of the first request. It tells the file's size, and what it brings is kept, so that a
 * small header costs no second request. */
const FIRST_BYTES = 256 * 2 ** 10;

/**
 * Opens a URL for reading by range requests (RFC 9110, section 14). The body of a server that
 * ignores ranges is kept in memory, if it is no larger than {@link MAX_WHOLE_DOWNLOAD_BYTES}.
 *
 * @throws {GgufError} If the server can not be reached or answers with an error.
 */
export async function openHttp(
  descriptor: HttpDescriptor,
  interruption: Interruption,
): Promise<ByteSource> {
  const name = descriptor.url;
  const signal = interruption();
  const response = await request(descriptor, 0, FIRST_BYTES, signal);
  if (response.status === 200) {
    const blob = await downloadWhole(response, name, signal);
    const version = versionOf(response, blob.size);
    checkVersion(name, version, descriptor.version);
    return {
      ...openBlob({ kind: "blob", blob, name }, interruption),
      descriptor: { ...descriptor, version },
    };
  }
  const size = totalOf(response, name, 0);
  const first = new Uint8Array(Math.min(FIRST_BYTES, size));
  await readBody(response, name, 0, first, signal);
  const version = versionOf(response, size);
  checkVersion(name, version, descriptor.version);

  async function read(offset: number, into: Uint8Array): Promise<void> {
    if (offset + into.length > size) {
      throw new GgufError({
        file: name,
        offset: size,
        found: "the end of the file",
        expected: `${offset + into.length - size} more bytes`,
      });
    }
    const known = first.subarray(offset, offset + into.length);
    into.set(known);
    if (known.length === into.length) return;
    const start = offset + known.length;
    const signal = interruption();
    const part = await request(descriptor, start, into.length - known.length, signal);
    const total = totalOf(part, name, start);
    if (total !== size) {
      await part.body?.cancel();
      throw new GgufError({
        file: name,
        offset: start,
        found: `a file of ${total} bytes`,
        expected: `one of ${size} bytes, as before`,
        wayOut: "The file on the server has changed: open it again",
      });
    }
    await readBody(part, name, start, into.subarray(known.length), signal);
  }

  return {
    name,
    size,
    descriptor: { ...descriptor, version },
    read,
    close: () => Promise.resolve(),
  };
}

/** What changes where a file on a server is replaced, as far as the server says. */
function versionOf({ headers }: Response, size: number): string {
  return `${size} ${headers.get("etag") ?? headers.get("last-modified") ?? ""}`;
}

/** Asks for a range. The answer is 206, or 200 from a server that ignores ranges. */
async function request(
  descriptor: HttpDescriptor,
  start: number,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const headers = {
    // A compressed body would be a range of the compressed bytes.
    "Accept-Encoding": "identity",
    ...descriptor.headers,
    Range: `bytes=${start}-${start + length - 1}`,
  };
  const response = await fetch(descriptor.url, { headers, signal: signal ?? null }).catch(
    (cause) => {
      signal?.throwIfAborted();
      throw new GgufError({
        file: descriptor.url,
        offset: start,
        found: messageOf(cause),
        expected: "an answer from the server",
        wayOut: "Check the URL and the network",
        cause,
      });
    },
  );
  if (response.status === 206 || response.status === 200) return response;
  await response.body?.cancel();
  const refused = response.status === 401 || response.status === 403;
  throw new GgufError({
    file: descriptor.url,
    offset: start,
    found: `HTTP status ${response.status}`,
    expected: "206 (a range of the file)",
    wayOut: refused ? "The server wants authorization: pass headers" : "Check the URL",
  });
}

/** The file's size by `Content-Range: bytes START-END/TOTAL`, which must begin at `start`. */
function totalOf(response: Response, file: string, start: number): number {
  const value = response.headers.get("content-range");
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(value ?? "");
  const total = Number(match?.[3]);
  if (match !== null && Number(match[1]) === start && Number.isSafeInteger(total)) return total;
  response.body?.cancel().catch(() => {});
  throw new GgufError({
    file,
    offset: start,
    found: value === null ? "no Content-Range header" : `Content-Range ${quoted(value)}`,
    expected: `a range that starts at ${start} and says the file's size`,
    wayOut: "In a browser the server must list it in Access-Control-Expose-Headers",
  });
}

/** Fills `into` from a body that must be exactly as long. */
async function readBody(
  response: Response,
  file: string,
  start: number,
  into: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  let done = 0;
  for await (const chunk of chunks(response, file, start, signal)) {
    if (done + chunk.length > into.length) {
      throw new GgufError({
        file,
        offset: start + into.length,
        found: "more bytes than were asked for",
        expected: `a body of ${into.length} bytes`,
      });
    }
    into.set(chunk, done);
    done += chunk.length;
  }
  if (done < into.length) {
    throw new GgufError({
      file,
      offset: start + done,
      found: "the end of the response",
      expected: `${into.length - done} more bytes`,
      wayOut: "The transfer broke: try again",
    });
  }
}

async function downloadWhole(
  response: Response,
  file: string,
  signal: AbortSignal | undefined,
): Promise<Blob> {
  const tooLarge = () =>
    new GgufError({
      file,
      found: "a server that ignores range requests",
      expected: `range requests, or a file of at most ${MAX_WHOLE_DOWNLOAD_BYTES} bytes`,
      wayOut: "Download the file and open it from disk",
    });
  if (Number(response.headers.get("content-length")) > MAX_WHOLE_DOWNLOAD_BYTES) {
    await response.body?.cancel();
    throw tooLarge();
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of chunks(response, file, 0, signal)) {
    size += chunk.length;
    if (size > MAX_WHOLE_DOWNLOAD_BYTES) throw tooLarge();
    parts.push(chunk);
  }
  return new Blob(parts);
}

/** The body piece by piece; a consumer that stops early cancels the transfer. */
async function* chunks(
  response: Response,
  file: string,
  start: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let received = 0;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      received += value.length;
      yield value;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new GgufError({
      file,
      offset: start + received,
      found: messageOf(cause),
      expected: "the rest of the response",
      wayOut: "The transfer broke: try again",
      cause,
    });
  } finally {
    await reader.cancel().catch(() => {});
  }
}
