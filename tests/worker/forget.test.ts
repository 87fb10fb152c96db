import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { PersonalStore } from "../../src/weights/personal_store";
import { WeightStore } from "../../src/weights/store";
import { IndexedTunings } from "../../src/weights/tuning_store";
import { makeHandlers } from "../../src/worker/handlers";
import { Models } from "../../src/worker/models";

test("what was learnt can be forgotten alone, or together with what was measured", async () => {
  const handlers = makeHandlers(new Models(new WeightStore(), "http://localhost/models/gyre-demo/"), () => {});
  const forget = (measured: boolean) => handlers.forget({ measured }, { emit: () => {}, signal: new AbortController().signal });
  const learnt = new PersonalStore();
  const measured = new IndexedTunings();
  await learnt.update("demo", () => new ArrayBuffer(8));
  await measured.put("device", { choices: {} });
  await forget(false);
  expect([await learnt.get("demo"), await measured.get("device")]).toEqual([undefined, { choices: {} }]);
  await learnt.update("demo", () => new ArrayBuffer(8));
  await forget(true);
  expect([await learnt.get("demo"), await measured.get("device")]).toEqual([undefined, undefined]);
});
