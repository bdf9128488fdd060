/**
 * Expert dispatch: the tokens of a batch grouped by the experts that the router chose for them, so
 * that an expert's weights are read once for all of its tokens.
 *
 * @module
 */
import type { Activations } from "../kernels/activations.ts";
import type { Workbench } from "../kernels/multiply.ts";
import { type BlockTask, runBlocks } from "./expert_block.ts";
import type { ExpertStore } from "./expert_store.ts";

/** One expert's share of a batch. */
export interface ExpertGroup {
  readonly expert: number;
  /** numbers of its (token, choice) pairs, `token * k + choice`, rising */
  readonly pairs: readonly number[];
}

/**
 * Groups the choices of a batch by expert, experts rising.
 *
 * @param ids [tokens, k] chosen experts
 * @throws {RangeError} If an id is not among the experts.
 */
export function groupByExpert(ids: Int32Array, experts: number): ExpertGroup[] {
  const pairs = new Map<number, number[]>();
  for (let pair = 0; pair < ids.length; pair++) {
    const expert = ids[pair]!;
    if (expert < 0 || expert >= experts) {
      throw new RangeError(`the router chose expert ${expert} of ${experts}`);
    }
    const own = pairs.get(expert);
    if (own === undefined) pairs.set(expert, [pair]);
    else own.push(pair);
  }
  const groups = Array.from(pairs, ([expert, pairs]) => ({ expert, pairs }));
  return groups.sort((a, b) => a.expert - b.expert);
}

/**
 * Splits groups into waves of at most `rows` pairs and `experts` experts; a group of more pairs is a
 * wave alone.
 */
export function splitIntoWaves(
  groups: readonly ExpertGroup[],
  rows: number,
  experts: number,
): ExpertGroup[][] {
  const waves: ExpertGroup[][] = [];
  let room = 0;
  for (const group of groups) {
    const last = waves.at(-1);
    if (last === undefined || group.pairs.length > room || last.length === experts) {
      waves.push([]);
      room = rows;
    }
    waves.at(-1)!.push(group);
    room -= group.pairs.length;
  }
  return waves;
}

/** What the experts of one layer compute for a batch. */
export interface Dispatch {
  readonly layer: number;
  /** [tokens, hidden] */
  readonly input: Activations;
  /** address of [tokens, k, hidden] f32, in the input's window */
  readonly output: number;
  /** [tokens, k], a view of the router's result */
  readonly ids: Int32Array;
  readonly experts: number;
  readonly k: number;
  /** two i32 arrays of `waveRows` in the input's window: their addresses and views */
  readonly index: DispatchIndex;
  /** pairs that the stage has room for at once */
  readonly waveRows: number;
}

export interface DispatchIndex {
  readonly tokens: Int32Array;
  readonly tokensAddress: number;
  readonly pairs: Int32Array;
  readonly pairsAddress: number;
}

/**
 * Computes every chosen expert for every token that chose it. Experts that are missing are brought
 * into memory while the others are computed.
 *
 * @throws {GgufError} If one can't be read.
 */
export async function dispatchExperts(
  workbench: Workbench,
  store: ExpertStore,
  dispatch: Dispatch,
): Promise<void> {
  const { layer, waveRows } = dispatch;
  const groups = groupByExpert(dispatch.ids, dispatch.experts);
  for (const wave of splitIntoWaves(groups, waveRows, store.slots(layer))) {
    const demands = wave.map(({ expert, pairs }) => ({ expert, rows: pairs.length }));
    const { present, missing } = store.look(layer, demands);
    const arrival = missing.length === 0 ? undefined : store.fetch(layer, missing);
    // Told where it is waited for; until then computing goes on.
    arrival?.catch(() => {});
    computeGroups(
      workbench,
      store,
      dispatch,
      wave.filter(({ expert }) => present.includes(expert)),
    );
    await arrival;
    computeGroups(
      workbench,
      store,
      dispatch,
      wave.filter(({ expert }) => missing.includes(expert)),
    );
  }
}

function computeGroups(
  workbench: Workbench,
  store: ExpertStore,
  { layer, index, k, input, output }: Dispatch,
  groups: readonly ExpertGroup[],
): void {
  if (groups.length === 0) return;
  let row = 0;
  const tasks: BlockTask[] = groups.map(({ expert, pairs }) => {
    const block = store.block(layer, expert);
    const rows = pairs.length;
    const tokenOf = (pair: number) => Math.floor(pair / k);
    if (rows === 1) {
      return { block, rows, where: { kind: "span", from: tokenOf(pairs[0]!), to: pairs[0]! } };
    }
    const [from, to] = [index.tokensAddress + row * 4, index.pairsAddress + row * 4];
    for (const pair of pairs) {
      index.tokens[row] = tokenOf(pair);
      index.pairs[row] = pair;
      row++;
    }
    return { block, rows, where: { kind: "index", from, to } };
  });
  runBlocks(workbench, tasks, { input, output });
}
