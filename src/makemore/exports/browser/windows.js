// Models that look back at a window of characters, or at all of them: mlp, mlp_bn, wavenet and bow.

class MLP {
  constructor(weights, config, V) {
    this.embedding = embedding(weights);
    this.past = Array(config.context - 1).fill(0);
    this.hidden = this.layers(weights, config);
    this.head = linear(weights, "head");
  }
  layers(weights) {
    return [linear(weights, "fc")];
  }
  start() {
    return this.past.map((id) => this.embedding(id, 0));
  }
  step(state, id, label) {
    const window = [...state, this.embedding(id, label)];
    let h = Float64Array.from(window.flatMap((e) => [...e]));
    for (const layer of this.hidden) h = tanh(layer(h));
    return { logp: logSoftmax(this.head(h)), state: window.slice(1) };
  }
}

// The same with several layers. After training, BatchNorm is a scale and a shift.
class MLPBatchNorm extends MLP {
  layers(weights, config) {
    return Array.from({ length: config.n_layer }, (_, i) => {
      const of = (name) => weights[`norms.${i}.${name}`].data;
      const gain = of("gain"), bias = of("bias"), mean = of("running_mean"), variance = of("running_var");
      const fc = linear(weights, `fcs.${i}`);
      return (x) => fc(x).map((value, c) => ((value - mean[c]) / Math.sqrt(variance[c] + 1e-5)) * gain[c] + bias[c]);
    });
  }
}

// Dilated convolutions: layer i sees its input now and 2^i characters ago.
class WaveNet {
  constructor(weights, config) {
    this.embedding = embedding(weights);
    this.blocks = Array.from({ length: config.n_layer }, (_, i) => {
      const at = `blocks.${i}`;
      return { norm: layerNorm(weights, `${at}.norm`), conv: linear(weights, `${at}.conv`), proj: linear(weights, `${at}.proj`) };
    });
    this.norm = layerNorm(weights, "norm");
    this.head = linear(weights, "head");
  }
  start() {
    const nothing = this.embedding(0, 0).fill(0);
    return this.blocks.map((_, i) => Array(2 ** i).fill(nothing));
  }
  step(state, id, label) {
    let x = this.embedding(id, label);
    const next = this.blocks.map(({ norm, conv, proj }, i) => {
      const now = norm(x), a = conv(Float64Array.of(...state[i][0], ...now)), C = a.length / 2;
      x = add(x, proj(multiply(tanh(a.subarray(0, C)), sigmoid(a.subarray(C)))));
      return [...state[i].slice(1), now];
    });
    return { logp: logSoftmax(this.head(this.norm(x))), state: next };
  }
}

// u = e + the mean of all e so far; logits of u + W2 tanh(W1 u).
class BagOfWords {
  constructor(weights) {
    this.embedding = embedding(weights);
    [this.fc, this.proj, this.head] = ["fc", "proj", "head"].map((name) => linear(weights, name));
  }
  start() {
    return { total: this.embedding(0, 0).fill(0), n: 0 };
  }
  step(state, id, label) {
    const e = this.embedding(id, label), total = add(state.total, e), n = state.n + 1;
    const u = e.map((value, i) => value + total[i] / n);
    return { logp: logSoftmax(this.head(add(u, this.proj(tanh(this.fc(u)))))), state: { total, n } };
  }
}
