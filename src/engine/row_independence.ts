// Holds a loaded model's passes to each other: rows alone, a few, many, and in a tree.
import { CHUNK } from "../kernels/attention";
import { MAX_TREE_ROWS } from "../kernels/batch";
import type { Room } from "./meter";
import type { Pass, Runner } from "./runner";
import { wrongResult } from "./wrong_result";

const SINGLE = 4; // rows of one pass each: on a weak device all twenty would take as long as a reply's first words
const NEAR = 0.05; // of the largest logit: a sum's last bit can move a code of a row, and that many logits

/**
 * Whether the same tokens have the same logits bit for bit, as the design promises, the last of them fed one by one, a few at a time, with all
 * in one pass, with a decoy in a tree, and behind one: so the variants of everything, attention among them, are held to each other. A compiler
 * that may reorder sums (Metal's usual mode) may do it in one and not in another; that is no fault, as long as they are near. Caches hold what
 * they held, further back than these tokens. Passes are spread over many submits, as nobody knows yet how long they take here. Leaves caches and
 * states to be cleared. Throws EngineError "wrong-result" where rows are not near.
 */
export async function rowsAreIndependent(runner: Runner, room: Room): Promise<boolean> {
  const { contextLength, maxRows, maxHeadRows, vocabulary, live } = room;
  const rows = Math.min(20, maxRows, contextLength - 1);
  const first = Math.min(CHUNK - 8, contextLength - 1 - rows); // into a second chunk of keys, where there is one
  const tokens = Array.from({ length: rows }, (_, i) => (7 * i + 1) % vocabulary);
  const feed = (pass: Pass) => runner.feed({ ...pass, isSpread: true });
  /** Of a pass's last rows: [some, live]. A row's inputs in INT8 hide most of what is rounded otherwise, so one row says little. */
  const logitsOf = async (pass: Pass, some = Math.min(SINGLE, pass.headRows)) => {
    const all = await runner.logits({ ...pass, isSpread: true }, vocabulary);
    const kept = new Float32Array(some * live);
    for (let i = 0; i < some; i++) {
      const from = (pass.headRows - some + i) * vocabulary;
      kept.set(all.subarray(from, from + live), i * live);
    }
    return kept;
  };
  const plainly = (from: number, to: number): Pass => {
    return { rows: to - from, headRows: Math.min(to - from, maxHeadRows), position: first + from, tokens: tokens.slice(from, to) };
  };
  const begin = (end: number) => {
    runner.clearStates();
    if (end > 0) feed({ ...plainly(0, end), headRows: 0 });
  };
  const inOnePass = (count: number) => {
    begin(rows - count);
    return logitsOf(plainly(rows - count, rows));
  };
  const nodes = Math.min(MAX_TREE_ROWS, maxHeadRows, rows - 1);
  const path = Array.from({ length: nodes }, (_, row) => row).filter((row) => row !== 1); // row 1 is a decoy
  /** Up to this token in a tree, whose path alone is kept; what is left behind it alone. */
  const inTree = (end: number) => {
    const before = end - path.length;
    begin(before);
    const [root = 0, ...others] = tokens.slice(before, end);
    const parents = Array.from({ length: nodes }, (_, row) => (row > 2 ? row - 1 : 0));
    const tree = { rows: nodes, headRows: nodes, position: first + before, tokens: [root, root, ...others], tree: { parents } };
    if (end === rows) return logitsOf(tree, Math.min(SINGLE, nodes - 2));
    feed(tree);
    return logitsOf({ ...plainly(end, rows), accepted: path });
  };
  const single = Math.min(SINGLE, rows);
  const alone = new Float32Array(single * live);
  begin(rows - single);
  for (let i = 0; i < single; i++) alone.set(await logitsOf(plainly(rows - single + i, rows - single + i + 1)), i * live);
  const largest = alone.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const isSame = (others: Float32Array<ArrayBuffer>, how: string) => {
    const expected = alone.subarray(alone.length - others.length);
    if (!others.every((x, i) => Math.abs(x - (expected[i] ?? Number.NaN)) <= NEAR * largest)) {
      throw wrongResult(`${how} differs from passes of one row`);
    }
    const bits = new Uint32Array(others.buffer);
    return new Uint32Array(expected.buffer, expected.byteOffset).every((word, i) => word === bits[i]);
  };
  const counts = [...new Set([2, 4, 8, 16, rows])].filter((count) => count <= rows);
  const ways = [
    ...counts.map((count) => [`a pass of ${count} rows`, () => inOnePass(count)] as const),
    ...(nodes < 3 ? [] : [[`a tree of ${nodes} rows`, () => inTree(rows)] as const]),
    ...(nodes < 3 ? [] : [[`a pass behind a tree of ${nodes} rows`, () => inTree(rows - 1)] as const]),
  ];
  let agree = true;
  for (const [how, way] of ways) agree = isSame(await way(), how) && agree;
  return agree;
}
