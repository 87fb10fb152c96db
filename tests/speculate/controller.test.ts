import { expect, test } from "vitest";
import { Controller } from "../../src/speculate/controller";
import { Costs } from "../../src/speculate/costs";
import { Acceptance } from "../../src/speculate/estimate";

const gpu = [1, 2, 4, 8, 16].map((rows) => ({ rows, ms: 10 * (1 + (rows - 1) * 0.05) })); // c_8 = 1.35
const weak = [1, 2, 4, 8, 16].map((rows) => ({ rows, ms: 10 * rows })); // a row costs what a token costs
const chain = (chance: number, length: number) => Array.from({ length }, (_, i) => ({ reach: chance ** (i + 1) }));

test("many drafts are worth it where rows are cheap and drafts good, none where rows are dear or drafts bad", () => {
  expect(new Controller(new Costs(gpu)).worth(chain(0.9, 15), 0)).toBeGreaterThan(7);
  expect(new Controller(new Costs(gpu)).worth(chain(0.3, 15), 0)).toBeLessThan(3);
  expect(new Controller(new Costs(gpu)).worth(chain(0.05, 15), 0)).toBe(0);
  expect(new Controller(new Costs(weak)).worth(chain(0.9, 15), 0)).toBe(0);
  expect(new Controller(new Costs(gpu)).worth(chain(0.3, 15), 50)).toBe(0); // drafting is not free
});

test("as long as nobody knows what a token costs plainly, it is decoded plainly", () => {
  expect(new Controller(new Costs()).worth(chain(0.99, 15), 0)).toBe(0);
});

test("over a reply speculation loses at most three hundredths, however wrong the estimates are", () => {
  const costs = new Costs(gpu);
  const controller = new Controller(costs);
  let ms = 0;
  let tokens = 0;
  controller.begin();
  for (; tokens < 400; tokens++) {
    const drafts = controller.worth(chain(0.95, 15), 0); // none of which is ever right
    const took = drafts > 0 ? costs.roundMs(drafts + 1) : 10;
    if (drafts > 0) controller.sawRound(drafts + 1, 1, took);
    else controller.sawPlain(10, true);
    ms += took;
  }
  expect(ms).toBeGreaterThan(tokens * 10); // it did try
  expect((tokens * 10) / ms).toBeGreaterThanOrEqual(0.97);
});

test("costs between what is known lie on a line, and are learnt", () => {
  const costs = new Costs(gpu);
  expect(costs.roundMs(6)).toBeCloseTo((costs.roundMs(4) + costs.roundMs(8)) / 2, 10);
  for (let i = 0; i < 30; i++) costs.sawRound(8, 30);
  expect(costs.roundMs(8)).toBeCloseTo(30, 0);
  expect(costs.roundMs(32)).toBeGreaterThan(costs.roundMs(16) - 1e-9);
});

test("where nothing was measured, rounds grow only as rounds of half their size were seen", () => {
  const costs = new Costs();
  const controller = new Controller(costs);
  costs.sawPlain(10);
  expect(controller.worth(chain(0.95, 15), 0)).toBe(1);
  costs.sawRound(2, 11);
  expect(controller.worth(chain(0.95, 15), 0)).toBe(3);
  costs.sawRound(4, 12);
  expect(controller.worth(chain(0.95, 15), 0)).toBe(7);
});

test("what coming back to plain decoding takes counts as a loss", () => {
  const controller = new Controller(new Costs(gpu));
  controller.begin();
  expect(controller.worth(chain(0.9, 15), 0)).toBeGreaterThan(0);
  controller.sawPlain(19, false);
  expect(controller.worth(chain(0.9, 15), 0)).toBe(0);
});

test("what was spent on drafts beforehand counts as a loss, also where no round came of it", () => {
  const controller = new Controller(new Costs(gpu));
  controller.begin();
  controller.spent(9);
  expect(controller.worth(chain(0.9, 15), 0)).toBe(0);
});

test("rounds that were dear for a while are tried again, as often as plain tokens went by", () => {
  const costs = new Costs(gpu);
  const controller = new Controller(costs);
  for (let i = 0; i < 20; i++) for (const { rows } of gpu) if (rows > 1) costs.sawRound(rows, 200);
  controller.begin();
  expect(controller.worth(chain(0.9, 15), 0)).toBe(0);
  let tokens = 0;
  while (tokens < 1000 && controller.worth(chain(0.9, 15), 0) === 0) {
    costs.sawPlain(10);
    controller.sawPlain(10, true);
    tokens++;
  }
  expect(tokens).toBeGreaterThan(20);
  expect(tokens).toBeLessThan(400);
});

test("a single long pause hardly moves a cost", () => {
  const costs = new Costs(gpu);
  costs.sawPlain(5000);
  expect(costs.plainMs).toBeLessThan(16);
});

test("acceptance begins with what a drafter claims, and ends with what it does", () => {
  const acceptance = new Acceptance();
  const source = { drafter: "suffix", rank: 0, probability: 0.9 } as const;
  expect(acceptance.chance(source)).toBeCloseTo(0.9, 10);
  for (let i = 0; i < 200; i++) acceptance.observe(source, i % 4 === 0);
  expect(acceptance.chance(source)).toBeGreaterThan(0.2);
  expect(acceptance.chance(source)).toBeLessThan(0.38);
  expect(acceptance.chance({ ...source, drafter: "ngram" })).toBeCloseTo(0.9, 10);
  expect(acceptance.chance({ ...source, drafter: "ngram", rank: 1 })).toBeCloseTo(0.45, 10);
});
