/**
 * The conductor thread: it walks the layers, off the thread that calls the engine.
 *
 * @module
 */
import { serveWorker } from "../kernels/worker.ts";
import { type ConductorRequest, type OpenAnswer, postableError } from "./protocol.ts";
import { Runtime } from "./runtime.ts";

let runtime: Runtime | undefined;
/** Without it, memory can't be posted, and there is no one to share it with. */
const shares = typeof SharedArrayBuffer !== "undefined";

await serveWorker<ConductorRequest>(async (request, notify, signal) => {
  switch (request.kind) {
    case "open": {
      runtime = await Runtime.open(request, notify, signal);
      const { board, lastLogits, context } = runtime;
      const shared = shares ? { board, lastLogits } : { board: undefined, lastLogits: undefined };
      const answer: OpenAnswer = { ...shared, context };
      return { answer };
    }
    case "openSession":
      return { answer: await runtime!.openSession(request.capacity) };
    case "closeSession":
      runtime!.closeSession(request.session);
      return {};
    case "measureStream":
      return { answer: await runtime!.measureStream() };
    case "forward": {
      const answer = await runtime!.forward(request, signal);
      const copies = !shares && request.outputs === "last";
      const logits = copies ? runtime!.lastLogits.slice() : answer.logits;
      const { routing } = answer;
      const arrays = routing ? [routing.experts, routing.weights, routing.shared] : [];
      const transfer = [logits, ...arrays].map(({ buffer }) => buffer);
      return { answer: { ...answer, logits }, transfer };
    }
    case "close":
      await runtime?.close();
      return {};
  }
}, postableError);
