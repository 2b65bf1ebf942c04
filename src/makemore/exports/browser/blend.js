// Models by their types, and a blend: the mixture or the product of several models' predictions.

const FORMS = {
  bigram: Bigram, ngram: NGram, ctw: CTW, bigram_nn: BigramNN, mlp: MLP, mlp_bn: MLPBatchNorm, wavenet: WaveNet, rnn: RNN,
  lstm: LSTM, gru: GRU, bow: BagOfWords, transformer: Transformer, mingru: MinGRU, llama: Llama, mixture: Mixture,
};

function readModel(about, bytes) {
  if (about.type === "blend") return new Blend(about, about.parts.map((part) => readModel(part, bytes)));
  return new FORMS[about.type](readWeights(about.tensors, bytes), about.config, about.V);
}

// State: which parts are left out since they do not know a character, and the states of all.
class Blend {
  constructor({ V, reads, writes, shares, product }, parts) {
    Object.assign(this, { V, reads, writes, shares, product, parts });
  }
  start() {
    return { out: this.parts.map(() => false), states: this.parts.map((part) => part.start()) };
  }
  step(state, id) {
    const out = state.out.map((before, i) => before || this.reads[i][id] < 0), all = out.every((each) => each);
    const read = this.parts.map((part, i) => part.step(state.states[i], Math.max(0, this.reads[i][id]), 0));
    const shares = this.shares.map((share, i) => (this.product || all || !out[i] ? share : 0));
    const whole = shares.reduce((a, b) => a + b);
    let logp = Float64Array.from({ length: this.V }, (_, c) => {
      const each = read.map(({ logp }, i) => (this.writes[i][c] < 0 ? -Infinity : logp[this.writes[i][c]]));
      if (!this.product) return logSumExp(each.map((value, i) => value + Math.log(shares[i] / whole)));
      return each.reduce((sum, value, i) => sum + value * shares[i], 0);
    });
    if (this.product) {
      if (logp.every((value) => value === -Infinity)) logp[0] = 0; // where nothing is possible, the line ends
      logp = logSoftmax(logp);
    }
    return { logp, state: { out, states: read.map((each) => each.state) } };
  }
}
