// The loss curve: one line for each run, and dashed lines for what simple models reach.

const NAMESPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 300, LEFT = 44, RIGHT = 120, TOP = 12, BOTTOM = 32;
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "4 4", "1 4"]; // runs differ not only in colour

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

// Draw runs: [{ name, points: [{ seconds, train, validation }] }], and baselines: { name: loss }, this many
// pixels wide, so that letters keep their size on a phone.
export function draw(runs, baselines, width) {
  const WIDTH = Math.max(300, Math.min(900, width));
  const points = runs.flatMap((run) => run.points);
  const losses = [...points.map((p) => p.validation), ...points.map((p) => p.train), ...Object.values(baselines)];
  const low = Math.min(...losses) - 0.05, high = Math.max(...losses) + 0.05;
  const end = Math.max(1, ...points.map((p) => p.seconds));
  const x = (seconds) => LEFT + (seconds / end) * (WIDTH - LEFT - RIGHT);
  const y = (loss) => TOP + ((high - loss) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const path = (run, key) => run.points.map((p, i) => `${i ? "L" : "M"}${x(p.seconds).toFixed(1)} ${y(p[key]).toFixed(1)}`).join("");
  const label = (text, at, more = {}) => s("text", { x: WIDTH - RIGHT + 8, y: at + 4, ...more }, text);
  const svg = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", class: "curve" });
  for (const tick of ticks(low, high, 5)) {
    svg.append(s("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), class: "grid" }),
      s("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, String(tick)));
  }
  for (const tick of ticks(0, end, WIDTH / 120)) {
    svg.append(s("text", { x: x(tick), y: HEIGHT - 12, "text-anchor": "middle" }, `${tick} s`));
  }
  const taken = []; // labels that would lie on one another are moved apart
  const free = (at) => {
    while (taken.some((other) => Math.abs(other - at) < 14)) at += 3;
    taken.push(at);
    return at;
  };
  runs.forEach((run, i) => {
    if (!run.points.length) return;
    const look = { class: `stroke c${i}`, "stroke-dasharray": DASHES[i] };
    svg.append(s("path", { d: path(run, "train"), ...look, opacity: 0.35 }), s("path", { d: path(run, "validation"), ...look }));
    const best = run.points.reduce((a, b) => (b.validation <= a.validation ? b : a));
    svg.append(s("circle", { cx: x(best.seconds), cy: y(best.validation), r: 4, class: `fill c${i}` }));
    svg.append(label(run.name, free(y(run.points.at(-1).validation)), { class: `fill c${i}` }));
  });
  for (const [name, loss] of Object.entries(baselines)) {
    svg.append(s("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(loss), y2: y(loss), class: "baseline" }),
      label(name, free(y(loss)), { class: "dim" }));
  }
  return svg;
}
