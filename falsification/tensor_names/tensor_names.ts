/**
 * The tests of contract tensor-names-v1. Those of single names are here.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  type Architecture,
  ARCHITECTURES,
  CONTRACT,
  FUSED_PARTS,
  type FusedRole,
  GLOBAL_ROLES,
  isKnownArchitecture,
  LAYER_ROLES,
  type NameResolution,
  type Namespace,
  normalizeArchitecture,
  type RequiredRoles,
  requiredRoles,
  resolveNames,
  type Role,
  roleOf,
  type RolePlace,
  tensorName,
  type TensorPosition,
} from "../../contracts/mod.ts";
import { TABLES } from "../../contracts/tables/tables.ts";
import type { Falsification, FalsificationTest } from "../falsification.ts";
import { packageText } from "../package_files.ts";
import {
  PUBLISHED_CHECKPOINT_LAYERS,
  PUBLISHED_GGUF,
  publishedTensors,
} from "./published_names.ts";
import { architectureTests } from "./architectures.ts";
import { fileTests } from "./files.ts";

/** What answers for tensor names, as contracts/mod.ts does for the engine. */
export interface Names {
  /** @param experts how many a GGUF file states */
  normalizeArchitecture(name: string, experts?: number): Architecture;
  isKnownArchitecture(name: string): boolean;
  /** undefined where the architecture has no such tensor */
  tensorName(
    architecture: Architecture,
    role: Role,
    namespace: Namespace,
    position?: TensorPosition,
  ): string | undefined;
  requiredRoles(architecture: Architecture): RequiredRoles;
  roleOf(architecture: Architecture, tensorName: string): RolePlace | undefined;
  resolveNames(
    architecture: Architecture,
    tensorNames: Iterable<string>,
    layers: number,
  ): NameResolution;
  /** the table in use, as TypeScript, and the one that the contract gives */
  table(): Promise<{ committed: string; generated: string }>;
}

const NAMESPACES = ["gguf", "hf"] as const;
const FUSED_ROLES = Object.keys(FUSED_PARTS) as FusedRole[];
const ROLES: readonly Role[] = [...GLOBAL_ROLES, ...LAYER_ROLES, ...FUSED_ROLES];
const PLACE = { layer: 0, expert: 0 };

/** Those whose layers all have experts; the first layers of deepseek and deepseek2 are dense. */
const MIXTURES = ["qwen3_moe", "qwen2_moe", "mixtral"] as const;

function allRequired({ requiredRoles }: Names, architecture: Architecture): Role[] {
  const { global, layer, fused } = requiredRoles(architecture);
  return [...global, ...layer, ...fused];
}

const nameTests: readonly FalsificationTest<Names>[] = [
  {
    id: "F-TNV-003",
    title: "dense feed-forward names never resolve for a mixture",
    run(names) {
      for (const architecture of MIXTURES) {
        for (const role of ["ffn_gate", "ffn_up", "ffn_down", "ffn_gate_up"] as const) {
          for (const namespace of NAMESPACES) {
            const name = names.tensorName(architecture, role, namespace, PLACE);
            assert.equal(name, undefined, `${architecture} has a name for ${role}`);
          }
          assert.equal(names.roleOf(architecture, `blk.0.${role}.weight`), undefined);
          assert.ok(!allRequired(names, architecture).includes(role), architecture);
        }
      }
      const dense = publishedTensors("qwen3", 1).map(({ name }) => name);
      const { missing, unmapped } = names.resolveNames("qwen3_moe", dense, 1);
      assert.deepEqual(missing.map(({ name }) => name).sort(), [
        "blk.0.ffn_down_exps.weight",
        "blk.0.ffn_gate_exps.weight",
        "blk.0.ffn_gate_inp.weight",
        "blk.0.ffn_up_exps.weight",
      ]);
      assert.deepEqual(unmapped.sort(), [
        "blk.0.ffn_down.weight",
        "blk.0.ffn_gate.weight",
        "blk.0.ffn_up.weight",
      ]);
    },
  },
  {
    id: "F-TNV-004",
    title: "required names equal the lists of llama.cpp and transformers",
    run(names) {
      const sorted = (pairs: [string, string | undefined][]) =>
        pairs.map((pair) => pair.join(" is ")).sort();
      for (const architecture of PUBLISHED_GGUF) {
        const own = allRequired(names, architecture).map((role): [Role, string | undefined] => [
          role,
          names.tensorName(architecture, role, "gguf", PLACE),
        ]);
        const published = publishedTensors(architecture, 1)
          .map(({ role, name }): [Role, string] => [role, name]);
        assert.deepEqual(sorted(own), sorted(published), architecture);
      }
      for (const [key, published] of Object.entries(PUBLISHED_CHECKPOINT_LAYERS)) {
        const architecture = key as Architecture;
        const { layer, fused } = names.requiredRoles(architecture);
        const own = [...layer, ...fused].map((role): [Role, string | undefined] => [
          role,
          names.tensorName(architecture, role, "hf", PLACE),
        ]);
        assert.deepEqual(sorted(own), sorted(Object.entries(published)), architecture);
      }
    },
  },
  {
    id: "F-TNV-005",
    title: "a name leads back to its role and its layer",
    run({ tensorName, roleOf }) {
      for (const architecture of ARCHITECTURES) {
        const checkpoint = new Set<string>();
        let named = 0;
        for (const role of ROLES) {
          const global = (GLOBAL_ROLES as readonly Role[]).includes(role);
          for (const layer of global ? [undefined] : [0, 9, 10, 127]) {
            const position = layer === undefined ? {} : { layer };
            const name = tensorName(architecture, role, "gguf", position);
            if (name === undefined) continue;
            named++;
            assert.deepEqual(roleOf(architecture, name), { role, layer }, architecture);
          }
          const name = tensorName(architecture, role, "hf", PLACE);
          if (name === undefined) continue;
          assert.ok(!checkpoint.has(name), `${architecture} gives ${name} to two roles`);
          checkpoint.add(name);
        }
        assert.ok(named > 0 && checkpoint.size > 0, `${architecture} has no names`);
      }
    },
  },
  {
    id: "F-TNV-006",
    title: "the table in use is the one that the contract gives",
    async run({ table }) {
      const { committed, generated } = await table();
      assert.ok(generated.includes(`"${CONTRACT}"`), "the generated table is of another contract");
      assert.equal(committed, generated, "run: deno task generate");
    },
  },
  {
    id: "F-TNV-010",
    title: "every required role of every architecture has a name in both namespaces",
    run(names) {
      for (const architecture of ARCHITECTURES) {
        const required = allRequired(names, architecture);
        assert.ok(required.length > 2, `${architecture} requires ${required.join()}`);
        for (const namespace of NAMESPACES) {
          const isNamed = (role: Role) =>
            names.tensorName(architecture, role, namespace, PLACE) !== undefined;
          for (const role of required) {
            const holders = FUSED_ROLES.filter((fused) =>
              (FUSED_PARTS[fused] as readonly Role[]).includes(role)
            );
            const parts: readonly Role[] = FUSED_PARTS[role as FusedRole] ?? [];
            assert.ok(
              isNamed(role) || holders.some(isNamed) || parts.length > 0 && parts.every(isNamed),
              `${architecture} requires ${role}, which has no ${namespace} name`,
            );
          }
        }
      }
    },
  },
  {
    id: "F-TNV-012",
    title: "a name has its layer and its expert filled in, or is refused",
    run({ tensorName }) {
      for (const architecture of ARCHITECTURES) {
        for (const role of ROLES) {
          for (const namespace of NAMESPACES) {
            const ask = (position: TensorPosition) =>
              tensorName(architecture, role, namespace, position);
            const name = ask({ layer: 7331, expert: 9119 });
            if (name === undefined) continue;
            assert.doesNotMatch(name, /[{}]/);
            const ofLayer = !(GLOBAL_ROLES as readonly Role[]).includes(role);
            const ofExpert = namespace === "hf" && role.endsWith("_exps");
            assert.equal(name.split("7331").length, ofLayer ? 2 : 1, name);
            assert.equal(name.split("9119").length, ofExpert ? 2 : 1, name);
            for (const number of [undefined, -1, 0.5, NaN, Infinity]) {
              const given = number === undefined ? {} : { layer: number };
              if (ofLayer) assert.throws(() => ask({ ...given, expert: 0 }), RangeError, name);
              const chosen = number === undefined ? {} : { expert: number };
              if (ofExpert) assert.throws(() => ask({ layer: 0, ...chosen }), RangeError, name);
            }
          }
        }
      }
    },
  },
];

/** The tests of tensor-names-v1. */
export const tensorNames: Falsification<Names> = {
  contract: "tensor-names-v1",

  subject: () => ({
    normalizeArchitecture,
    isKnownArchitecture,
    tensorName,
    requiredRoles,
    roleOf,
    resolveNames,
    async table() {
      const { path, generate } = TABLES.find(({ contract }) => contract === CONTRACT)!;
      const yaml = await packageText(`contracts/${CONTRACT}.yaml`);
      return { committed: await packageText(path), generated: generate(yaml) };
    },
  }),

  tests: [...architectureTests, ...nameTests, ...fileTests].sort((a, b) => a.id < b.id ? -1 : 1),
};
