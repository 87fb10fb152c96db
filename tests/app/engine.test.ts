// The engine's store before a stand-in engine; what the page shows of it is tested in a browser.
import { expect, test } from "vitest";
import { EngineStore } from "../../src/app/stores/engine";
import { EngineError } from "../../src/protocol/errors";
import { build, until, workers } from "./fake/stores";

test("progress is seen, and the loaded model", async () => {
  const { engine } = build({ loadMs: 20 });
  const shares: number[] = [];
  engine.state.subscribe(() => {
    const state = engine.state.get();
    if (state.kind === "loading" && state.progress !== null) shares.push(state.progress.done / state.progress.total);
  });
  await engine.start("no such model");
  expect(shares.at(-1)).toBe(1);
  expect([...shares].sort((a, b) => a - b)).toEqual(shares);
  expect(engine.state.get()).toMatchObject({ kind: "ready", model: { entry: { id: "gyre-demo" } } });
  expect(engine.models.get()).toMatchObject([{ id: "gyre-demo", stored: true }]);
});

test("a worker that does not start is a failure that says so", async () => {
  const { engine } = build({ loadMs: 1000 });
  void engine.start("");
  workers[0]?.breakDown();
  expect(await until(engine.state, (state) => state.kind === "failed")).toMatchObject({
    error: { code: "internal", message: expect.stringContaining("could not start") },
  });
});

test("a worker that breaks down later is not said to have failed to start", async () => {
  const { engine } = build();
  await engine.start("");
  workers[0]?.breakDown();
  const state = engine.state.get();
  expect(state.kind === "failed" && state.error.message).toContain("broke down");
});

test("without WebGPU no worker is started", async () => {
  const engine = new EngineStore(
    () => {
      throw new Error("must not be called");
    },
    () => false,
  );
  await engine.start("");
  expect(engine.state.get()).toMatchObject({ kind: "failed", error: { code: "no-webgpu" } });
});

test("an imported folder can be loaded, and removing it brings the shipped model back", async () => {
  const { engine } = build();
  await engine.start("");
  const files = [{ path: "config.json", file: new Blob(["{}"]) }];
  const entry = await engine.import("Mine", files, "full");
  await engine.load(entry?.id ?? "");
  expect(engine.state.get()).toMatchObject({ kind: "ready", model: { entry: { name: "Mine", precision: "full" } } });
  await engine.remove("own-0");
  await until(engine.state, (state) => state.kind === "ready" && state.model.entry.shipped);
  expect(engine.models.get().map((model) => model.id)).toEqual(["gyre-demo"]);
});

test("a cancelled import ends without a complaint", async () => {
  const { engine } = build({ importMs: 1000 });
  await engine.start("");
  const importing = engine.import("Mine", [{ path: "config.json", file: new Blob(["{}"]) }], "full");
  await until(engine.importing, (now) => now !== null && now.progress !== null);
  engine.cancelImport();
  expect(await importing).toBeNull();
  expect(engine.importing.get()).toBeNull();
  expect(engine.importProblem.get()).toBeNull();
  expect(engine.models.get().map((model) => model.id)).toEqual(["gyre-demo"]);
});

test("an import that fails says which file, and leaves the loaded model alone", async () => {
  const { engine } = build();
  await engine.start("");
  const files = [{ path: "notes.txt", file: new Blob(["x"]) }];
  expect(await engine.import("Mine", files, "full")).toBeNull();
  expect(engine.importProblem.get()).toMatchObject({
    code: "model-missing",
    message: "config.json is not in this folder.",
    detail: "Mine",
  });
  expect(engine.importing.get()).toBeNull();
  await engine.import("Pictures", [], "full");
  expect(engine.importProblem.get()?.message).toContain("Pictures holds no model");
  expect(engine.state.get().kind).toBe("ready");
});

test("an engine that failed is not asked to forget; a fresh worker does, and is let go", async () => {
  const { engine } = build({ loadError: () => new EngineError("no-adapter", "There is no GPU.") });
  await engine.start("");
  expect(engine.state.get().kind).toBe("failed");
  await engine.forget({ measured: true });
  expect(workers.map((worker) => worker.terminated)).toEqual([false, true]);
  workers[0]?.host.fatal(new EngineError("device-lost", "gone"));
  await engine.forget();
  expect(workers).toHaveLength(3);
  expect(engine.state.get().kind).toBe("failed");
});
