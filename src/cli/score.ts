// How well a model predicts a text, from its logits. Everything in f64: these are the figures that precisions are compared by.

/** Sums over the positions that were scored. */
export class Score {
  tokens = 0;
  nats = 0; // -log p of the tokens that came
  divergence = 0; // nats; of KL(reference || tested)
  agreements = 0; // positions where both put the same token first
  referenceNats = 0;

  /** One position: the tested model's logits for the token that came, and the reference's where there is one. */
  add(tested: Float32Array, token: number, reference: Float32Array | null): void {
    const testedNorm = logSumExp(tested);
    this.tokens += 1;
    this.nats += testedNorm - (tested[token] ?? Number.NaN);
    if (reference === null) return;
    const referenceNorm = logSumExp(reference);
    this.referenceNats += referenceNorm - (reference[token] ?? Number.NaN);
    let divergence = 0;
    for (let i = 0; i < reference.length; i++) {
      const logP = (reference[i] ?? 0) - referenceNorm;
      const logQ = (tested[i] ?? 0) - testedNorm;
      divergence += Math.exp(logP) * (logP - logQ);
    }
    this.divergence += divergence;
    if (argmax(tested) === argmax(reference)) this.agreements += 1;
  }
}

/** log of the sum of exp, in f64. */
export function logSumExp(logits: Float32Array): number {
  const most = logits[argmax(logits)] ?? 0;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp((logits[i] ?? 0) - most);
  return most + Math.log(sum);
}

/** Of equal values the first. */
function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
}
