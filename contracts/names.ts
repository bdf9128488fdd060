/**
 * Tensor names: from an architecture and a role to the name, and back. The rules and the names are
 * those of `tensor-names-v1.yaml`.
 *
 * @module
 */

import {
  type Architecture,
  ARCHITECTURE_MAP,
  FUSED_PARTS,
  type FusedRole,
  GLOBAL_ROLES,
  type GlobalRole,
  LAYER_ROLES,
  type LayerRole,
  MIXTURES,
  NAMES,
  type Role,
  UNKNOWN_ARCHITECTURE,
} from "./tensor_names.ts";

/** Where a model is stored: a GGUF file, or a Hugging Face checkpoint. */
export type Namespace = "gguf" | "hf";

/** Which of the tensors that share a role. */
export interface TensorPosition {
  /** The layer, from 0. */
  layer?: number;
  /** The expert, from 0. Only checkpoints name experts one by one. */
  expert?: number;
}

/** A tensor's role, and its layer unless the role is a global one. */
export interface RolePlace {
  /** The part it plays. */
  role: Role;
  /** The layer, from 0. */
  layer: number | undefined;
}

/** A required role that no tensor has, and the name that its tensor would bear. */
export interface MissingRole extends RolePlace {
  /** The GGUF name that was looked for. */
  name: string;
}

/** What {@linkcode resolveNames} found out about the tensors of a file. */
export interface NameResolution {
  /** Tensor name → its role. */
  found: ReadonlyMap<string, RolePlace>;
  /** Required roles without a tensor: the global ones, then layer by layer. */
  missing: MissingRole[];
  /** Tensors that have no role in this architecture. */
  unmapped: string[];
}

/** The roles that an architecture can't be without. */
export interface RequiredRoles {
  /** Once per model. */
  global: GlobalRole[];
  /** Once per layer. */
  layer: LayerRole[];
  /** Once per layer; a fused tensor's parts, all of them, do as well. */
  fused: FusedRole[];
}

/** Far above the deepest models (about 130 layers), and cheap to walk if a header lies. */
const LARGEST_LAYER_COUNT = 4096;

const FUSED_ROLES = Object.keys(FUSED_PARTS) as FusedRole[];

/** How the GGUF template of a layer's tensor begins. */
const LAYER_PREFIX = "blk.{n}.";

/** A layer's tensor in GGUF; leading zeros would give one tensor two names. */
const GGUF_LAYER_NAME = /^blk\.(0|[1-9][0-9]*)\.([^]*)$/;

/**
 * The canonical key of an architecture: of a class name in `config.json`, of GGUF's
 * `general.architecture`, or of a model type. Letter case does not matter. A name that is not in the
 * contract gives `"llama"`, so ask {@linkcode isKnownArchitecture} before computing with the answer.
 *
 * @param experts how many experts a GGUF file states: a mixture may bear a dense architecture's name
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { normalizeArchitecture } from "./mod.ts";
 *
 * assert.equal(normalizeArchitecture("Qwen3MoeForCausalLM"), "qwen3_moe");
 * assert.equal(normalizeArchitecture("qwen3moe"), "qwen3_moe");
 * assert.equal(normalizeArchitecture("no such thing"), "llama");
 * assert.equal(normalizeArchitecture("llama", 8), "mixtral");
 * ```
 */
export function normalizeArchitecture(name: string, experts = 0): Architecture {
  const architecture = ARCHITECTURE_MAP.get(name.toLowerCase()) ?? UNKNOWN_ARCHITECTURE;
  return experts > 0 ? MIXTURES.get(architecture) ?? architecture : architecture;
}

/** Whether the contract lists a name, so that {@linkcode normalizeArchitecture} did not guess. */
export function isKnownArchitecture(name: string): boolean {
  return ARCHITECTURE_MAP.has(name.toLowerCase());
}

/**
 * The complete name of the tensor that has a role, or `undefined` where the architecture has no such
 * tensor.
 *
 * @throws {RangeError} If the name depends on a layer or an expert that `position` does not give as
 * an integer from 0.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { tensorName } from "./mod.ts";
 *
 * assert.equal(tensorName("qwen3", "ffn_up", "gguf", { layer: 7 }), "blk.7.ffn_up.weight");
 * assert.equal(tensorName("qwen3_moe", "ffn_up", "gguf", { layer: 7 }), undefined);
 * assert.equal(
 *   tensorName("qwen3_moe", "ffn_up_exps", "hf", { layer: 7, expert: 3 }),
 *   "model.layers.7.mlp.experts.3.up_proj.weight",
 * );
 * ```
 */
export function tensorName(
  architecture: Architecture,
  role: Role,
  namespace: Namespace,
  position: TensorPosition = {},
): string | undefined {
  const template = NAMES[architecture][role]?.[namespace];
  if (template === undefined) return undefined;
  const number = (what: "layer" | "expert") => {
    const value = position[what];
    if (value === undefined || !Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`'${what}' must be an integer from 0 to fill in '${template}'`);
    }
    return String(value);
  };
  return template
    .replace("{n}", () => number("layer"))
    .replace("{e}", () => number("expert"));
}

/** The roles that every model of an architecture must fill. */
export function requiredRoles(architecture: Architecture): RequiredRoles {
  const isRequired = (role: Role) => NAMES[architecture][role]?.required === true;
  return {
    global: GLOBAL_ROLES.filter(isRequired),
    layer: LAYER_ROLES.filter(isRequired),
    fused: FUSED_ROLES.filter(isRequired),
  };
}

/** The role of a tensor of a GGUF file, or `undefined` if the architecture has no such tensor. */
export function roleOf(architecture: Architecture, tensorName: string): RolePlace | undefined {
  const { global, layer } = ggufIndex(architecture);
  const match = GGUF_LAYER_NAME.exec(tensorName);
  if (match === null) {
    const role = global.get(tensorName);
    return role && { role, layer: undefined };
  }
  const role = layer.get(match[2]!);
  return role && { role, layer: Number(match[1]) };
}

/**
 * Holds the tensors of a GGUF file against what its architecture requires, in both directions: does
 * every required role have a tensor, in every layer, and does every tensor have a role?
 *
 * A fused tensor stands for its parts (`attn_qkv` for `attn_q`, `attn_k` and `attn_v`), and all of
 * the parts for the fused tensor.
 *
 * @param tensorNames the names in the file
 * @param layers how many layers the file says it has; a tensor of a later one is unmapped
 * @throws {RangeError} If `layers` is not an integer from 0 to 4096.
 */
export function resolveNames(
  architecture: Architecture,
  tensorNames: Iterable<string>,
  layers: number,
): NameResolution {
  if (!Number.isInteger(layers) || layers < 0 || layers > LARGEST_LAYER_COUNT) {
    throw new RangeError(`'layers' must be an integer from 0 to ${LARGEST_LAYER_COUNT}`);
  }
  const found = new Map<string, RolePlace>();
  const unmapped: string[] = [];
  const globalRoles = new Set<Role>();
  const layerRoles = Array.from({ length: layers }, () => new Set<Role>());
  for (const name of tensorNames) {
    const place = roleOf(architecture, name);
    const roles = place?.layer === undefined ? globalRoles : layerRoles[place.layer];
    if (place === undefined || roles === undefined) {
      unmapped.push(name);
      continue;
    }
    found.set(name, place);
    roles.add(place.role);
  }

  const required = requiredRoles(architecture);
  const missing = missingRoles(architecture, required.global, globalRoles, undefined);
  const ofLayer = [...required.layer, ...required.fused];
  for (const [layer, roles] of layerRoles.entries()) {
    missing.push(...missingRoles(architecture, ofLayer, roles, layer));
  }
  return { found, missing, unmapped };
}

function missingRoles(
  architecture: Architecture,
  required: Role[],
  present: ReadonlySet<Role>,
  layer: number | undefined,
): MissingRole[] {
  const position = layer === undefined ? {} : { layer };
  return required
    .filter((role) => !isSatisfied(role, present))
    .map((role) => ({
      role,
      layer,
      // The contract gives every required role a GGUF name; the generator refuses it otherwise.
      name: tensorName(architecture, role, "gguf", position)!,
    }));
}

function isSatisfied(role: Role, present: ReadonlySet<Role>): boolean {
  return present.has(role) || FUSED_ROLES.some((fused) => {
    const parts: readonly Role[] = FUSED_PARTS[fused];
    return fused === role
      ? parts.every((part) => present.has(part))
      : present.has(fused) && parts.includes(role);
  });
}

/** The GGUF names of an architecture, the other way round. */
interface GgufIndex {
  /** Name → role. */
  global: Map<string, Role>;
  /** What follows {@linkcode LAYER_PREFIX} → role. */
  layer: Map<string, Role>;
}

const indexes = new Map<Architecture, GgufIndex>();

function ggufIndex(architecture: Architecture): GgufIndex {
  let index = indexes.get(architecture);
  if (index === undefined) {
    index = { global: new Map(), layer: new Map() };
    for (const [role, { gguf }] of Object.entries(NAMES[architecture])) {
      if (gguf === undefined) continue;
      if (!gguf.startsWith(LAYER_PREFIX)) index.global.set(gguf, role as Role);
      else index.layer.set(gguf.slice(LAYER_PREFIX.length), role as Role);
    }
    indexes.set(architecture, index);
  }
  return index;
}
