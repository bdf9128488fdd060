/**
 * The table of names: `tensor-names-v1.yaml` → `tensor_names.ts`.
 *
 * @module
 */
import { parse } from "yaml";
import { LINE_WIDTH, list, origin, union } from "./generated_source.ts";

/** An architecture or a family of them → a value. */
type PerArchitecture<T> = Record<string, T>;

interface RoleEntry {
  parts?: string[];
  required: boolean;
  required_per_arch?: PerArchitecture<boolean>;
  names: { gguf: PerArchitecture<string | null>; hf: PerArchitecture<string | null> };
}

interface TensorNamesContract {
  metadata: { id: string; version: string };
  architecture_map: Record<string, string>;
  unknown_architecture: string;
  mixtures: Record<string, string>;
  families: Record<string, string[]>;
  global_roles: Record<string, RoleEntry>;
  layer_roles: Record<string, RoleEntry>;
  fused_roles: Record<string, RoleEntry>;
}

/**
 * The source of `tensor_names.ts`, formatted as `deno fmt` would.
 *
 * @param yaml the text of `tensor-names-v1.yaml`
 * @throws {Error} If the text is not YAML, or names an architecture, family or part that is not
 * there, or names one thing twice.
 */
export function generateTensorNames(yaml: string): string {
  const contract = parse(yaml) as TensorNamesContract;
  const { metadata, families, global_roles, layer_roles, fused_roles } = contract;
  const architectures = families["all"] ?? [];
  checkFamilies(families, architectures);
  checkRoles(global_roles, layer_roles, fused_roles);

  return [
    header(metadata.id, metadata.version),
    union("Architecture", "A canonical architecture key.", architectures),
    union("GlobalRole", "The part of a tensor outside the layers.", Object.keys(global_roles)),
    union("LayerRole", "The part of a tensor of a layer.", Object.keys(layer_roles)),
    union("FusedRole", "A tensor that holds several layer roles.", Object.keys(fused_roles)),
    TYPES,
    list("ARCHITECTURES", "Every canonical architecture key.", "Architecture", architectures),
    list("GLOBAL_ROLES", "Every global role.", "GlobalRole", Object.keys(global_roles)),
    list("LAYER_ROLES", "Every layer role.", "LayerRole", Object.keys(layer_roles)),
    fusedParts(fused_roles),
    architectureMap(contract, architectures),
    namesTable({ ...global_roles, ...layer_roles, ...fused_roles }, families, architectures),
  ].join("\n");
}

/** Families may list only architectures, each once, or a misspelling would silently drop one. */
function checkFamilies(families: Record<string, string[]>, architectures: string[]): void {
  for (const [family, members] of Object.entries(families)) {
    if (architectures.includes(family)) {
      throw new Error(`families.${family}: an architecture has that name`);
    }
    if (new Set(members).size !== members.length) {
      throw new Error(`families.${family}: lists an architecture twice`);
    }
    for (const member of members) {
      if (!architectures.includes(member)) {
        throw new Error(`families.${family}: '${member}' is not in families.all`);
      }
    }
  }
}

function checkRoles(
  global: Record<string, RoleEntry>,
  layer: Record<string, RoleEntry>,
  fused: Record<string, RoleEntry>,
): void {
  const names = [global, layer, fused].flatMap(Object.keys);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${twice}: stands in two groups of roles`);
  for (const [role, { parts = [] }] of Object.entries(fused)) {
    const stranger = parts.find((part) => !Object.hasOwn(layer, part));
    if (stranger !== undefined) throw new Error(`${role}: part '${stranger}' is no layer role`);
  }
}

/** Values by architecture: an architecture's own beats its family's, two families are an error. */
function expandFamilies<T>(
  where: string,
  values: PerArchitecture<T>,
  families: Record<string, string[]>,
  architectures: string[],
): Map<string, T> {
  const own = new Map<string, T>();
  const inherited = new Map<string, T>();
  for (const [key, value] of Object.entries(values)) {
    const family = families[key];
    if (family === undefined) {
      if (!architectures.includes(key)) {
        throw new Error(`${where}: '${key}' is neither an architecture nor a family`);
      }
      own.set(key, value);
      continue;
    }
    for (const member of family) {
      if (inherited.has(member) && !Object.hasOwn(values, member)) {
        throw new Error(`${where}: two families answer for '${member}', give it a key of its own`);
      }
      inherited.set(member, value);
    }
  }
  return new Map([...inherited, ...own]);
}

function header(id: string, version: string): string {
  return `${origin(id)}
/** The contract that this table was generated from. */
export const CONTRACT: string = "${id}";

/** Its version. */
export const CONTRACT_VERSION: string = "${version}";
`;
}

const TYPES = `/** The part that a tensor plays in a model. */
export type Role = GlobalRole | LayerRole | FusedRole;

/** What an architecture says of one role: \`{n}\` is the layer, \`{e}\` the expert. */
export interface RoleNames {
  /** Whether a model can't be without it. */
  readonly required: boolean;
  /** The template of its name in a GGUF file. */
  readonly gguf?: string;
  /** The template of its name in a Hugging Face checkpoint. */
  readonly hf?: string;
}
`;

function fusedParts(fused: Record<string, RoleEntry>): string {
  const lines = Object.entries(fused).map(([role, entry]) =>
    `  ${role}: [${(entry.parts ?? []).map((part) => JSON.stringify(part)).join(", ")}],\n`
  );
  return `/** The layer roles that each fused tensor holds, in the order in which it holds them. */
export const FUSED_PARTS: Readonly<Record<FusedRole, readonly LayerRole[]>> = {
${lines.join("")}};
`;
}

function architectureMap(contract: TensorNamesContract, architectures: string[]): string {
  const map = new Map<string, string>();
  for (const [name, key] of Object.entries(contract.architecture_map)) {
    if (!architectures.includes(key)) {
      throw new Error(`architecture_map.${name}: '${key}' is not in families.all`);
    }
    const lower = name.toLowerCase();
    if ((map.get(lower) ?? key) !== key) {
      throw new Error(`architecture_map.${name}: in another letter case it means another thing`);
    }
    map.set(lower, key);
  }
  const lines = [...map].map(([name, key]) => `  [${JSON.stringify(name)}, "${key}"],\n`);
  return `/** Lower-case class name, GGUF architecture or model type → canonical key. */
export const ARCHITECTURE_MAP: ReadonlyMap<string, Architecture> = new Map([
${lines.join("")}]);

/** What stands for a name that is not in the map. */
export const UNKNOWN_ARCHITECTURE: Architecture = "${contract.unknown_architecture}";

${mixtures(contract.mixtures, architectures)}`;
}

function mixtures(pairs: Record<string, string>, architectures: string[]): string {
  for (const name of Object.entries(pairs).flat()) {
    if (!architectures.includes(name)) {
      throw new Error(`mixtures: '${name}' is not in families.all`);
    }
  }
  const lines = Object.entries(pairs).map(([dense, mixture]) => `  ["${dense}", "${mixture}"],\n`);
  return `/** Architecture → the mixture that goes by the same name in GGUF. */
export const MIXTURES: ReadonlyMap<Architecture, Architecture> = new Map([
${lines.join("")}]);
`;
}

function namesTable(
  roles: Record<string, RoleEntry>,
  families: Record<string, string[]>,
  architectures: string[],
): string {
  const rows = new Map<string, string>(architectures.map((architecture) => [architecture, ""]));
  for (const [role, entry] of Object.entries(roles)) {
    const expand = <T>(field: string, values: PerArchitecture<T>) =>
      expandFamilies(`${role}.${field}`, values, families, architectures);
    const required = expand("required_per_arch", entry.required_per_arch ?? {});
    const gguf = expand("names.gguf", entry.names.gguf);
    const hf = expand("names.hf", entry.names.hf);
    for (const [architecture, before] of rows) {
      const names = { gguf: gguf.get(architecture), hf: hf.get(architecture) };
      const isRequired = required.get(architecture) ?? entry.required;
      if (isRequired && !names.gguf) {
        throw new Error(`${role}: ${architecture} requires it and has no GGUF name for it`);
      }
      if (names.gguf || names.hf) {
        rows.set(architecture, before + tableRow(role, isRequired, names.gguf, names.hf));
      }
    }
  }
  const entries = [...rows].map(([architecture, lines]) => `  ${architecture}: {\n${lines}  },\n`);
  return `/** The roles of each architecture. A role that is not here has no tensor in it. */
export const NAMES: Readonly<
  Record<Architecture, Readonly<Partial<Record<Role, RoleNames>>>>
> = {
${entries.join("")}};
`;
}

/** One role of one architecture, on one line if it fits. */
function tableRow(
  role: string,
  required: boolean,
  gguf: string | null | undefined,
  hf: string | null | undefined,
): string {
  const fields = [`required: ${required}`];
  if (gguf) fields.push(`gguf: ${JSON.stringify(gguf)}`);
  if (hf) fields.push(`hf: ${JSON.stringify(hf)}`);
  const line = `    ${role}: { ${fields.join(", ")} },`;
  if (line.length <= LINE_WIDTH) return line + "\n";
  return `    ${role}: {\n${fields.map((field) => `      ${field},\n`).join("")}    },\n`;
}
