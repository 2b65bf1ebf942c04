// Models that attend to all characters so far: transformer and llama. Their state: of each block the keys and
// the values of these characters.

class Transformer {
  constructor(weights, config) {
    this.embedding = embedding(weights);
    this.positions = weights["positions.weight"];
    this.H = config.n_head;
    this.blocks = Array.from({ length: config.n_layer }, (_, i) => ({
      ...Object.fromEntries(["norm1", "norm2"].map((name) => [name, layerNorm(weights, `blocks.${i}.${name}`)])),
      ...Object.fromEntries(["qkv", "out", "fc", "proj"].map((name) => [name, linear(weights, `blocks.${i}.${name}`)])),
    }));
    this.norm = layerNorm(weights, "norm");
    this.head = linear(weights, "head");
    this.gelu = config.gelu_tanh ? GELU_TANH : GELU;
  }
  start() {
    return this.blocks.map(() => ({ keys: [], values: [] }));
  }
  step(state, id, label) {
    let x = this.embedding(id, label);
    const C = x.length, { data, shape: [most] } = this.positions;
    const t = Math.min(state[0].keys.length, most - 1); // those beyond share the last position
    x = add(x, data.subarray(t * C, (t + 1) * C));
    const next = this.blocks.map(({ norm1, norm2, qkv, out, fc, proj }, i) => {
      const a = qkv(norm1(x)), [q, k, v] = [0, 1, 2].map((part) => a.subarray(part * C, (part + 1) * C));
      const keys = [...state[i].keys, k], values = [...state[i].values, v];
      x = add(x, out(attend(q, keys, values, this.H)));
      x = add(x, proj(gelu(fc(norm2(x)), this.gelu)));
      return { keys, values };
    });
    return { logp: logSoftmax(this.head(this.norm(x))), state: next };
  }
}

// For each head, the sum of the values, shared out by how well their keys fit the query.
function attend(q, keys, values, H) {
  const D = q.length / H, y = new Float64Array(q.length), scores = new Float64Array(keys.length);
  for (let h = 0; h < q.length; h += D) {
    for (let s = 0; s < keys.length; s++) {
      let sum = 0;
      for (let d = h; d < h + D; d++) sum += q[d] * keys[s][d];
      scores[s] = sum / Math.sqrt(D);
    }
    const whole = logSumExp(scores);
    for (let s = 0; s < keys.length; s++) {
      const share = Math.exp(scores[s] - whole);
      for (let d = h; d < h + D; d++) y[d] += share * values[s][d];
    }
  }
  return y;
}

class Llama {
  constructor(weights, config) {
    this.embedding = embedding(weights);
    this.H = config.n_head;
    this.blocks = Array.from({ length: config.n_layer }, (_, i) => ({
      ...Object.fromEntries(["norm1", "norm2", "q_norm", "k_norm"].map((name) => [name, rmsNorm(weights, `blocks.${i}.${name}`)])),
      ...Object.fromEntries(
        ["q", "k", "v", "out", "gate", "up", "proj"].map((name) => [name, linear(weights, `blocks.${i}.${name}`)])),
    }));
    this.norm = rmsNorm(weights, "norm");
    this.head = linear(weights, "head");
  }
  start() {
    return this.blocks.map(() => ({ keys: [], values: [] }));
  }
  step(state, id, label) {
    let x = this.embedding(id, label);
    const t = state[0].keys.length, D = x.length / this.H;
    // each head of a query or key is normalised, then turned by t
    const turned = (y, norm) => {
      for (let h = 0; h < y.length; h += D) rotate(y, norm(y.slice(h, h + D)), h, t);
      return y;
    };
    const next = this.blocks.map((block, i) => {
      const u = block.norm1(x);
      const q = turned(block.q(u), block.q_norm), k = turned(block.k(u), block.k_norm);
      const keys = [...state[i].keys, k], values = [...state[i].values, block.v(u)];
      x = add(x, block.out(attend(q, keys, values, this.H)));
      const w = block.norm2(x), g = block.gate(w);
      x = add(x, block.proj(multiply(multiply(g, sigmoid(g)), block.up(w))));
      return { keys, values };
    });
    return { logp: logSoftmax(this.head(this.norm(x))), state: next };
  }
}

// Write to y, from h on, the pairs (i, i + D / 2) of x turned by t times the pair's speed.
function rotate(y, x, h, t) {
  const half = x.length / 2;
  for (let i = 0; i < half; i++) {
    const angle = t * 10_000 ** (-i / half), sin = Math.sin(angle), cos = Math.cos(angle);
    y[h + i] = x[i] * cos - x[i + half] * sin;
    y[h + i + half] = x[i] * sin + x[i + half] * cos;
  }
}
