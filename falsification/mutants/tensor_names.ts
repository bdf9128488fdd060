import {
  type Architecture,
  ARCHITECTURES,
  FUSED_PARTS,
  type FusedRole,
  type MissingRole,
  requiredRoles,
  type Role,
  roleOf,
  type RolePlace,
  tensorName,
} from "../../contracts/mod.ts";
import { ARCHITECTURE_MAP, NAMES } from "../../contracts/tensor_names.ts";
import { type Names, tensorNames } from "../tensor_names/tensor_names.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

/** The engine's own names, with some of the answers replaced. */
function names(broken: (own: Names) => Partial<Names>): () => Promise<Names> {
  return async () => {
    const own = await tensorNames.subject();
    return { ...own, ...broken(own) };
  };
}

const fusedRoles = Object.keys(FUSED_PARTS) as FusedRole[];

const parts = (role: Role): readonly Role[] => FUSED_PARTS[role as FusedRole] ?? [];

/** Whether a required role is met by the roles of a layer's tensors. */
function isMet(role: Role, present: ReadonlySet<Role>): boolean {
  const whole = fusedRoles.some((fused) => present.has(fused) && parts(fused).includes(role));
  const inParts = parts(role).length > 0 && parts(role).every((part) => present.has(part));
  return present.has(role) || whole || inParts;
}

/** Resolving in plain TypeScript, with one of its parts replaced. */
function resolver({ find = roleOf, required = requiredRoles, met = isMet }: {
  find?: Names["roleOf"];
  required?: Names["requiredRoles"];
  met?: typeof isMet;
}): Names["resolveNames"] {
  return (architecture, tensorNames, layers) => {
    const found = new Map<string, RolePlace>();
    const unmapped: string[] = [];
    for (const name of tensorNames) {
      const place = find(architecture, name);
      if (place && (place.layer === undefined || place.layer < layers)) found.set(name, place);
      else unmapped.push(name);
    }
    const { global, layer, fused } = required(architecture);
    const missingAt = (roles: Role[], layer: number | undefined): MissingRole[] => {
      const here = [...found.values()].filter((place) => place.layer === layer);
      const present = new Set(here.map(({ role }) => role));
      const position = layer === undefined ? {} : { layer };
      return roles.filter((role) => !met(role, present)).map((role) => ({
        role,
        layer,
        name: tensorName(architecture, role, "gguf", position)!,
      }));
    };
    const missing = missingAt(global, undefined);
    for (let n = 0; n < layers; n++) missing.push(...missingAt([...layer, ...fused], n));
    return { found, missing, unmapped };
  };
}

/** The architecture itself, or the first other one that has a GGUF name for the role. */
function anyWith(architecture: Architecture, role: Role): Architecture {
  const first = ARCHITECTURES.find((other) => NAMES[other][role]?.gguf !== undefined);
  return NAMES[architecture][role]?.gguf === undefined ? first ?? architecture : architecture;
}

/** A role by any architecture's name for it, the architecture's own first. */
function anyRoleOf(architecture: Architecture, name: string): RolePlace | undefined {
  return [architecture, ...ARCHITECTURES].map((other) => roleOf(other, name)).find(Boolean);
}

/** Layers counted from 1 where they are read, from 0 where they are written. */
function laterRoleOf(architecture: Architecture, name: string): RolePlace | undefined {
  const place = roleOf(architecture, name);
  return place?.layer === undefined ? place : { ...place, layer: place.layer - 1 };
}

/** An object in place of a map: it inherits `constructor` and others. */
const architectures = Object.fromEntries(ARCHITECTURE_MAP);

export const tensorNamesMutants: BoundMutant[] = mutants(tensorNames, [
  {
    name: "GGUF names that fall back on other architectures'",
    caughtBy: ["F-TNV-003", "F-TNV-007"],
    subject: names(() => ({
      tensorName: (architecture, role, namespace, position) =>
        tensorName(
          namespace === "gguf" ? anyWith(architecture, role) : architecture,
          role,
          namespace,
          position,
        ),
      roleOf: anyRoleOf,
      resolveNames: resolver({ find: anyRoleOf }),
    })),
  },
  {
    name: "dense feed-forward required of every architecture",
    caughtBy: ["F-TNV-003", "F-TNV-004", "F-TNV-010"],
    subject: names(() => ({
      requiredRoles(architecture) {
        const { global, layer, fused } = requiredRoles(architecture);
        return { global, layer: [...new Set([...layer, "ffn_up", "ffn_down"] as const)], fused };
      },
    })),
  },
  {
    name: "normalization that throws for what it does not know",
    caughtBy: ["F-TNV-001"],
    subject: names((own) => ({
      normalizeArchitecture(name) {
        if (!own.isKnownArchitecture(name)) throw new RangeError(`no architecture '${name}'`);
        return own.normalizeArchitecture(name);
      },
    })),
  },
  {
    name: "normalization that answers undefined for what it does not know",
    caughtBy: ["F-TNV-001"],
    subject: names(() => ({
      normalizeArchitecture: (name) => ARCHITECTURE_MAP.get(name.toLowerCase())!,
    })),
  },
  {
    name: "a mixture taken for the dense architecture whose name it bears",
    caughtBy: ["F-TNV-013"],
    subject: names((own) => ({ normalizeArchitecture: (name) => own.normalizeArchitecture(name) })),
  },
  {
    name: "every file with experts taken for a mixtral",
    caughtBy: ["F-TNV-013"],
    subject: names((own) => ({
      normalizeArchitecture: (name, experts = 0) =>
        experts > 0 ? "mixtral" : own.normalizeArchitecture(name),
    })),
  },
  {
    name: "letter case that counts",
    caughtBy: ["F-TNV-001", "F-TNV-011"],
    subject: names(() => ({
      normalizeArchitecture: (name) => ARCHITECTURE_MAP.get(name) ?? "llama",
      isKnownArchitecture: (name) => ARCHITECTURE_MAP.has(name),
    })),
  },
  {
    name: "architectures looked up in an object",
    caughtBy: ["F-TNV-001", "F-TNV-011"],
    subject: names(() => ({
      normalizeArchitecture: (name) => architectures[name.toLowerCase()] ?? "llama",
      isKnownArchitecture: (name) => name.toLowerCase() in architectures,
    })),
  },
  {
    name: "architectures known by how their names begin",
    caughtBy: ["F-TNV-011"],
    subject: names(() => ({
      isKnownArchitecture: (name) =>
        ARCHITECTURES.some((architecture) => name.toLowerCase().startsWith(architecture)) ||
        ARCHITECTURE_MAP.has(name.toLowerCase()),
    })),
  },
  {
    name: "optional tensors reported as missing",
    caughtBy: ["F-TNV-002", "F-TNV-007"],
    subject: names(() => ({
      resolveNames: resolver({
        required(architecture) {
          const { global, layer, fused } = requiredRoles(architecture);
          const head = NAMES[architecture].output?.gguf === undefined ? [] : ["output"] as const;
          return { global: [...new Set([...global, ...head])], layer, fused };
        },
      }),
    })),
  },
  {
    name: "tensors without a role left out in silence",
    caughtBy: ["F-TNV-003", "F-TNV-007"],
    subject: names((own) => ({
      resolveNames: (...file) => ({ ...own.resolveNames(...file), unmapped: [] }),
    })),
  },
  {
    name: "layers of tensors off by one",
    caughtBy: ["F-TNV-002", "F-TNV-005", "F-TNV-007"],
    subject: names(() => ({
      roleOf: laterRoleOf,
      resolveNames: resolver({ find: laterRoleOf }),
    })),
  },
  {
    name: "layers of one digit only",
    caughtBy: ["F-TNV-002", "F-TNV-005"],
    subject: names(() => {
      const find: Names["roleOf"] = (architecture, name) =>
        /^blk\.\d{2}/.test(name) ? undefined : roleOf(architecture, name);
      return { roleOf: find, resolveNames: resolver({ find }) };
    }),
  },
  {
    name: "only the first layer looked at",
    caughtBy: ["F-TNV-007"],
    subject: names((own) => ({
      resolveNames(...file) {
        const { missing, ...rest } = own.resolveNames(...file);
        return { ...rest, missing: missing.filter(({ layer }) => !layer) };
      },
    })),
  },
  {
    name: "a file's tensors held against nothing",
    caughtBy: ["F-TNV-002", "F-TNV-009"],
    subject: names((own) => ({
      resolveNames: (architecture, _, layers) => own.resolveNames(architecture, [], layers),
    })),
  },
  {
    name: "fused tensors that do not stand for their parts",
    caughtBy: ["F-TNV-008"],
    subject: names(() => ({
      resolveNames: resolver({ met: (role, present) => present.has(role) }),
    })),
  },
  {
    name: "any part standing for the fused tensor",
    caughtBy: ["F-TNV-008"],
    subject: names(() => ({
      resolveNames: resolver({
        met: (role, present) =>
          isMet(role, present) || parts(role).some((part) => present.has(part)),
      }),
    })),
  },
  {
    name: "gate and up projections of checkpoints mistaken for each other",
    caughtBy: ["F-TNV-004"],
    subject: names(() => ({
      tensorName(architecture, role, namespace, position) {
        const others: Partial<Record<Role, Role>> = {
          ffn_gate_exps: "ffn_up_exps",
          ffn_up_exps: "ffn_gate_exps",
        };
        const taken = namespace === "hf" && others[role] || role;
        return tensorName(architecture, taken, namespace, position);
      },
    })),
  },
  {
    name: "query and key norms not required",
    caughtBy: ["F-TNV-004"],
    subject: names(() => ({
      requiredRoles(architecture) {
        const { global, layer, fused } = requiredRoles(architecture);
        return { global, layer: layer.filter((role) => !/^attn_[qk]_norm$/.test(role)), fused };
      },
    })),
  },
  {
    name: "experts without names in checkpoints",
    caughtBy: ["F-TNV-004", "F-TNV-010"],
    subject: names(() => ({
      tensorName: (architecture, role, namespace, position) =>
        namespace === "hf" && role.endsWith("_exps")
          ? undefined
          : tensorName(architecture, role, namespace, position),
    })),
  },
  {
    name: "layer 0 where none is given",
    caughtBy: ["F-TNV-012"],
    subject: names(() => ({
      tensorName: (architecture, role, namespace, position) =>
        tensorName(architecture, role, namespace, { layer: 0, ...position }),
    })),
  },
  {
    name: "placeholders left in where nothing is given",
    caughtBy: ["F-TNV-012"],
    subject: names(() => ({
      tensorName: (architecture, role, namespace, { layer, expert } = {}) =>
        NAMES[architecture][role]?.[namespace]
          ?.replace("{n}", String(layer ?? "{n}"))
          .replace("{e}", String(expert ?? "{e}")),
    })),
  },
  {
    name: "a stale table",
    caughtBy: ["F-TNV-006"],
    subject: names((own) => ({
      async table() {
        const { committed, generated } = await own.table();
        const stale = committed.replace("blk.{n}.ffn_gate_inp.weight", "blk.{n}.router.weight");
        return { committed: stale, generated };
      },
    })),
  },
]);
