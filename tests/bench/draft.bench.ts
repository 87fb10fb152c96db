// Whether a small model would pay as a drafter for the shipped one, before anybody trains it: random weights take as long as trained ones.
import { join } from "node:path";
import { test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { DRAFT_CANDIDATES } from "../../src/engine/draft_model";
import { Engine } from "../../src/engine/engine";
import { type ModelShapeFile, randomCheckpoint } from "../../src/engine/random_checkpoint";
import { Runner } from "../../src/engine/runner";
import type { Gpu } from "../../src/gpu/device";
import { defaultChoices } from "../../src/kernels/policy";
import { parseModel } from "../../src/models/registry";
import { openCheckpoint } from "../../src/weights/checkpoint";
import type { Checkpoint } from "../../src/weights/source";
import { useGpu } from "../setup/gpu";
import { greedy } from "../setup/models";
import { paperGpu } from "../setup/paper_gpu";
import { compare } from "./compare";
import { repeated } from "./passes";

const bench = useGpu();

const STEPS = [1, 2, 3, 5, 7, 15];
const ACCEPTANCES = [1, 0.7, 0.6];

/** The shipped model's family and vocabulary, a million parameters deep or wide. */
const SHAPES: Readonly<Record<string, { readonly hidden: number; readonly width: number; readonly layers: readonly string[] }>> = {
  "three layers": { hidden: 128, width: 256, layers: ["conv", "conv", "full_attention"] },
  "one convolution": { hidden: 176, width: 288, layers: ["conv"] },
};

function draftOf(target: Checkpoint, name: string): Checkpoint {
  const { hidden, width, layers } = SHAPES[name]!;
  const shape: ModelShapeFile = {
    config: {
      ...target.config,
      hidden_size: hidden,
      intermediate_size: width,
      num_hidden_layers: layers.length,
      layer_types: layers,
      num_attention_heads: Math.ceil(hidden / 64),
      num_key_value_heads: 1,
      head_dim: 64,
    },
    others: {
      "model.layers.*.operator_norm.weight": [hidden],
      "model.layers.*.ffn_norm.weight": [hidden],
      "model.layers.*.conv.conv.weight": [hidden, 1, 3],
      "model.layers.*.self_attn.q_layernorm.weight": [64],
      "model.layers.*.self_attn.k_layernorm.weight": [64],
      "model.embedding_norm.weight": [hidden],
    },
  };
  return randomCheckpoint(name, shape);
}

/** Dispatches of a token on such a GPU. */
async function dispatchesOn(gpu: Gpu, checkpoint: Checkpoint): Promise<number> {
  const model = parseModel(checkpoint.config);
  const { vocabularySize: live } = model.shape;
  const nothing = () => {};
  const sizes = { context: 64, maxRows: 16, maxHeadRows: 16, live };
  const options = { precision: "w8a8", cacheType: "int8", choices: defaultChoices(gpu), onWeights: nothing, onCompiled: nothing } as const;
  const runner = await Runner.load(gpu, model, checkpoint, { ...sizes, ...options });
  return runner.dispatches({ rows: 1, headRows: 1 }).length;
}

/** Chains along one reply in which every draft is right: before each, the caches lack the last draft and the token behind it. */
function chainsOf(drafting: Engine): (steps: number) => Promise<void> {
  let text = [1];
  return async (steps) => {
    if (text.length + 2 * steps > drafting.contextLength) text = [1];
    const drawn = await drafting.draft(text, [], steps);
    text = [...text, ...drawn.map(([token = 0]) => token), 7];
  };
}

/** Tokens a plain token's time, for chains of so many drafts of which each is right with this chance if the one before it was. */
const rate = (drafts: number, chance: number, ms: { readonly plain: number; readonly chain: number; readonly verify: number }) => {
  const tokens = Array.from({ length: drafts + 1 }, (_, i) => chance ** i).reduce((a, b) => a + b);
  return (tokens * ms.plain) / (ms.chain + ms.verify);
};

test("draft", () =>
  bench.run(async ({ gpu }) => {
    const target = await openCheckpoint(new FolderSource(join(import.meta.dirname, "../../public/models/gyre-demo")));
    const engine = await Engine.load(gpu, target, { maxRows: 16, contextLength: 256 });
    const meter = await engine.meter();
    const once = { ms: 0, samples: 1 };
    const verify = (rows: number) => async () => void (await meter.verify(rows, 0, once, 1));
    const onPaper = paperGpu({ packedDot: true, software: false });
    const targetDispatches = await dispatchesOn(onPaper, target);

    for (const name of Object.keys(SHAPES)) {
      const checkpoint = draftOf(target, name);
      const drafting = await Engine.load(gpu, checkpoint, {
        maxRows: 16,
        maxHeadRows: 1,
        contextLength: 512,
        candidates: DRAFT_CANDIDATES,
      });
      drafting.beginDrafts([1], greedy);
      const chain = chainsOf(drafting);
      const timed = await compare(
        `${name}, ${checkpoint.packed?.parameters} parameters, on ${gpu.name}`,
        [
          { name: "4 tokens of the model", run: repeated(async () => void (await meter.decodeSome(0))) },
          ...STEPS.map((steps) => ({ name: `chain of ${steps}`, run: repeated(() => chain(steps)) })),
          ...STEPS.map((steps) => ({ name: `pass of ${steps + 1} rows`, run: repeated(verify(steps + 1)) })),
        ],
        40_000,
      );
      drafting.dispose();
      const ratioOf = (way: string) => 4 * (timed.find((one) => one.name === way)?.ratio ?? Number.NaN); // in plain tokens
      const share = (await dispatchesOn(onPaper, checkpoint)) / targetDispatches;
      console.log(`\nDispatches a token on a GPU: ${Math.round(share * targetDispatches)} of ${targetDispatches}.\n`);
      console.log(`| tokens in the time of a plain one | ${STEPS.map((steps) => `${steps} drafts`).join(" | ")} |`);
      console.log(`|---|${STEPS.map(() => "---|").join("")}`);
      for (const chance of ACCEPTANCES) {
        const here = STEPS.map((steps) => {
          const ms = { plain: 1, chain: ratioOf(`chain of ${steps}`), verify: ratioOf(`pass of ${steps + 1} rows`) };
          return rate(steps, chance, ms).toFixed(2);
        });
        const byDispatches = STEPS.map((steps) => rate(steps, chance, { plain: 1, chain: steps * share, verify: 1 }).toFixed(2));
        console.log(`| accepted ${chance}, here | ${here.join(" | ")} |`);
        console.log(`| accepted ${chance}, where time is dispatches and rows are free | ${byDispatches.join(" | ")} |`);
      }
    }
    engine.dispose();
  }));
