// Models that are tables of counts: bigram, bigram_nn, ngram and ctw.
//
// Every model has start(), the state at the start of a line, and step(state, id, label), which reads a character
// and returns { logp, state }: log-probabilities of what comes next, and what to remember. Nothing is changed in
// place, so several lines can go on from one state.

class Bigram {
  constructor(weights, config, V) {
    Object.assign(this, { V, counts: weights.counts.data, smoothing: config.smoothing });
    this.labels = this.counts.length / (V * V); // tables, one for each label
  }
  start() {
    return null;
  }
  step(state, id, label) {
    const { V, counts, labels } = this;
    let row = new Float64Array(V);
    for (let table = 0; table < labels; table++)
      for (let c = 0; c < V; c++) row[c] += counts[(table * V + id) * V + c];
    row = row.map((count) => count + this.smoothing);
    const total = row.reduce((a, b) => a + b);
    let p = row.map((count) => (total > 0 ? count / total : 1 / V));
    if (labels > 1) {
      const own = counts.subarray((label * V + id) * V, (label * V + id + 1) * V);
      const all = own.reduce((a, b) => a + b);
      p = p.map((value, c) => (own[c] + 20 * value) / (all + 20));
    }
    return { logp: p.map(Math.log), state };
  }
}

class BigramNN {
  constructor(weights, config, V) {
    Object.assign(this, { V, table: weights.weight.data, labels: weights["labels.weight"]?.data });
  }
  start() {
    return null;
  }
  step(state, id, label) {
    const { V, table, labels } = this;
    const logits = table.slice(id * V, (id + 1) * V).map((value, c) => value + (labels ? labels[label * V + c] : 0));
    return { logp: logSoftmax(logits), state };
  }
}

// Strings of 1, 2, ... characters. Level k has those of k + 1: string i of a level is continued by the strings
// first[i] .. first[i + 1] of the next, in the order of their last characters.
class Strings {
  constructor(weights) {
    this.levels = [];
    const of = (name) => weights[name].data;
    let parent = 0, child = 0, contexts = of("children").length - of("sizes").slice(0, -1).reduce((a, b) => a + b, 0);
    for (const size of of("sizes")) {
      const first = new Uint32Array(contexts + 1);
      for (let i = 0; i < contexts; i++) first[i + 1] = first[i] + of("children")[parent + i];
      const [last, counts] = [of("last"), of("counts")].map((values) => values.subarray(child, child + size));
      this.levels.push({ first, last, counts });
      [parent, child, contexts] = [parent + contexts, child + size, size];
    }
  }
  // Where a string of level k - 1 is continued by a character, among those of level k; -1 if nowhere.
  find(k, context, id) {
    const { first, last } = this.levels[k];
    if (context < 0 || context + 1 >= first.length) return -1;
    let low = first[context], high = first[context + 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (last[middle] < id) low = middle + 1;
      else high = middle;
    }
    return low < first[context + 1] && last[low] === id ? low : -1;
  }
  // The contexts of 0, 1, ... characters after one more; `before` are those before it, null at the start.
  after(before, id, empty) {
    const found = [empty];
    for (let k = 0; k + 1 < this.levels.length; k++)
      found.push(this.find(k, k === 0 ? empty : before ? before[k] : -1, id));
    return found;
  }
  // Call a function with each character that follows a context, and its count; return the sum of the counts.
  following(k, context, work) {
    const { first, last, counts } = this.levels[k];
    let total = 0;
    if (context < 0 || context + 1 >= first.length) return 0;
    for (let i = first[context]; i < first[context + 1]; i++) {
      total += counts[i];
      work(last[i], counts[i]);
    }
    return total;
  }
}

class NGram {
  constructor(weights, config, V) {
    this.V = V;
    this.strings = new Strings(weights);
    const { data, shape: [, columns] } = weights.discounts;
    this.discounts = this.strings.levels.map((_, k) => data.subarray(k * columns, (k + 1) * columns));
    this.kinds = weights.kinds?.data ?? new Uint32Array(V);
    const shape = partOf(weights, "shape."), own = partOf(weights, "own.");
    if (shape.last) this.shape = new NGram(shape, {}, 1 + Math.max(...this.kinds));
    if (own.last) this.own = new NGram(own, {}, V);
    this.base = this.empty();
  }
  // What the empty context says of each character among those of its kind.
  empty() {
    const { V, kinds, discounts: [[a, ...D]] } = this, { last, counts } = this.strings.levels[0];
    const K = 1 + Math.max(...kinds), p = new Float64Array(V);
    const [total, taken, size] = [0, 0, 0].map(() => new Float64Array(K));
    for (let c = 0; c < V; c++) size[kinds[c]]++;
    last.forEach((c, i) => {
      total[kinds[c]] += counts[i];
      taken[kinds[c]] += D[Math.min(counts[i], 3) - 1];
    });
    for (let c = 0; c < V; c++) {
      const kind = kinds[c];
      p[c] = (total[kind] > 0 ? (taken[kind] + a) / (total[kind] + a) : 1) / size[kind];
    }
    last.forEach((c, i) => (p[c] += (counts[i] - D[Math.min(counts[i], 3) - 1]) / (total[kinds[c]] + a)));
    return p;
  }
  start() {
    return { contexts: null, shape: this.shape?.start(), own: null };
  }
  step(state, id, label) {
    const { own, shape, V } = this;
    const next = { contexts: this.strings.after(state.contexts, id, 0) };
    const p = Float64Array.from(this.base);
    if (shape) {
      const read = shape.step(state.shape, this.kinds[id], 0);
      next.shape = read.state;
      for (let c = 0; c < V; c++) p[c] *= Math.exp(read.logp[this.kinds[c]]);
    }
    let q = Float64Array.from(p); // of the label
    if (own) next.own = own.strings.after(state.own, id, label);
    for (let k = 0; k < this.discounts.length; k++) {
      if (k > 0) this.interpolate(k, next.contexts[k], p);
      if (!own) continue;
      const share = own.discounts[k][4];
      q = q.map((value, c) => value + share * (p[c] - value));
      own.interpolate(k, next.own[k], q);
    }
    return { logp: (own ? q : p).map(Math.log), state: next };
  }
  // From p(. | context of k - 1 characters) to p(. | context of k), in place; an unknown context leaves it.
  interpolate(k, context, p) {
    const [a, ...D] = this.discounts[k];
    let taken = 0;
    const total = this.strings.following(k, context, (c, count) => (taken += D[Math.min(count, 3) - 1]));
    if (total === 0) return;
    const back = (taken + a) / (total + a);
    for (let c = 0; c < p.length; c++) p[c] *= back;
    this.strings.following(k, context, (c, count) => (p[c] += (count - D[Math.min(count, 3) - 1]) / (total + a)));
  }
}

// Contexts of all lengths, weighed by Bayes' rule.
class CTW {
  constructor(weights) {
    this.strings = new Strings(weights);
    [this.strength] = weights.strength.data;
    this.base = weights.base.data;
    let at = 0;
    this.stops = this.strings.levels.map(({ first }) => weights.stops.data.subarray(at, (at += first.length - 1)));
    const own = partOf(weights, "own.");
    if (own.last) this.own = new CTW(own);
  }
  start() {
    return [null, null];
  }
  step([contexts, own], id, label) {
    contexts = this.strings.after(contexts, id, 0);
    let p = this.read(contexts, this.base);
    if (this.own) {
      own = this.own.strings.after(own, id, label);
      p = this.own.read(own, p);
    }
    return { logp: p.map(Math.log), state: [contexts, own] };
  }
  read(contexts, base) {
    const p = Float64Array.from(base);
    let found = false; // a longer context was seen
    for (let k = this.stops.length - 1; k >= 0; k--) {
      const total = this.strings.following(k, contexts[k], () => {});
      if (total === 0) continue;
      const stop = found ? this.stops[k][contexts[k]] : 1, given = stop / (total + this.strength);
      for (let c = 0; c < p.length; c++) p[c] = (1 - stop) * p[c] + given * this.strength * base[c];
      this.strings.following(k, contexts[k], (c, count) => (p[c] += given * count));
      found = true;
    }
    return p;
  }
}
