/**
 * Worker threads, the same in Deno, Bun and browsers (Web Workers) and in Node (worker_threads).
 * Each message gets one answer, in order. A worker can listen to another thread than the one that
 * started it, at the end of a MessageChannel.
 *
 * @module
 */
import type { Transferable as NodeTransferable } from "node:worker_threads";

/** The end of a worker from which it is asked. */
export interface WorkerChannel {
  /**
   * Posts a message and waits for its answer; throws what the worker's handler threw.
   *
   * @param transfer what moves to the worker with the message
   */
  ask<Message, Answer = void>(
    message: Message,
    transfer?: readonly Transferable[],
  ): Promise<Answer>;
  /** Has the worker give up what it works on, if it can: the signal of its handler is aborted. */
  interrupt(): void;
  /**
   * Ends the thread at once, or, where the channel is not its parent's, the connection to it. What
   * is still asked fails with `reason`.
   */
  terminate(reason?: Error): void;
}

/** Who hears what a worker says unasked. */
export interface WorkerListener {
  /** what the worker tells while it works on an answer */
  readonly onNotice?: (notice: unknown) => void;
  /** the error that ended the worker */
  readonly onFailure?: (error: Error) => void;
}

/** Answers one message. */
export type Handler<Message> = (
  message: Message,
  notify: (notice: unknown) => void,
  signal: AbortSignal,
) => Reply | Promise<Reply>;

/** What a handler gives back: the answer, what moves with it, and what to do once it is posted. */
export interface Reply {
  readonly answer?: unknown;
  /** what is thrown at the asker in place of an answer */
  readonly error?: unknown;
  readonly transfer?: readonly ArrayBuffer[];
  after?(): void;
}

type Envelope =
  | { kind: "ready" }
  | { kind: "notice"; notice: unknown }
  | { kind: "answer"; answer: unknown }
  | { kind: "error"; error: unknown };

/** The one message that waits for none before it, and gets no answer. */
const INTERRUPT = "interrupt";

interface Port {
  post(message: unknown, transfer: readonly Transferable[]): void;
  listen(onMessage: (message: unknown) => void, onError: (error: Error) => void): void;
  terminate(): void;
}

/** Starts a worker from a module and waits until it listens. */
export async function openWorker(
  url: URL,
  listener: WorkerListener = {},
): Promise<WorkerChannel> {
  return await connect(
    typeof Worker === "undefined" ? await nodeWorker(url) : webWorker(url),
    listener,
  );
}

/** A channel to the worker at the other end of a port, once that serves it ({@linkcode servePort}). */
export async function openPort(port: MessagePort): Promise<WorkerChannel> {
  return await connect(messagePort(port), {});
}

async function connect(
  port: Port,
  { onNotice = () => {}, onFailure = () => {} }: WorkerListener,
): Promise<WorkerChannel> {
  const waiting: { resolve(value: unknown): void; reject(error: unknown): void }[] = [];
  let broken: Error | undefined;
  const ready = new Promise<unknown>((resolve, reject) => waiting.push({ resolve, reject }));
  port.listen((message) => {
    const envelope = message as Envelope;
    if (envelope.kind === "notice") return onNotice(envelope.notice);
    const next = waiting.shift();
    if (envelope.kind === "error") next?.reject(envelope.error);
    else next?.resolve(envelope.kind === "answer" ? envelope.answer : undefined);
  }, (error) => {
    broken = error;
    for (const next of waiting.splice(0)) next.reject(error);
    onFailure(error);
  });
  await ready;
  return {
    ask<Message, Answer>(
      message: Message,
      transfer: readonly Transferable[] = [],
    ): Promise<Answer> {
      if (broken) return Promise.reject(broken);
      return new Promise<Answer>((resolve, reject) => {
        // First, for a message that can't be cloned throws here and gets no answer.
        port.post(message, transfer);
        waiting.push({ resolve: resolve as (value: unknown) => void, reject });
      });
    },
    interrupt: () => port.post(INTERRUPT, []),
    terminate(reason = new Error("The worker was ended.")) {
      broken = reason;
      for (const next of waiting.splice(0)) next.reject(broken);
      port.terminate();
    },
  };
}

/**
 * In a worker: answers each message by `handle`, one after another.
 *
 * @param handle gets a message, a function that tells the parent something before the answer, and a
 * signal that is aborted if the parent interrupts
 * @param describeError makes of a thrown error what can be posted
 */
export async function serveWorker<Message>(
  handle: Handler<Message>,
  describeError: (error: unknown) => unknown = (error) => error,
): Promise<void> {
  serve(typeof Worker === "undefined" ? await nodeScope() : webScope(), handle, describeError);
}

/** In a worker: answers the messages from the other end of a port as well. */
export function servePort<Message>(port: MessagePort, handle: Handler<Message>): void {
  serve(messagePort(port), handle, (error) => error);
}

function serve<Message>(
  port: Port,
  handle: Handler<Message>,
  describeError: (error: unknown) => unknown,
): void {
  const notify = (notice: unknown) => port.post({ kind: "notice", notice }, []);
  let last: Promise<void> = Promise.resolve();
  let current = new AbortController();
  port.listen((message) => {
    if (message === INTERRUPT) return current.abort();
    last = last.then(async () => {
      let reply: Reply;
      current = new AbortController();
      try {
        reply = await handle(message as Message, notify, current.signal);
      } catch (error) {
        reply = { error };
      }
      const { answer, error, transfer = [] } = reply;
      if (error === undefined) port.post({ kind: "answer", answer }, transfer);
      else port.post({ kind: "error", error: describeError(error) }, []);
      reply.after?.();
    });
  }, () => {});
  port.post({ kind: "ready" }, []);
}

function webWorker(url: URL): Port {
  const worker = new Worker(url, { type: "module" });
  return {
    post: (message, transfer) => worker.postMessage(message, [...transfer]),
    listen(onMessage, onError) {
      worker.onmessage = (event) => onMessage(event.data);
      worker.onerror = (event) => {
        event.preventDefault();
        onError(new Error(event.message));
      };
    },
    terminate: () => worker.terminate(),
  };
}

/** Node's ports have the same methods as the web's. */
function messagePort(port: MessagePort): Port {
  return {
    post: (message, transfer) => port.postMessage(message, [...transfer]),
    listen(onMessage) {
      port.onmessage = (event) => onMessage(event.data);
    },
    terminate: () => port.close(),
  };
}

function webScope(): Port {
  const scope = globalThis as unknown as Worker;
  return {
    post: (message, transfer) => scope.postMessage(message, [...transfer]),
    listen(onMessage) {
      scope.onmessage = (event) => onMessage(event.data);
    },
    terminate() {},
  };
}

async function nodeWorker(url: URL): Promise<Port> {
  const { Worker } = await import("node:worker_threads");
  const worker = new Worker(url);
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as NodeTransferable[]),
    listen(onMessage, onError) {
      worker.on("message", onMessage);
      worker.on("error", (error) => onError(error as Error));
    },
    terminate: () => void worker.terminate(),
  };
}

async function nodeScope(): Promise<Port> {
  const { parentPort } = await import("node:worker_threads");
  return {
    post: (message, transfer) => parentPort!.postMessage(message, transfer as NodeTransferable[]),
    listen(onMessage) {
      parentPort!.on("message", onMessage);
    },
    terminate() {},
  };
}
