/**
 * wllama, llama.cpp compiled to WebAssembly, in headless Chromium. The page is cross-origin isolated,
 * so that threads work, and gets the model as files of the disk. Its pages stay open between
 * measurements, for loading takes long.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { type Browser, chromium, type Page } from "npm:playwright-core@1.64.1";
import type { Wllama } from "npm:@wllama/wllama@3.8.1/esm/index.js";
import type { Contender, ModelFiles, Task } from "./contender.ts";
import type { Sample, Speeds } from "./speeds.ts";
import { CONTEXT, type Prompt, type Workload } from "./workload.ts";

const CHROMIUM = "/usr/bin/chromium";

/** Of the 4 GiB that its memory may grow to, what has to be left for all but weights. */
const LARGEST_MODEL = 3.5 * 2 ** 30;

/** What takes longer hangs. */
const LIMIT_MILLISECONDS = 240_000;

const PACKAGE = new URL(
  "../",
  import.meta.resolve("npm:@wllama/wllama@3.8.1/esm/index.js"),
);

/** What the server has: the page, the library and its WebAssembly module. */
const ROUTES: Readonly<Record<string, { type: string; body: () => BodyInit }>> = {
  "/": {
    type: "text/html",
    body: () => '<!doctype html><link rel="icon" href="data:,"><input type="file" multiple>',
  },
  "/index.js": {
    type: "text/javascript",
    body: () => readFileSync(new URL("esm/index.js", PACKAGE)),
  },
  "/wllama.wasm": {
    type: "application/wasm",
    body: () => readFileSync(new URL("esm/wasm/wllama.wasm", PACKAGE)),
  },
};

/** A page with the model loaded. */
interface Loaded {
  readonly page: Page;
  readonly about: string;
}

/** The global variable of such a page. */
interface Global {
  wllama: Wllama;
}

/**
 * wllama with a model. The browser starts with the first measurement.
 *
 * @param signal ends a measurement
 */
export function wllamaContender(model: ModelFiles, signal: AbortSignal): Contender {
  let browser: Browser | undefined;
  let server: Deno.HttpServer<Deno.NetAddr> | undefined;
  const pages = new Map<number, Loaded>();

  async function open({ threads, warmUp }: Task): Promise<Loaded> {
    if (model.bytes > LARGEST_MODEL) {
      throw new Error("the model is too large for its memory, which ends at 4 GiB");
    }
    browser ??= await launch();
    server ??= serve();
    const page = await browser.newPage();
    await page.goto(`http://localhost:${server.addr.port}/`);
    await page.setInputFiles("input", [...model.paths]);
    const release = await page.evaluate(load, { threads, context: CONTEXT });
    // The long prompt takes long, and warms nothing that the short one does not.
    await compute(page, { ...warmUp, long: warmUp.short });
    const { version } = JSON.parse(readFileSync(new URL("package.json", PACKAGE), "utf8"));
    const about = `wllama ${version}: llama.cpp ${release}, Chromium ${browser.version()}`;
    return { page, about };
  }

  async function close(): Promise<void> {
    pages.clear();
    await browser?.close();
    await server?.shutdown();
    browser = server = undefined;
  }

  return {
    name: "wllama",
    async measure(task) {
      try {
        return await withinLimit(signal, async () => {
          const { page, about } = pages.get(task.threads) ?? await open(task);
          pages.set(task.threads, { page, about });
          return { speeds: await compute(page, task.measured), about };
        });
      } catch (error) {
        // A page that hangs would take the processor from the others.
        await close();
        throw error;
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

async function launch(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`${CHROMIUM} is absent: apt-get update && apt-get install -y chromium`);
  }
  return await chromium.launch({
    executablePath: CHROMIUM,
    // The program that runs the comparison closes it.
    handleSIGINT: false,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

function serve(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "localhost", port: 0, onListen() {} }, (request) => {
    const route = ROUTES[new URL(request.url).pathname];
    return new Response(route?.body(), {
      status: route ? 200 : 404,
      headers: {
        "content-type": route?.type ?? "text/plain",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
      },
    });
  });
}

/** In the page: loads the chosen files. Returns llama.cpp's release. */
async function load(options: { threads: number; context: number }): Promise<string> {
  const library = "/index.js";
  const { Wllama } = await import(library);
  const wllama: Wllama = new Wllama({ default: "/wllama.wasm" }, { suppressNativeLog: true });
  await wllama.loadModel([...document.querySelector("input")!.files!], {
    n_ctx: options.context,
    n_batch: 512,
    n_ubatch: 512,
    n_threads: options.threads,
    n_parallel: 1,
    n_gpu_layers: 0,
  });
  const threads = wllama.isMultithread() ? wllama.getNumThreads() : 1;
  if (threads !== options.threads) throw new Error(`it runs on ${threads} threads only`);
  (globalThis as unknown as Global).wllama = wllama;
  return Wllama.getLibllamaVersion();
}

/** llama.cpp's server tells these; `predicted` leaves out the first token, which ends the prompt. */
interface Timings {
  readonly prompt_per_second: number;
  readonly predicted_per_second: number;
}

async function compute(page: Page, workload: Workload): Promise<Speeds> {
  const complete = (prompt: Prompt, tokens: number): Promise<Timings> =>
    page.evaluate(async ({ prompt, tokens }) => {
      const { wllama } = globalThis as unknown as Global;
      const options = {
        prompt,
        max_tokens: tokens,
        temperature: 0,
        top_k: 1,
        ignore_eos: true,
        cache_prompt: false,
      };
      return (await wllama.createCompletion(options)).timings!;
    }, { prompt: prompt.text, tokens });
  const { short, long, before, decoded } = workload;
  return {
    prefill64: (await complete(short, 1)).prompt_per_second,
    prefill512: (await complete(long, 1)).prompt_per_second,
    decode: (await complete(before, decoded + 1)).predicted_per_second,
  };
}

/** Gives up when the signal aborts, or the time is up. */
async function withinLimit(signal: AbortSignal, work: () => Promise<Sample>): Promise<Sample> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  const seconds = LIMIT_MILLISECONDS / 1000;
  const timer = setTimeout(() => reject(new Error(`no answer after ${seconds} s`)), seconds * 1000);
  signal.addEventListener("abort", stop);
  try {
    return await Promise.race([work(), promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
