import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkPins,
  compareContracts,
  contractVersion,
  formatPins,
  parsePins,
  type PinnedContract,
  updatePins,
} from "./pin.ts";

/** SHA-256 of "abc", of FIPS 180-2, appendix B.1. */
const SHA_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

function contract(name: string, version: string | undefined, text = "abc"): PinnedContract {
  return { name, version, text };
}

/** A lock of contracts as they are. */
function pinned(...contracts: PinnedContract[]): string {
  const { lock } = updatePins(contracts, undefined);
  assert.ok(lock !== undefined);
  return lock;
}

/** What a contract's problem is, pinned as `before` and now as `now`. */
function kindOf(before: PinnedContract, now: PinnedContract): string | undefined {
  const [problem, ...more] = checkPins([now], pinned(before));
  assert.deepEqual(more, []);
  return problem?.kind;
}

Deno.test("a lock has a line for each contract, with the SHA-256 of its bytes", () => {
  const lock = pinned(contract("b-v1", "1.2.3", "é\r\n"), contract("a-v1", "1.0.0"));
  const lines = lock.split("\n").filter((line) => !line.startsWith("#"));
  // printf 'é\r\n' | sha256sum
  assert.deepEqual(lines, [
    `a-v1 1.0.0 ${SHA_OF_ABC}`,
    "b-v1 1.2.3 64da669b12bbeda0ca8f2840891bd8834e5b8206f24c7703e20ac1d472612b0e",
    "",
  ]);
  assert.match(lock, /^# .*\n(# .*\n)*#.*pin update\n/);
});

Deno.test("parsePins() reads back what formatPins() writes, sorted", () => {
  const part = fc.nat(99).map(String);
  const pin = fc.record({
    version: fc.tuple(part, part, part).map((parts) => parts.join(".")),
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
  }, { noNullPrototype: true });
  const name = fc.stringMatching(/^[a-z0-9_.-]{1,20}$/);
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, pin), { selector: ([name]) => name }), (list) => {
      const text = formatPins(new Map(list));
      const pins = parsePins(text);
      assert.deepEqual(pins, new Map(list));
      assert.deepEqual([...pins.keys()], [...pins.keys()].sort());
      assert.equal(formatPins(pins), text);
      assert.deepEqual(parsePins(text.replaceAll("\n", "\r\n")), pins);
    }),
  );
});

Deno.test("parsePins() names the line that is none", () => {
  const good = `a-v1 1.0.0 ${SHA_OF_ABC}`;
  for (
    const line of [
      "<<<<<<< HEAD",
      "a-v1 1.0.0",
      `a-v1 1.0 ${SHA_OF_ABC}`,
      `a-v1 01.0.0 ${SHA_OF_ABC}`,
      `a-v1 1.0.0 ${SHA_OF_ABC.slice(1)}`,
      `a-v1 1.0.0 ${SHA_OF_ABC.toUpperCase()}`,
      `${good} more`,
      ` 1.0.0 ${SHA_OF_ABC}`,
      "a-v1",
    ]
  ) {
    assert.throws(() => parsePins(`# comment\n\n${line}\n`), {
      name: "PinError",
      message: "pin.lock, line 3: is not a contract's name, its version x.y.z and a SHA-256",
    }, line);
  }
  assert.throws(() => parsePins(`${good}\n${good}\n`), {
    name: "PinError",
    message: "pin.lock, line 2: 'a-v1' is pinned twice",
  });
});

Deno.test("formatPins() refuses a name that would not be read back", () => {
  for (const name of ["a b", "#a", "a\n"]) {
    const pins = new Map([[name, { version: "1.0.0", sha256: SHA_OF_ABC }]]);
    assert.throws(() => formatPins(pins), { name: "PinError" }, name);
  }
});

Deno.test("checkPins() says nothing of contracts that are as they were pinned", () => {
  const contracts = [contract("b-v1", "1.0.0"), contract("a-v1", "2.0.0", "text")];
  assert.deepEqual(checkPins(contracts, pinned(...contracts)), []);
});

Deno.test("checkPins() tells a change under the same version from one that was not pinned yet", () => {
  const before = contract("a-v1", "1.9.0");
  assert.equal(kindOf(before, contract("a-v1", "1.9.0", "abd")), "changed");
  assert.equal(kindOf(before, contract("a-v1", "1.9.0", "abc\n")), "changed");
  assert.equal(kindOf(before, contract("a-v1", "1.8.9", "abd")), "changed");
  assert.equal(kindOf(before, contract("a-v1", "1.10.0", "abd")), "stale");
  assert.equal(kindOf(before, contract("a-v1", "2.0.0", "abd")), "stale");
  assert.equal(kindOf(before, contract("a-v1", "1.9.1")), "stale");
  const [problem] = checkPins([contract("a-v1", "1.9.0", "abd")], pinned(before));
  assert.match(problem!.message, /changed, and is still 1\.9\.0; raise metadata\.version/);
});

Deno.test("checkPins() counts line ends and byte order marks as text", () => {
  const before = contract("a-v1", "1.0.0", "a: 1\n");
  assert.equal(kindOf(before, contract("a-v1", "1.0.0", "a: 1\r\n")), "changed");
  assert.equal(kindOf(before, contract("a-v1", "1.0.0", "\ufeffa: 1\n")), "changed");
});

Deno.test("checkPins() finds contracts without a pin, and pins without a contract", () => {
  const lock = pinned(contract("a-v1", "1.0.0"), contract("b-v1", "1.0.0"));
  const problems = checkPins([contract("c-v1", "1.0.0"), contract("b-v1", "1.0.0")], lock);
  assert.deepEqual(problems.map(({ contract, kind }) => [contract, kind]), [
    ["c-v1", "unpinned"],
    ["a-v1", "gone"],
  ]);
});

Deno.test("checkPins() finds a lock that is not there or can't be read, once", () => {
  const contracts = [contract("a-v1", "1.0.0"), contract("b-v1", "1.0.0")];
  for (const [lock, message] of [[undefined, /there is no pin\.lock/], ["?", /line 1/]] as const) {
    const problems = checkPins(contracts, lock);
    assert.deepEqual(problems.map(({ contract, kind }) => [contract, kind]), [["", "no-lock"]]);
    assert.match(problems[0]!.message, message);
  }
  assert.deepEqual(checkPins([], ""), []);
});

Deno.test("checkPins() wants a version x.y.z of each contract", () => {
  const lock = pinned(contract("a-v1", "1.0.0"));
  for (const version of [undefined, "", "1.0", "1.0.0-beta", "v1.0.0", "1.0.0\n"]) {
    const problems = checkPins([contract("a-v1", version, "other")], lock);
    assert.deepEqual(problems.map(({ kind }) => kind), ["version"], version);
  }
});

Deno.test("updatePins() refuses a change whose version did not rise, and all with it", () => {
  const before = [contract("a-v1", "1.10.0"), contract("b-v1", "1.0.0")];
  for (const version of ["1.10.0", "1.9.0", "0.11.0"]) {
    const now = [contract("a-v1", version, "other"), contract("b-v1", "1.0.1", "other")];
    const { lock, refused } = updatePins(now, pinned(...before));
    assert.equal(lock, undefined);
    assert.deepEqual(refused.map(({ contract, kind }) => [contract, kind]), [["a-v1", "changed"]]);
  }
  const { lock, refused } = updatePins([contract("c-v1", "1")], undefined);
  assert.deepEqual([lock, refused[0]?.kind], [undefined, "version"]);
});

Deno.test("updatePins() takes over what rose, what is new and what is gone", () => {
  const before = pinned(contract("a-v1", "1.9.0"), contract("b-v1", "1.0.0"));
  const now = [contract("a-v1", "1.10.0", "other"), contract("c-v1", "0.0.1")];
  const { lock, refused } = updatePins(now, before);
  assert.deepEqual(refused, []);
  assert.deepEqual([...parsePins(lock!).keys()], ["a-v1", "c-v1"]);
  assert.deepEqual(checkPins(now, lock), []);
  assert.throws(() => updatePins(now, "?"), { name: "PinError" });
});

Deno.test("compareContracts() finds what differs in a byte or is in one folder only", () => {
  const here = [
    contract("b-v1", "1.0.0"),
    contract("a-v1", "1.1.0", "x\n"),
    contract("d-v1", "1.0.0"),
  ];
  const there = [
    contract("b-v1", "1.0.0"),
    contract("a-v1", "1.0.0", "x"),
    contract("c-v1", "1.0.0"),
  ];
  assert.deepEqual(compareContracts(here, there, "there/contracts"), [
    {
      contract: "a-v1",
      kind: "differs",
      message: "is another text in there/contracts: here 1.1.0, there 1.0.0",
    },
    { contract: "d-v1", kind: "only-here", message: "is not in there/contracts" },
    { contract: "c-v1", kind: "only-there", message: "is in there/contracts and not here" },
  ]);
  assert.deepEqual(compareContracts(here, here, "here"), []);
});

Deno.test("contractVersion() reads metadata.version, and nothing else for it", () => {
  assert.equal(contractVersion("metadata:\n  version: 1.2.3\n"), "1.2.3");
  assert.equal(contractVersion("metadata: { version: '1.2.3' }\nversion: 2.0.0\n"), "1.2.3");
  for (
    const text of [
      "",
      "version: 1.0.0",
      "metadata: [1.0.0]",
      "metadata:",
      "metadata: { version: 1.0 }",
      "metadata: {",
      "metadata: { version: 1.0.0, version: 1.0.1 }",
      "\u0000",
      "--- 1\n--- 2\n",
    ]
  ) {
    assert.equal(contractVersion(text), undefined, text);
  }
});
