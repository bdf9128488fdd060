/**
 * The few calls of the system's C library on memory and files that JavaScript has no words for. They
 * are there under Deno on Linux where the user allows `ffi`. Elsewhere they are not, and whoever asks
 * goes without.
 *
 * @module
 */

/** Bytes that a call reads or writes, or whose address it takes. */
export type LibcBytes = Uint8Array<ArrayBuffer | SharedArrayBuffer>;

/** The calls; each does and returns what `man 2` says. */
export interface Libc {
  getpagesize(): number;
  open(path: LibcBytes, flags: number): number;
  close(file: number): number;
  fcntl(file: number, command: number, argument: number): number;
  fstatfs(file: number, into: LibcBytes): number;
  lseek(file: number, offset: bigint, whence: number): bigint;
  /** returns the address */
  mmap(
    at: LibcBytes,
    length: bigint,
    protection: number,
    flags: number,
    file: number,
    offset: bigint,
  ): bigint;
  madvise(at: LibcBytes, length: bigint, advice: number): number;
  mincore(at: LibcBytes, length: bigint, into: LibcBytes): number;
}

/** Numbers of Linux, the same on every processor that Deno runs on. */
export const LINUX = {
  PROT_READ: 1,
  PROT_WRITE: 2,
  MAP_SHARED: 1,
  MAP_PRIVATE: 2,
  MAP_FIXED: 0x10,
  MAP_ANONYMOUS: 0x20,
  MAP_NORESERVE: 0x4000,
  MADV_WILLNEED: 3,
  MADV_DONTNEED: 4,
  MADV_HUGEPAGE: 14,
  MADV_NOHUGEPAGE: 15,
  MADV_COLD: 20,
  MADV_POPULATE_READ: 22,
  SEEK_END: 2,
  O_CLOEXEC: 0o2000000,
  F_SETSIG: 10,
  F_SETLEASE: 1024,
  F_GETLEASE: 1025,
  F_RDLCK: 0,
  F_UNLCK: 2,
  SIGURG: 23,
} as const;

const NAME = "libc.so.6";

const CALLS = {
  getpagesize: { parameters: [], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  fstatfs: { parameters: ["i32", "buffer"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  mmap: { parameters: ["buffer", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
  madvise: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  mincore: { parameters: ["buffer", "usize", "buffer"], result: "i32" },
} as const;

let found: { readonly calls: Libc | undefined } | undefined;

/** The calls, or undefined where there are none. Never asks the user. */
export function libc(): Libc | undefined {
  return (found ??= { calls: find() }).calls;
}

function find(): Libc | undefined {
  if (typeof Deno === "undefined" || Deno.build.os !== "linux") return undefined;
  try {
    const { state } = Deno.permissions.querySync({ name: "ffi", path: NAME });
    // Deno takes views of shared memory as well, but its types do not say so.
    return state === "granted" ? Deno.dlopen(NAME, CALLS).symbols as unknown as Libc : undefined;
  } catch {
    return undefined;
  }
}
