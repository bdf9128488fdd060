/**
 * A file's bytes in memory without reading them: the system brings in what is touched, shares it
 * with its cache, and takes it back when memory is short.
 *
 * Touching a page that the file no longer has, or that the disk does not give, ends the process.
 * Two things keep that from happening:
 *
 * - Pages are touched only after {@linkcode populate} or {@linkcode isPresent} has said that they are
 *   there. Where they can't be had, the system says so to these and no harm is done.
 * - A read lease on the file. Who wants to write to it, or to cut it short, is held by the system
 *   until the lease is given back, for as long as /proc/sys/fs/lease-break-time says (45 s).
 *   {@linkcode MappedFile.held} has to be asked more often than that; once it is false, nothing of the
 *   file is mapped any more and the other goes on.
 *
 * Files that can't be leased are not mapped: of another user, open for writing, or on a file system
 * that others change behind the system's back, such as NFS.
 *
 * @module
 */
import { type Libc, libc, LINUX } from "../kernels/libc.ts";
import { fileVersion } from "./file_source.ts";
import type { ByteSource } from "./source.ts";

/** A multiple of every page size that Linux has. */
export const MAP_ALIGNMENT = 65536;

/** Some bytes of a memory that begins at a page. */
export interface MemoryRange {
  readonly memory: Uint8Array<SharedArrayBuffer>;
  readonly address: number;
  readonly bytes: number;
}

/** File systems of this machine, whose files nobody changes from elsewhere (linux/magic.h). */
const LOCAL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0xf2f52010, // F2FS
  0x2fc12fc1, // ZFS
  0xca451a4e, // bcachefs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
]);

/** struct statfs has 120 bytes; the file system's number is the first word. */
const STATFS_BYTES = 128;

/** What mmap returns when it fails: -1 as an address. */
const FAILED = 2n ** 64n - 1n;

/** Pages that the system maps beside one that is touched (fault_around_bytes, 64 KiB). */
const NEIGHBOUR_BYTES = 65536;

/** A file of which parts are mapped. */
export class MappedFile {
  readonly #calls: Libc;
  readonly #file: number;
  /** whole pages */
  readonly #mapped: MemoryRange[] = [];
  #held = true;

  private constructor(calls: Libc, file: number) {
    this.#calls = calls;
    this.#file = file;
  }

  /** Leases a source's file; undefined where it can't be mapped, or not safely. */
  static open({ descriptor, size }: ByteSource): MappedFile | undefined {
    const calls = libc();
    if (calls === undefined || descriptor.kind !== "file" || !canPopulate(calls)) return undefined;
    const file = calls.open(new TextEncoder().encode(`${descriptor.path}\0`), LINUX.O_CLOEXEC);
    if (file < 0) return undefined;
    // With the lease the file stays as it is, so it is asked after that whether it is the source's.
    const isTheSource = () =>
      sizeOf(calls, file) === size && versionAt(descriptor.path) === descriptor.version;
    if (isLocal(calls, file) && lease(calls, file) && isTheSource()) {
      return new MappedFile(calls, file);
    }
    calls.close(file);
    return undefined;
  }

  /**
   * Maps the file's bytes from `offset` on, and what else is in the same pages. The range's address
   * and `offset` leave the same remainder by {@linkcode MAP_ALIGNMENT}.
   *
   * @returns false if the system refuses
   */
  map(range: MemoryRange, offset: number): boolean {
    if (!this.held) return false;
    const { PROT_READ, MAP_SHARED, MAP_FIXED, MADV_NOHUGEPAGE } = LINUX;
    const whole = wholePages(range);
    const from = BigInt(offset - (range.address - whole.address));
    const length = BigInt(whole.bytes);
    const flags = MAP_SHARED | MAP_FIXED;
    const at = this.#calls.mmap(viewOf(whole), length, PROT_READ, flags, this.#file, from);
    if (at === FAILED) return false;
    // A large page would bring in, and count, what lies around the part that is wanted.
    advise(whole, MADV_NOHUGEPAGE);
    this.#mapped.push(whole);
    return true;
  }

  /** Whether the file is as it was. Once it may not be, none of its parts is mapped any more. */
  get held(): boolean {
    if (this.#held && this.#calls.fcntl(this.#file, LINUX.F_GETLEASE, 0) !== LINUX.F_RDLCK) {
      this.close();
    }
    return this.#held;
  }

  /** Gives back the memory that a mapped range takes, and what came with it from beside it. */
  drop(range: MemoryRange): void {
    const { memory, address, bytes } = range;
    const mapped = this.#mapped.find((mapped) =>
      mapped.memory === memory && mapped.address <= address &&
      address + bytes <= mapped.address + mapped.bytes
    );
    if (mapped === undefined) return;
    // Should the system need memory, its copy of these pages goes before others.
    advise(range, LINUX.MADV_COLD);
    const from = Math.max(mapped.address, address - NEIGHBOUR_BYTES);
    const to = Math.min(mapped.address + mapped.bytes, address + bytes + NEIGHBOUR_BYTES);
    advise({ memory, address: from, bytes: to - from }, LINUX.MADV_DONTNEED);
  }

  /** Puts empty memory in the place of all that is mapped, and lets others change the file. */
  close(): void {
    if (!this.#held) return;
    this.#held = false;
    const { PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE } = LINUX;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    for (const range of this.#mapped.splice(0)) {
      const length = BigInt(range.bytes);
      this.#calls.mmap(viewOf(range), length, PROT_READ | PROT_WRITE, flags, -1, 0n);
    }
    // The lease ends with it.
    this.#calls.close(this.#file);
  }
}

/** Whether all bytes of a mapped range are in memory at this moment. */
export function isPresent(range: MemoryRange): boolean {
  const whole = wholePages(range);
  const pages = whole.bytes / pageBytes();
  if (presence.length < pages) presence = new Uint8Array(pages);
  if (libc()!.mincore(viewOf(whole), BigInt(whole.bytes), presence) !== 0) return false;
  for (let i = 0; i < pages; i++) if ((presence[i]! & 1) === 0) return false;
  return true;
}

/** What mincore says: a byte for each page, its lowest bit set if the page is in memory. */
let presence = new Uint8Array(1024);

/** Has the system start to read a mapped range, and does not wait for it. */
export function request(range: MemoryRange): void {
  advise(range, LINUX.MADV_WILLNEED);
}

/** Brings a mapped range into memory; false if that can't be done. */
export function populate(range: MemoryRange): boolean {
  return advise(range, LINUX.MADV_POPULATE_READ);
}

/** Gives back the memory of a range that is not mapped: the pages that lie in it wholly become zeros. */
export function empty({ memory, address, bytes }: MemoryRange): void {
  const page = pageBytes();
  const from = Math.ceil(address / page) * page;
  const to = address + bytes - (address + bytes) % page;
  if (from < to) advise({ memory, address: from, bytes: to - from }, LINUX.MADV_DONTNEED);
}

function advise(range: MemoryRange, advice: number): boolean {
  const whole = wholePages(range);
  return libc()!.madvise(viewOf(whole), BigInt(whole.bytes), advice) === 0;
}

/** The pages that a range touches. */
function wholePages({ memory, address, bytes }: MemoryRange): MemoryRange {
  const page = pageBytes();
  const from = address - address % page;
  return { memory, address: from, bytes: Math.ceil((address + bytes - from) / page) * page };
}

function viewOf({ memory, address, bytes }: MemoryRange): Uint8Array<SharedArrayBuffer> {
  return memory.subarray(address, address + bytes);
}

let page = 0;

function pageBytes(): number {
  return page ||= libc()!.getpagesize();
}

/** Linux has MADV_POPULATE_READ since 5.14. */
function canPopulate(calls: Libc): boolean {
  const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const memory = new Uint8Array(buffer as unknown as SharedArrayBuffer);
  return calls.madvise(memory, BigInt(memory.length), LINUX.MADV_POPULATE_READ) === 0;
}

function isLocal(calls: Libc, file: number): boolean {
  const status = new Uint8Array(STATFS_BYTES);
  const kind = new DataView(status.buffer);
  return calls.fstatfs(file, status) === 0 && LOCAL_FILE_SYSTEMS.has(kind.getUint32(0, true));
}

/** Has the system ask for the file back before anyone changes it. */
function lease(calls: Libc, file: number): boolean {
  const { F_SETSIG, F_SETLEASE, F_RDLCK, SIGURG } = LINUX;
  // The signal of leases ends a process that does not handle it, this one does nothing.
  return calls.fcntl(file, F_SETSIG, SIGURG) === 0 && calls.fcntl(file, F_SETLEASE, F_RDLCK) === 0;
}

/** The version of the file that has the name; undefined if that can't be told. */
function versionAt(path: string): string | undefined {
  try {
    return fileVersion(Deno.statSync(path));
  } catch {
    return undefined;
  }
}

function sizeOf(calls: Libc, file: number): number {
  return Number(calls.lseek(file, 0n, LINUX.SEEK_END));
}
