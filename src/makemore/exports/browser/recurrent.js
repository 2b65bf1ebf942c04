// Models that carry a state along the line: rnn, gru, lstm and mingru.

// h <- tanh(W x + U h + b)
class RNN {
  constructor(weights, config) {
    const layer = (side) => linear({ "it.weight": weights[`cell.weight_${side}_l0`], "it.bias": weights[`cell.bias_${side}_l0`] }, "it");
    const embed = embedding(weights), read = layer("ih"), known = new Map();
    // W x + b, computed once for each character and label
    this.wx = (id, label) => {
      const name = `${id} ${label}`;
      if (!known.has(name)) known.set(name, read(embed(id, label)));
      return known.get(name);
    };
    this.uh = layer("hh");
    this.C = config.n_embd2;
    this.head = linear(weights, "head");
  }
  start() {
    return { h: new Float64Array(this.C), c: new Float64Array(this.C) };
  }
  step(state, id, label) {
    const next = this.cell(this.wx(id, label), this.uh(state.h), state);
    return { logp: logSoftmax(this.head(next.h)), state: next };
  }
  cell(wx, uh) {
    return { h: tanh(add(wx, uh)) };
  }
}

// Gates r and z; h <- (1 - z) n + z h with n = tanh(W x + r * U h)
class GRU extends RNN {
  cell(wx, uh, { h }) {
    const [r, z] = [0, 1].map((k) => sigmoid(add(gate(wx, k, this.C), gate(uh, k, this.C))));
    const n = tanh(add(gate(wx, 2, this.C), multiply(r, gate(uh, 2, this.C))));
    return { h: n.map((value, i) => value + z[i] * (h[i] - value)) };
  }
}

// Gates i, f and o; c <- f c + i g and h <- o tanh(c)
class LSTM extends RNN {
  cell(wx, uh, { c }) {
    const a = add(wx, uh), g = tanh(gate(a, 2, this.C));
    const [i, f, o] = [0, 1, 3].map((k) => sigmoid(gate(a, k, this.C)));
    c = c.map((value, j) => f[j] * value + i[j] * g[j]);
    return { h: multiply(o, tanh(c)), c };
  }
}

const gate = (values, k, C) => values.subarray(k * C, (k + 1) * C);

// h <- (1 - z) h + z (W u) in each layer, then a two-layer network.
class MinGRU {
  constructor(weights, config) {
    this.embedding = embedding(weights);
    this.C = config.n_embd2;
    this.layers = Array.from({ length: config.n_layer }, (_, i) => ({
      ...Object.fromEntries(["norm1", "norm2"].map((name) => [name, layerNorm(weights, `layers.${i}.${name}`)])),
      ...Object.fromEntries(["gate", "write", "out", "fc", "proj"].map((name) => [name, linear(weights, `layers.${i}.${name}`)])),
    }));
    this.norm = layerNorm(weights, "norm");
    this.head = linear(weights, "head");
  }
  start() {
    return this.layers.map(() => new Float64Array(this.C));
  }
  step(state, id, label) {
    let x = this.embedding(id, label);
    const next = this.layers.map((layer, i) => {
      const u = layer.norm1(x), z = sigmoid(layer.gate(u)), written = layer.write(u);
      const h = state[i].map((value, c) => value + z[c] * (written[c] - value));
      x = add(x, layer.out(h));
      x = add(x, layer.proj(gelu(layer.fc(layer.norm2(x)))));
      return h;
    });
    return { logp: logSoftmax(this.head(this.norm(x))), state: next };
  }
}
