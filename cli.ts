/**
 * The command line: `deno run -A cli.ts VERB …`. Importing this module runs it.
 *
 * @module
 */
import process from "node:process";
import { main } from "./cli/main.ts";
import { processIo } from "./cli/process_io.ts";

process.exitCode = await main(process.argv.slice(2), processIo());
