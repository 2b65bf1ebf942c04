// Reading the weights, and the few functions that models share.

// Return the weights of a model by name, each with its shape and data. `bytes` are those of all models.
function readWeights(list, bytes) {
  const found = {};
  for (const { name, kind, shape, size, step, offset } of list) {
    const n = shape.reduce((a, b) => a * b, 1);
    // byte b of every number, then byte b + 1 of every number: equal ones side by side compress better
    const whole = new Uint8Array(4 * n);
    for (let b = 0; b < size; b++)
      for (let i = 0, from = offset + b * n; i < n; i++) whole[4 * i + b] = bytes[from + i];
    let data = kind === "float" ? new Float32Array(whole.buffer) : new Uint32Array(whole.buffer);
    // a multiple of a step: 0, -1, 1, -2, 2, ... as 0, 1, 2, 3, 4, ...
    if (kind === "steps") data = Float32Array.from(data, (z) => step * (z & 1 ? -((z + 1) / 2) : z / 2));
    found[name] = { shape, data };
  }
  return found;
}

// The weights whose names begin with `part`, without it.
function partOf(weights, part) {
  const some = Object.entries(weights).filter(([name]) => name.startsWith(part));
  return Object.fromEntries(some.map(([name, weight]) => [name.slice(part.length), weight]));
}

// A linear layer: x to W x + b, W being (outputs, inputs).
function linear(weights, name) {
  const { data: W, shape: [O, I] } = weights[`${name}.weight`];
  const b = weights[`${name}.bias`]?.data;
  return (x) => {
    const y = new Float64Array(O);
    for (let o = 0; o < O; o++) {
      let sum = b ? b[o] : 0;
      for (let i = 0, row = o * I; i < I; i++) sum += W[row + i] * x[i];
      y[o] = sum;
    }
    return y;
  };
}

// The embedding of a character, and of the line's label if there are labels.
function embedding(weights) {
  const { data: E, shape: [, C] } = weights["embedding.weight"];
  const more = weights["embedding.labels.weight"]?.data;
  return (id, label) => Float64Array.from({ length: C }, (_, i) => E[id * C + i] + (more ? more[label * C + i] : 0));
}

const add = (x, y) => x.map((value, i) => value + y[i]);
const multiply = (x, y) => x.map((value, i) => value * y[i]);
const tanh = (x) => x.map(Math.tanh);
const sigmoid = (x) => x.map((value) => 1 / (1 + Math.exp(-value)));
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

// Give x mean 0 and variance 1, then scale and shift it.
function layerNorm(weights, name) {
  const gain = weights[`${name}.weight`].data, bias = weights[`${name}.bias`].data, C = gain.length;
  return (x) => {
    let mean = 0, square = 0;
    for (const value of x) mean += value / C;
    for (const value of x) square += (value - mean) ** 2 / C;
    return x.map((value, i) => ((value - mean) / Math.sqrt(square + 1e-5)) * gain[i] + bias[i]);
  };
}

// Give x a mean square of 1, then scale it.
function rmsNorm(weights, name) {
  const gain = weights[`${name}.weight`].data;
  return (x) => {
    let square = 0;
    for (const value of x) square += value ** 2 / gain.length;
    return x.map((value, i) => (value / Math.sqrt(square + 1e-6)) * gain[i]);
  };
}

// x times the normal distribution at x, within 6e-7: (1 + tanh(x q(x^2))) x / 2 with a polynomial q.
const GELU = [7.97884268e-1, 3.63341491e-2, -3.30266777e-5, -5.52733949e-5, 3.97407197e-6, -1.33783278e-7, 1.81392914e-9];
// With GELU_TANH for q it is GPT-2's approximation.
const GELU_TANH = [0.7978845608, 0.7978845608 * 0.044715];
function gelu(x, q = GELU) {
  return x.map((value) => {
    const square = Math.min(value * value, 36);
    return (value * (1 + Math.tanh(value * q.reduceRight((sum, c) => sum * square + c, 0)))) / 2;
  });
}

function logSumExp(values) {
  let most = -Infinity, sum = 0;
  for (let i = 0; i < values.length; i++) if (values[i] > most) most = values[i];
  if (most === -Infinity) return most;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i] - most);
  return most + Math.log(sum);
}

function logSoftmax(logits) {
  const whole = logSumExp(logits), logp = new Float64Array(logits.length);
  for (let i = 0; i < logp.length; i++) logp[i] = logits[i] - whole;
  return logp;
}
