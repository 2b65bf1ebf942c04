// The second room: start, stop, go on, and what happens meanwhile.

import { $, $$, attempt, h, loss, post, say, whole } from "./shared.js";
import { draw } from "./curve.js";

const SHOWN = 12; // groups of samples of a run
const BASELINES = { uniform: "all alike", bigram: "pairs", ngram: "6-gram" };
const MARKS = { train: "copy", "held-out": "held out", new: "" };

let app;
let runs = new Map(); // name -> what is known about the runs that train, or trained last
let drawing = 0;
let spoken = 0;

export function start(the_app) {
  app = the_app;
  $("#train-form").onsubmit = (event) => {
    event.preventDefault();
    attempt(begin)();
  };
  $("#train-stop").onclick = attempt(async () => {
    say("stopping, and saving ...");
    await post("api/stop", {});
  });
  app.on("state", () => refresh());
  app.on("event", hear);
  app.on("room", () => redraw());
}

function refresh() {
  const { chosen, training } = app.state;
  const busy = !!training?.running.length;
  $("#train-form").hidden = !chosen;
  $("#train-none").hidden = !!chosen;
  $("#train-list").textContent = chosen ?? "";
  $("#train-start").disabled = busy;
  $("#train-stop").disabled = !busy;
  redraw();
}

async function begin() {
  const form = $("#train-form");
  const types = $$("input[name=types]:checked").map((each) => each.value);
  await follow(post("api/train", {
    list: app.state.chosen, types, time: form.time.valueAsNumber, size: +form.size.value,
  }));
}

async function follow(started) {
  say("starting ...");
  await started;
  say("");
  await app.refresh();
  app.follow();
}

// Take an event into account; those of a training that is replayed come in the same way.
function hear(event) {
  if (event.id === 0) runs = new Map();
  if (event.kind === "begun") {
    runs.set(event.run, { name: event.run, points: [], samples: [], warnings: [], baselines: {}, over: false, said: "loading" });
  }
  const run = runs.get(event.run);
  if (!run) return;
  switch (event.kind) {
    case "started":
      Object.assign(run, { type: event.type, said: "training" });
      run.points = event.earlier.map((row) => ({ ...row, seconds: row.seconds ?? 0 }));
      if (event.warning) run.warnings.push(event.warning);
      app.refresh();
      break;
    case "baselines":
      run.baselines = event.baselines;
      break;
    case "step":
      Object.assign(run, { step: event.step, done: event.done });
      break;
    case "evaluation":
      run.step = event.step;
      run.points.push(event);
      break;
    case "overfitting":
      run.warnings.push(`since step ${whole(event.since)} it learns the lines by heart: the loss on lines it has not seen rises`);
      break;
    case "samples":
      run.samples.unshift({ step: event.step, lines: event.samples });
      run.samples.length = Math.min(run.samples.length, SHOWN);
      break;
    case "ended":
      run.said = "measuring";
      break;
    case "done":
      Object.assign(run, { over: true, summary: event.summary, said: event.reason === "stopped" ? "stopped, and saved" : "finished" });
      break;
    case "failed":
      Object.assign(run, { over: true, said: "failed" });
      run.warnings.push(event.message);
      break;
  }
  redraw();
}

// Draw at the next frame what has changed, once.
function redraw() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    if (app.room !== "train") return;
    drawCurve();
    $("#racers").replaceChildren(...[...runs.values()].map(card));
    $("#train-warnings").replaceChildren(...[...runs.values()].flatMap((run) =>
      run.warnings.map((text) => h("p", { class: "warning" + (run.said === "failed" ? " red" : "") }, `${run.name}: ${text}`))));
    speak();
  });
}

function drawCurve() {
  const some = [...runs.values()].filter((run) => run.points.length);
  $("#curve").hidden = !some.length;
  if (!some.length) return;
  const found = some.find((run) => Object.keys(run.baselines).length)?.baselines ?? {};
  const baselines = Object.fromEntries(Object.entries(found).map(([key, value]) => [BASELINES[key], value]));
  const open = $("#curve details")?.open ?? false;
  $("#curve").replaceChildren(
    h("figcaption", {}, h("b", {}, "Loss"),
      "nats a character on lines it has not seen; faint: on lines it has. Lower is better; the dot is the best so far."),
    draw(some, baselines, $("#racers").clientWidth - 28),
    h("details", { open }, h("summary", {}, "As a table"), table(some, baselines)));
}

function table(some, baselines) {
  const row = (...cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)));
  return h("div", { class: "box", tabIndex: 0, role: "region", ariaLabel: "Losses" }, h("table", {},
    h("thead", {}, h("tr", {}, ["run", "step", "seconds", "seen lines", "unseen lines"].map((name) => h("th", {}, name)))),
    h("tbody", {},
      Object.entries(baselines).map(([name, value]) => row(name, "", "", "", loss(value))),
      some.flatMap((run) => run.points.map((p) =>
        row(run.name, whole(p.step), p.seconds.toFixed(1), loss(p.train), loss(p.validation)))))));
}

function best(run) {
  return run.points.length ? Math.min(...run.points.map((p) => p.validation)) : null;
}

function card(run, i) {
  const last = run.points.at(-1);
  return h("section", { class: "card", ariaLabel: run.name },
    h("h3", { class: `fill c${i}` }, run.name),
    h("p", {}, `${run.said}${run.step === undefined ? "" : `; step ${whole(run.step)}`}`,
      last ? `; ${last.seconds.toFixed(0)} s; best loss ${loss(best(run))}` : ""),
    run.over || run.done === undefined || run.done === null ? "" : h("progress", { max: 1, value: run.done, ariaLabel: "done" }),
    run.over ? ending(run) : "",
    run.samples.map(({ step, lines }) => h("div", { class: "babble" },
      h("small", {}, `step ${whole(step)}`),
      lines.map((line) => h("div", {},
        line.label ? [h("small", {}, line.label), " "] : "",
        h("span", { class: "line", dir: "auto" }, line.text + (line.ended ? "" : "…")),
        MARKS[line.seen] ? [" ", h("span", { class: "mark" }, MARKS[line.seen])] : "")))));
}

function ending(run) {
  const test = run.summary?.nll?.test;
  const enter = (room, text) => h("button", { onclick: () => (app.choose(run.name), app.go(room)) }, text);
  return h("div", {},
    test === undefined ? "" : h("p", {}, `Loss on test lines: ${loss(test)}`),
    run.said === "failed" && !run.points.length ? "" : h("div", { class: "fields" },
      enter("make", "Make some"), enter("inside", "Look inside"),
      h("button", { disabled: !!app.state.training?.running.length,
        onclick: attempt(() => follow(post("api/resume", { run: run.name, more: $("#train-form").time.valueAsNumber }))) },
      "Go on")));
}

// Say how it stands, not too often.
function speak() {
  const now = performance.now();
  const over = [...runs.values()].every((run) => run.over);
  if (!runs.size || (now - spoken < 10_000 && !over)) return;
  spoken = now;
  const text = [...runs.values()].map((run) =>
    `${run.name}: ${run.said}${run.points.length ? `, best loss ${loss(best(run))}` : ""}`).join(". ");
  if ($("#train-heard").textContent !== text) $("#train-heard").textContent = text;
}
