// Sampling lines with wishes, exactly as likely as the model says among those that are wanted.
//
// Beginnings of lines form a tree. Each knows an upper bound of the share of its lines that are wanted: 1 until the
// model has read it, then the sum over what may follow. A line is sampled from these bounds; where one turns out
// lower than it was, the line is dropped with the probability of the difference. So what remains is distributed
// as if unwanted lines were drawn and thrown away, but what was once thrown away costs nothing again.

const MOST_NUMBERS = 3_000_000; // kept in a tree, about

class Sampler {
  // wishes: { labels: [[number, share], ...], prefix: ids, temperature, pattern, wanted(ids) }
  constructor(vocabulary, model, longest, wishes) {
    Object.assign(this, { vocabulary, model, longest, wishes, found: 0 });
    this.forget();
  }
  forget() {
    this.nodes = 0;
    this.root = null;
  }
  // Read the prefix under each label: how likely it is says how often its lines are of that label.
  *begin() {
    const { labels, prefix, pattern } = this.wishes, roots = [];
    const found = pattern && pattern.read(pattern.start, this.vocabulary.text(prefix));
    for (const [label, share] of labels) {
      let read = this.model.step(this.model.start(), 0, label), weight = Math.log(share);
      for (const id of prefix) {
        weight += read.logp[id];
        read = this.model.step(read.state, id, label);
        yield;
      }
      roots.push({ weight, node: { ...this.node(read, prefix.length, found), label } });
    }
    const whole = logSumExp(roots.map(({ weight }) => weight));
    if (pattern && !found) throw new Error("No line that starts like this matches the pattern.");
    if (whole === -Infinity) throw new Error("The model does not expect any line that starts like this.");
    const p = Float64Array.from(roots, ({ weight, node }) => Math.exp(weight - whole) * node.sum);
    this.root = { p, sum: sum(p), children: new Map(roots.map(({ node }, i) => [i, node])) };
  }
  // A beginning of `length` characters that the model has read.
  node({ logp, state }, length, found) {
    const { vocabulary, wishes, longest } = this, { unknown } = vocabulary;
    const cooled = logp.map((value) => value / wishes.temperature);
    if (unknown) cooled[unknown] = -Infinity; // it stands for rare characters, and is only read
    if (logSumExp(cooled) === -Infinity) cooled[0] = 0; // if nothing else can follow, the line ends
    if (length === 0) cooled[0] = -Infinity; // no line is empty
    const p = logSumExp(cooled) === -Infinity ? cooled.fill(0) : logSoftmax(cooled).map(Math.exp);
    if (length >= longest + wishes.prefix.length) p.fill(0, 1);
    if (wishes.pattern)
      for (let id = 0; id < p.length; id++)
        if (!(id ? wishes.pattern.read(found, vocabulary.names[id]) : found?.matches)) p[id] = 0;
    this.nodes += p.length + 300;
    return { p, sum: sum(p), state, found, children: new Map() };
  }
  // Try once, a step of the model at a time; return { ids, label }, or null if nothing came of it.
  *attempt() {
    if (!this.root || this.nodes > MOST_NUMBERS) {
      this.forget();
      yield* this.begin();
    }
    let node = this.root;
    if (!(node.sum > 0)) throw new Error(noMore(this.found));
    let id = choose(node.p, node.sum);
    const path = [[node, id]], ids = [...this.wishes.prefix];
    node = node.children.get(id);
    const { label } = node;
    while (node.sum > 0) {
      path.push([node, (id = choose(node.p, node.sum))]);
      if (id === 0) break;
      ids.push(id);
      let next = node.children.get(id);
      if (!next) {
        const { pattern } = this.wishes;
        const found = pattern && pattern.read(node.found, this.vocabulary.names[id]);
        next = this.node(this.model.step(node.state, id, label), ids.length, found);
        node.children.set(id, next);
        if (next.sum < 1 - 1e-12) this.lower(path, next.sum); // else only rounding differs
        if (Math.random() >= next.sum) return null;
        yield;
      }
      node = next;
    }
    if (id !== 0 || !this.wishes.wanted(ids)) {
      this.lower(path, 0);
      return null;
    }
    this.found++;
    return { ids, label };
  }
  // Multiply the bound at the end of a path by a factor.
  lower(path, factor) {
    for (const [node, id] of path.toReversed()) {
      const before = node.sum;
      node.p[id] *= factor;
      node.sum = sum(node.p);
      factor = before > 0 ? node.sum / before : 0;
    }
  }
}

// What to say where no line is left but those that were found.
function noMore(found) {
  if (found === 0) return "No line satisfies these wishes.";
  return found === 1 ? "There is only one such line." : `There are only ${found} such lines.`;
}

const sum = (values) => {
  let all = 0;
  for (let i = 0; i < values.length; i++) all += values[i];
  return all;
};

// Choose a place with a probability in proportion to its value; values of 0 are never chosen.
function choose(values, whole) {
  let left = Math.random() * whole, last = -1;
  for (let i = 0; i < values.length; i++) {
    if (values[i] <= 0) continue;
    last = i;
    left -= values[i];
    if (left < 0) break;
  }
  return last;
}

// How surprising each character of a line and its end were: { id, nll, choices }, choices being the likeliest ones.
function* letters(model, ids, label, top) {
  let state = model.start(), before = 0;
  for (const id of [...ids, 0]) {
    const { logp, state: next } = model.step(state, before, label);
    const whole = logSumExp(logp);
    const order = Array.from(logp.keys()).sort((a, b) => logp[b] - logp[a]).slice(0, top);
    yield { id, nll: whole - logp[id], choices: order.map((choice) => [choice, Math.exp(logp[choice] - whole)]) };
    [state, before] = [next, id];
  }
}
