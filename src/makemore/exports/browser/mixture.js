// mixture: softmax(u log p_lstm + v log p_ngram), u and v positive.

class Mixture extends LSTM {
  constructor(weights, config, V) {
    super(weights, config);
    this.ngram = new NGram(partOf(weights, "ngram."), config, V);
    this.trust = linear(weights, "trust");
  }
  start() {
    return { lstm: super.start(), ngram: this.ngram.start() };
  }
  step(state, id, label) {
    const learned = super.step(state.lstm, id, label), counted = this.ngram.step(state.ngram, id, label);
    let entropy = 0, most = -Infinity;
    for (const logq of counted.logp) {
      if (logq > -Infinity) entropy -= Math.exp(logq) * logq;
      most = Math.max(most, logq);
    }
    const [u, v] = this.trust(Float64Array.of(...learned.state.h, entropy, most)).map(softplus);
    const both = learned.logp.map((logp, c) => u * logp + v * counted.logp[c]);
    return { logp: logSoftmax(both), state: { lstm: learned.state, ngram: counted.state } };
  }
}
