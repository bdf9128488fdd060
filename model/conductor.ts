/**
 * The conductor thread: it walks the layers, off the thread that calls the engine.
 *
 * @module
 */
import { serveWorker } from "../kernels/worker.ts";
import { type ConductorRequest, type OpenAnswer, postableError } from "./protocol.ts";
import { Runtime } from "./runtime.ts";

let runtime: Runtime | undefined;

await serveWorker<ConductorRequest>(async (request, notify, signal) => {
  switch (request.kind) {
    case "open": {
      runtime = await Runtime.open(request, notify, signal);
      // Without it, memory can't be posted, and there is no one to share it with.
      const shareable = typeof SharedArrayBuffer !== "undefined";
      const answer: OpenAnswer = {
        board: shareable ? runtime.board : undefined,
        context: runtime.context,
      };
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
      const { logits, routing } = answer;
      const arrays = routing ? [routing.experts, routing.weights, routing.shared] : [];
      return { answer, transfer: [logits, ...arrays].map(({ buffer }) => buffer) };
    }
    case "close":
      await runtime?.close();
      return {};
  }
}, postableError);
