/** What several tests of this room share; it holds no test itself. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type GgufDeclaration, type GgufLayout, layoutGguf, writeGguf } from "./writer.ts";

/** Path of a published vocabulary, and options for a test that needs it. */
export function vocabulary(name: string): { path: string; ignore: boolean; suffix: string } {
  const path = fileURLToPath(new URL(`../../shared/vocab/${name}`, import.meta.url));
  const ignore = !existsSync(path);
  return { path, ignore, suffix: ignore ? " (skipped: no ../shared)" : "" };
}

/** Calls `use` with the path of a new directory and removes it after. */
export async function inDirectory(use: (path: (name: string) => string) => Promise<void>) {
  const directory = mkdtempSync(join(tmpdir(), "gguf-"));
  try {
    await use((name) => join(directory, name));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The bytes of a file whose tensors' data are the bytes 1, 2, 3, … (each tensor from 1). */
export async function fileOf(
  declaration: GgufDeclaration,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; layout: GgufLayout }> {
  const layout = layoutGguf(declaration);
  const bytes = new Uint8Array(layout.size);
  let length = 0;
  await writeGguf(
    {
      write(chunk) {
        bytes.set(chunk, length);
        length += chunk.length;
        return Promise.resolve();
      },
    },
    layout,
    (tensor) => [countingBytes(tensor.bytes)],
  );
  return { bytes, layout };
}

/** The bytes 1, 2, … 255, 0, 1, …. */
export function countingBytes(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => index + 1);
}

/** A small file with every kind of value and three tensors. */
export const SAMPLE: GgufDeclaration = {
  metadata: [
    { key: "general.architecture", type: "string", value: "qwen3moe" },
    { key: "a.u8", type: "u8", value: 255 },
    { key: "a.i8", type: "i8", value: -128 },
    { key: "a.u16", type: "u16", value: 65_535 },
    { key: "a.i16", type: "i16", value: -32_768 },
    { key: "a.u32", type: "u32", value: 4_294_967_295 },
    { key: "a.i32", type: "i32", value: -2_147_483_648 },
    { key: "a.f32", type: "f32", value: 0.5 },
    { key: "a.f64", type: "f64", value: 1e-6 },
    { key: "a.u64", type: "u64", value: 2n ** 64n - 1n },
    { key: "a.i64", type: "i64", value: -5 },
    { key: "a.bool", type: "bool", value: true },
    { key: "b.strings", type: "array", of: "string", value: ["a", "", "Ġthe", "🙂", "\uFEFF"] },
    { key: "b.numbers", type: "array", of: "i32", value: Int32Array.of(1, -2, 3) },
    { key: "b.floats", type: "array", of: "f32", value: Float32Array.of(0.25, -1) },
    { key: "b.bools", type: "array", of: "bool", value: [true, false] },
    { key: "b.large", type: "array", of: "u64", value: BigUint64Array.of(1n, 2n ** 60n) },
  ],
  tensors: [
    { name: "token_embd.weight", type: "Q4_K", shape: [256, 3] },
    { name: "blk.0.ffn_gate_exps.weight", type: "Q8_0", shape: [32, 2, 4] },
    { name: "output_norm.weight", type: "F32", shape: [5] },
  ],
};
