// How a pass is handed to the GPU: in one submit against one a dispatch, and the next one before the last is read against after it.
import { test } from "vitest";
import { shapeNamed } from "../../src/cli/shapes";
import { randomCheckpoint } from "../../src/engine/random_checkpoint";
import { Runner } from "../../src/engine/runner";
import { type Dispatch, Plan } from "../../src/gpu/plan";
import { parseModel } from "../../src/models/registry";
import { useGpu } from "../setup/gpu";
import { compare } from "./compare";
import { repeated } from "./passes";

const bench = useGpu();
const shape = { rows: 1, headRows: 1 };
const TOKENS = 4;

test("pass", () =>
  bench.run(async ({ gpu }) => {
    const { device, pipelines } = gpu;
    const checkpoint = randomCheckpoint("stories15M", shapeNamed("stories15M", gpu.software ? 2 : 6));
    const model = parseModel(checkpoint.config);
    const vocabulary = model.shape.vocabularySize;
    const runner = await Runner.load(gpu, model, checkpoint, {
      precision: "w8a8",
      cacheType: "int8",
      context: 256,
      maxRows: 16,
      maxHeadRows: 1,
      live: vocabulary,
      onWeights: () => {},
      onCompiled: () => {},
    });
    const token = (position: number) => runner.draw({ ...shape, position, tokens: position === 0 ? [1] : "sampled" });
    await compare(`${TOKENS} tokens on ${gpu.name}`, [
      {
        name: "the next pass is submitted before the last one's token is read",
        run: repeated(async () => {
          let pending = token(0);
          for (let i = 1; i < TOKENS; i++) {
            const next = token(i);
            await pending;
            pending = next;
          }
          await pending;
        }),
      },
      {
        name: "after it",
        run: repeated(async () => {
          for (let i = 0; i < TOKENS; i++) await token(i);
        }),
      },
    ]);

    const dispatches = runner.dispatches(shape).map(({ dispatch }) => dispatch);
    const whole = await Plan.compile(
      device,
      pipelines,
      dispatches.map((dispatch: Dispatch) => [dispatch]),
    );
    const single = await Promise.all(dispatches.map((dispatch) => Plan.compile(device, pipelines, [[dispatch]])));
    const submit = (plans: readonly Plan[]) => {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const plan of plans) plan.record(pass, shape);
      pass.end();
      device.queue.submit([encoder.finish()]);
    };
    await compare(`${dispatches.length} dispatches on ${gpu.name}`, [
      {
        name: "one submit",
        run: async (times) => {
          for (let i = 0; i < times; i++) submit([whole]);
          await device.queue.onSubmittedWorkDone();
        },
      },
      {
        name: "a submit each",
        run: async (times) => {
          for (let i = 0; i < times; i++) for (const plan of single) submit([plan]);
          await device.queue.onSubmittedWorkDone();
        },
      },
    ]);
    runner.dispose();
  }));
