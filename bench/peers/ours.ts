/**
 * This engine, as a user would run it.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };
import { loadModel, type Session } from "../../mod.ts";
import { answer, type Job } from "./child.ts";
import { median, type Sample, type Speeds, tokensPerSecond } from "./speeds.ts";
import { CONTEXT, type Workload } from "./workload.ts";

/** Before, between and after what is measured. */
const STREAMS = 3;

async function measure({ path, threads, warmUp, measured }: Job): Promise<Sample> {
  await using model = await loadModel(path, { threads, context: CONTEXT });
  await using session = model.session();
  await compute(session, warmUp);
  const streams = [await model.measureStream()];
  const speeds = await compute(session, measured);
  while (streams.length < STREAMS) streams.push(await model.measureStream());
  return {
    speeds,
    streamBytesPerSecond: median(streams),
    about: `this engine ${manifest.version}, Deno ${Deno.version.deno}`,
  };
}

async function compute(session: Session, workload: Workload): Promise<Speeds> {
  const { short, long, before, decoded } = workload;
  const prefill = ({ tokens }: Workload["short"]) =>
    tokensPerSecond(tokens.length, async () => {
      await session.sync(tokens);
    });
  return {
    prefill64: await prefill(short),
    prefill512: await prefill(long),
    decode: await decode(session, before.tokens, decoded),
  };
}

async function decode(
  session: Session,
  before: readonly number[],
  count: number,
): Promise<number> {
  const tokens = [...before];
  let logits = await session.sync(tokens);
  return await tokensPerSecond(count, async () => {
    for (let i = 0; i < count; i++) {
      tokens.push(session.argMax);
      logits = await session.sync(tokens, { reuse: logits });
    }
  });
}

await answer(measure);
