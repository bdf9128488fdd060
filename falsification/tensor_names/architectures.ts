/**
 * The tests of contract tensor-names-v1 that speak of architectures' own names.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Architecture, ARCHITECTURES } from "../../contracts/mod.ts";
import { randomFloats } from "../../kernels/comparing.ts";
import type { FalsificationTest } from "../falsification.ts";
import { PUBLISHED_ARCHITECTURES } from "./published_names.ts";
import type { Names } from "./tensor_names.ts";

/** Names of nothing: what objects inherit, what differs from a known name, and what is no text. */
const UNLISTED = [
  ["", " ", "\0", "__proto__", "constructor", "prototype", "toString", "valueOf", "hasOwnProperty"],
  [" qwen3moe", "qwen3moe ", "qwen3moe\n", "qwen3moe\0", "qwen3-moe", "qwen3moes", "wen3moe"],
  ["mamba", "rwkv7", "\ud83d", "\udfff\ud800", "\uff4c\uff4c\uff41\uff4d\uff41", "l".repeat(1e5)],
].flat();

/** Strings that look random and are always the same: of all UTF-16 units, and of ASCII alone. */
function* randomStrings(): Generator<string> {
  for (let seed = 1; seed <= 300; seed++) {
    for (const characters of [65_536, 128]) {
      const units = randomFloats(seed, 1 + seed % 40).map((x) => (x + 1) / 2 * characters);
      yield String.fromCharCode(...units);
    }
  }
}

/** Every spelling that is published, with the architecture's key. */
function* publishedSpellings(): Generator<[string, Architecture]> {
  for (const [architecture, names] of Object.entries(PUBLISHED_ARCHITECTURES)) {
    for (const name of names.split(" ")) yield [name, architecture as Architecture];
  }
}

/** The tests of architectures' names. */
export const architectureTests: readonly FalsificationTest<Names>[] = [
  {
    id: "F-TNV-001",
    title: "normalization answers a canonical key for every string",
    run({ normalizeArchitecture }) {
      for (const [name, architecture] of publishedSpellings()) {
        for (const spelt of [name, name.toUpperCase(), name.toLowerCase()]) {
          assert.equal(normalizeArchitecture(spelt), architecture, spelt);
        }
      }
      for (const architecture of ARCHITECTURES) {
        assert.equal(normalizeArchitecture(architecture), architecture);
      }
      const normalized = (name: string) => {
        assert.doesNotThrow(() => normalizeArchitecture(name), JSON.stringify(name));
        return normalizeArchitecture(name);
      };
      for (const name of UNLISTED) assert.equal(normalized(name), "llama", JSON.stringify(name));
      for (const name of randomStrings()) {
        assert.ok(ARCHITECTURES.includes(normalized(name)), JSON.stringify(name));
      }
    },
  },
  {
    id: "F-TNV-013",
    title: "a llama with experts is a mixtral, and nothing else changes with experts",
    run({ normalizeArchitecture }) {
      for (const name of ["llama", "LLAMA", "LlamaForCausalLM"]) {
        assert.equal(normalizeArchitecture(name, 0), "llama", name);
        for (const experts of [1, 8]) {
          assert.equal(normalizeArchitecture(name, experts), "mixtral", `${experts} experts`);
        }
      }
      for (const [name, architecture] of publishedSpellings()) {
        if (architecture === "llama") continue;
        for (const experts of [0, 1, 8]) {
          assert.equal(normalizeArchitecture(name, experts), architecture, `${name}, ${experts}`);
        }
      }
    },
  },
  {
    id: "F-TNV-011",
    title: "a name that the contract does not list is never taken for known",
    run({ isKnownArchitecture }) {
      for (const [name] of publishedSpellings()) {
        for (const spelt of [name, name.toUpperCase()]) {
          assert.equal(isKnownArchitecture(spelt), true, spelt);
        }
      }
      for (const name of UNLISTED) {
        assert.equal(isKnownArchitecture(name), false, JSON.stringify(name));
      }
      // Names consist of these; the Kelvin sign is a k in lower case.
      const strange = Array.from(randomStrings()).filter((name) => /[^\w.\u212a]/.test(name));
      assert.ok(strange.length > 500);
      for (const name of strange) {
        assert.equal(isKnownArchitecture(name), false, JSON.stringify(name));
      }
    },
  },
];
