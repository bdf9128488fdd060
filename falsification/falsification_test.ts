import { FALSIFICATION_TESTS, ModelUnderTest } from "./mod.ts";

for (const test of FALSIFICATION_TESTS) {
  Deno.test(`${test.id} ${test.title}`, async () => {
    await using model = await ModelUnderTest.open();
    const lack = test.of && model.lacks(test.of);
    if (lack !== undefined) throw new Error(`would be skipped: ${lack}`);
    await test.run(model);
  });
}
