// How often a draft is accepted, and how many tokens a pass then gives: independent draws, rejection sampling and shared noise, by drafter, chain
// and tree. The shipped model writes replies at each temperature, and its logits along them are recorded; the rest is arithmetic on these.
//
//   npm run bench -- acceptance
//
// GYRE_ADAPTER=software where there is no GPU. Others than the defaults: MODEL=DIR, PROMPTS=FILE (JSON lines as MT-Bench has them, see
// README.md), COUNT=N of them, TOKENS=N a reply, DRAFT=DIR for a smaller model with the same tokenizer; without one the model
// itself in W4A8 stands in for a drafter that knows whole distributions. Writes acceptance.md and acceptance.svg.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { useGpu } from "../setup/gpu";
import { acceptanceSvg } from "./acceptance_svg";
import { couplings } from "./couplings";
import { openSubject, record } from "./recording";
import { roundsOf } from "./rounds";

const TEMPERATURES = [0.1, 0.7, 1];
const { MODEL = "public/models/gyre-demo", PROMPTS = "../shared/data/prompts/mt_bench_questions.jsonl", DRAFT } = process.env;
const COUNT = Number(process.env["COUNT"] ?? 8);
const TOKENS = Number(process.env["TOKENS"] ?? 32);

const bench = useGpu();

test("acceptance", { timeout: 3_600_000 }, () =>
  bench.run(async ({ gpu }) => {
    const subject = await openSubject(gpu, { model: MODEL, prompts: PROMPTS, count: COUNT, draft: DRAFT });
    const recordings = await record(subject, TEMPERATURES, TOKENS);
    const coupled = couplings(subject, recordings);
    const rounds = await roundsOf(subject, recordings);

    const what = `${subject.name}, ${COUNT} prompts of MT-Bench, ${TOKENS} tokens of reply at each temperature, on ${gpu.name.trim()}`;
    const text = [
      "# Acceptance",
      "",
      `Made by \`npm run bench -- acceptance\`: ${what}. What the columns mean stands in [README.md](README.md).`,
      "",
      "![acceptance by drafter, temperature and way](acceptance.svg)",
      "",
      "## One draft at a place",
      "",
      "| temperature | drafter | proposes | way | acceptance in closed form | measured | tokens a pass, chain of 4 |",
      "|---|---|---|---|---|---|---|",
      ...coupled.map(
        ({ temperature, drafter, proposes, way, exact, measured, tokensAPass }) =>
          `| ${temperature} | ${drafter} | ${Math.round(100 * proposes)} % | ${way} | ${exact.toFixed(3)} | ${measured.toFixed(3)} | ${tokensAPass.toFixed(2)} |`,
      ),
      "",
      "## Chain against tree, with shared noise",
      "",
      "| temperature | drafter | drafts a round | tokens a pass, chain | tree | accepted, chain | tree |",
      "|---|---|---|---|---|---|---|",
      ...rounds.map(
        ({ temperature, drafter, drafts, chain, tree }) =>
          `| ${temperature} | ${drafter} | ${drafts} | ${chain.tokensAPass.toFixed(2)} | ${tree.tokensAPass.toFixed(2)} | ${share(chain)} | ${share(tree)} |`,
      ),
      "",
    ].join("\n");
    console.log(text);
    await writeFile(join(import.meta.dirname, "acceptance.md"), text);
    await writeFile(join(import.meta.dirname, "acceptance.svg"), acceptanceSvg(`${subject.name}, ${COUNT} prompts of MT-Bench`, coupled));
  }),
);

function share({ accepted, proposed }: { readonly accepted: number; readonly proposed: number }): string {
  return `${accepted} of ${proposed}`;
}
