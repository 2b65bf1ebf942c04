// The loss curve: one line for each run, and dotted lines for what simple models reach.

import { loss as shown } from "./shared.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 320, LEFT = 44, RIGHT = 124, TOP = 16, BOTTOM = 32, GAP = 15;
const DASHES = ["none", "8 3", "2 3", "9 3 2 3", "5 5", "1 5"]; // runs differ not only in colour
const MOST = 400; // points of a line, at most
const SMOOTH = 0.8; // the share of the earlier batches in the mean of batches

function s(tag, attributes, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Round numbers from low to high, at most about n.
function ticks(low, high, n) {
  const rough = (high - low) / n, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const found = [];
  for (let x = Math.ceil(low / step) * step; x <= high; x += step) found.push(+x.toPrecision(6));
  return found;
}

export const best = (run) =>
  run.points.length ? run.points.reduce((a, b) => (b.validation <= a.validation ? b : a)) : null;

// The losses of batches, each averaged with those before.
function averaged(batches) {
  let mean = batches[0]?.loss;
  return batches.map(({ seconds, loss }) => ({ seconds, loss: (mean = SMOOTH * mean + (1 - SMOOTH) * loss) }));
}

// Move labels [{ at }] apart so that none lies on another, and all stay between top and bottom.
function spread(labels, top, bottom) {
  labels.sort((a, b) => a.at - b.at);
  let free = top;
  for (const label of labels) free = (label.at = Math.max(label.at, free)) + GAP;
  let least = bottom;
  for (const label of labels.toReversed()) least = (label.at = Math.min(label.at, least)) - GAP;
  return labels;
}

// The lowest and the highest loss on the scale: those of the runs and of the baselines near them. A loss that
// rises above the ones that training began with, since it diverges, does not stretch it.
function scale(losses, first, baselines, whole) {
  const lowest = Math.min(...losses), highest = Math.max(...losses);
  const top = whole ? highest : Math.min(highest, Math.max(1.5 * lowest, ...first));
  const span = Math.max(0.1, top - lowest);
  const near = baselines.filter((each) => whole || each < lowest + 2 * span);
  return { near, low: Math.min(lowest, ...near) - 0.05 * span, high: Math.max(top, ...near) + 0.15 * span };
}

// Draw runs: [{ name, type, points: [{ step, seconds, train, validation }], batches: [{ seconds, loss }] }], and
// baselines: { name: loss }, this many pixels wide, so that letters keep their size on a phone. `text` says
// for screen readers what there is to see. Unless `whole`, what is far up stands at the upper end.
export function draw(runs, baselines, { width, text, whole }) {
  const WIDTH = Math.max(290, Math.min(940, width)), right = WIDTH - RIGHT;
  const points = runs.flatMap((run) => run.points), alone = runs.length === 1;
  const types = new Set(runs.map((run) => run.type));
  const losses = points.flatMap((p) => (alone ? [p.validation, p.train] : [p.validation])).filter(Number.isFinite);
  const first = runs.map((run) => run.points[0].validation).filter(Number.isFinite);
  const { near, low, high } = scale(losses, first, Object.values(baselines), whole);
  const end = Math.max(1, ...points.map((p) => p.seconds), ...runs.map((run) => run.batches.at(-1)?.seconds ?? 0));
  const x = (seconds) => LEFT + (seconds / end) * (right - LEFT);
  const y = (loss) => TOP + ((high - Math.min(Math.max(loss ?? high, low), high)) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const line = (some, key, look) => {
    const every = Math.ceil(some.length / MOST);
    const d = some.filter((p, i) => i % every === 0 || i === some.length - 1)
      .map((p, i) => `${i ? "L" : "M"}${x(p.seconds).toFixed(1)} ${y(p[key]).toFixed(1)}`).join("");
    svg.append(s("path", { d: some.length === 1 ? d + `H${right}` : d, ...look }));
  };
  const labels = [];
  const svg = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": text, class: "curve" });
  for (const tick of ticks(low, high, 5)) {
    svg.append(s("line", { x1: LEFT, x2: right, y1: y(tick), y2: y(tick), class: "grid" }),
      s("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, String(tick)));
  }
  for (const tick of ticks(0, end, WIDTH / 120)) {
    svg.append(s("text", { x: x(tick), y: HEIGHT - 10, "text-anchor": "middle" }, `${tick} s`));
  }
  for (const loss of near) {
    svg.append(s("line", { x1: LEFT, x2: right, y1: y(loss), y2: y(loss), class: "baseline" }));
  }
  runs.forEach((run, i) => {
    if (!run.points.length) return;
    const lowest = best(run), at = run.points.at(-1), colour = `c${i} `;
    if (alone) {
      line(averaged(run.batches), "loss", { class: `stroke thin ${colour}` });
      line(run.points, "train", { class: `stroke ${colour}`, "stroke-dasharray": DASHES[1] });
    }
    line(run.points, "validation", { class: `stroke ${colour}`, "stroke-dasharray": alone ? "none" : DASHES[i] });
    svg.append(s("circle", { cx: x(lowest.seconds), cy: y(lowest.validation), r: 4.5, class: `fill ${colour}` }));
    const text = alone ? "held out" : types.size < runs.length ? shortened(run.name) : run.type;
    labels.push({ text, at: y(at.validation), class: "strong" });
    if (!alone || run.points.length < 2) return;
    labels.push({ text: "training", at: y(at.train), class: "strong" });
    const left = x(lowest.seconds) < LEFT + 90;
    svg.append(s("text", { x: x(lowest.seconds) + (left ? 8 : -8), y: y(lowest.validation) - 8,
      "text-anchor": left ? "start" : "end", class: "above" }, `best: step ${lowest.step.toLocaleString("en")}`));
  });
  for (const [name, loss] of Object.entries(baselines)) {
    labels.push({ text: loss > high ? `↑ ${name} ${shown(loss)}` : name, at: y(loss), class: "" });
  }
  for (const { text, at, class: look } of spread(labels, TOP, HEIGHT - BOTTOM)) {
    svg.append(s("text", { x: right + 8, y: at + 4, class: look }, text));
  }
  return svg;
}

// A key for a run in a race: a line as in the curve.
export function key(i) {
  return s("svg", { viewBox: "0 0 34 10", class: "curve key", "aria-hidden": "true" },
    s("path", { d: "M0 5H34", class: `stroke c${i}`, "stroke-dasharray": DASHES[i] }));
}

const shortened = (name) => (name.length > 14 ? "…" + name.slice(-13) : name);
