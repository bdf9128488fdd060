import assert from "node:assert/strict";
import { changed, contractFrom, MEAN, SUM, summary } from "../../../tests/contracts/helpers.ts";
import { updatePins } from "../../pin.ts";
import { pin, type PinnedFile } from "./pin.ts";

const LOCK = updatePins(
  [{ name: "sum-v1", version: "1.0.0", text: SUM }, {
    name: "mean-v1",
    version: "1.0.0",
    text: MEAN,
  }],
  undefined,
).lock;

function pinned(name: string, text: string, judged: boolean = true): PinnedFile {
  return { contract: contractFrom(name, text), text, judged };
}

function found(contracts: readonly PinnedFile[], lock: string | undefined = LOCK): string[] {
  return summary(pin([{ path: "contracts/pin.lock", lock, contracts }]));
}

const mean = pinned("mean-v1", MEAN);

Deno.test("pin passes contracts that are as they were pinned", () => {
  assert.deepEqual(found([pinned("sum-v1", SUM), mean]), []);
});

Deno.test("PIN-001: no contract changes under its version", () => {
  const edited = changed(SUM, "tolerance: 1e-6", "tolerance: 1e-5");
  assert.deepEqual(found([pinned("sum-v1", edited), mean]), ["sum-v1.yaml:3:3 PIN-001"]);
  const raised = changed(edited, "version: 1.0.0", "version: 1.1.0");
  assert.deepEqual(found([pinned("sum-v1", raised), mean]), ["sum-v1.yaml:3:3 PIN-001"]);
});

Deno.test("PIN-001: what is there is pinned, and what is pinned is there", () => {
  const third = pinned("third-v1", SUM);
  assert.deepEqual(found([pinned("sum-v1", SUM), mean, third]), ["third-v1.yaml:3:3 PIN-001"]);
  assert.deepEqual(found([mean]), ["pin.lock:1:1 PIN-001"]);
});

Deno.test("PIN-001 says how to pin the contracts of that folder", () => {
  const [finding] = pin([{ path: "other/contracts/pin.lock", lock: undefined, contracts: [mean] }]);
  assert.match(finding!.message, /run: deno run -A cli\.ts pin update other\/contracts$/);
});

Deno.test("PIN-001: there is a lock that can be read", () => {
  const contracts = [pinned("sum-v1", SUM), mean];
  assert.deepEqual(summary(pin([{ path: "contracts/pin.lock", lock: undefined, contracts }])), [
    "pin.lock:1:1 PIN-001",
  ]);
  assert.deepEqual(found(contracts, "nonsense\n"), ["pin.lock:1:1 PIN-001"]);
});

Deno.test("pin judges only the contracts that are given", () => {
  const edited = pinned("sum-v1", changed(SUM, "tolerance: 1e-6", "tolerance: 1e-5"), false);
  assert.deepEqual(found([edited, mean]), []);
});
