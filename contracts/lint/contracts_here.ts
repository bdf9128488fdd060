import { dirname } from "node:path";
import type { Contract, Equation } from "../validation/contract.ts";

/** The contracts that are to be judged, among those that they may refer to. */
export class ContractsHere {
  readonly #byName: ReadonlyMap<string, readonly Contract[]>;
  readonly #owners = new Map<Equation, Contract>();

  constructor(
    /** the ones to judge */
    readonly judged: readonly Contract[],
    /** the others in their folders */
    beside: readonly Contract[],
  ) {
    const all = [...judged, ...beside];
    this.#byName = Map.groupBy(all, ({ name }) => name);
    for (const contract of all) {
      for (const equation of contract.equations) this.#owners.set(equation, contract);
    }
  }

  /** Every contract. */
  get all(): Contract[] {
    return [...this.#byName.values()].flat();
  }

  /** The contract that another one calls by its name, best of the same folder. */
  find(name: string, caller: Contract): Contract | undefined {
    const named = this.#byName.get(name) ?? [];
    const folder = dirname(caller.path);
    return named.find(({ path }) => dirname(path) === folder) ?? named[0];
  }

  /** The equation that a contract calls CONTRACT.EQUATION; either name may have dots in it. */
  findEquation(name: string, caller: Contract): Equation | undefined {
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const contract = this.find(name.slice(0, dot), caller);
      const equation = contract?.equations.find((own) => own.name === name.slice(dot + 1));
      if (equation !== undefined) return equation;
    }
    return undefined;
  }

  /** The contract that an equation is of. */
  ownerOf(equation: Equation): Contract {
    return this.#owners.get(equation)!;
  }
}
