// The second room: start, stop, go on, and what happens meanwhile.

import { $, $$, attempt, get, h, loss, post, say, whole } from "./shared.js";
import { best, draw } from "./curve.js";
import { Card, rows, standing } from "./racers.js";

const KEPT = 12; // groups of samples of a run
const BASELINES = { uniform: "guessing", bigram: "pairs", ngram: "6-gram" };
const QUIET = 8_000; // milliseconds between two things said

let app;
let runs = new Map(); // name -> what is known about the runs that train, or trained last
let cards = new Map();
let drawing = 0;
let spoken = { at: 0, over: true };
let ticked = null; // what the ticks were last set for: a list and the type recommended for it

export function start(the_app) {
  app = the_app;
  $("#train-form").onsubmit = (event) => (event.preventDefault(), attempt(begin)());
  $("#train-stop").onclick = attempt(async () => {
    say("stopping, and saving ...");
    await post("api/stop", {});
  });
  $("#train-on").onclick = () => goOn([...runs.values()].filter((run) => !run.counts && run.usable).map((run) => run.name));
  const { time } = $("#train-form"); // kept over a reload, since "Go on" takes it too
  time.value = sessionStorage.getItem("seconds") ?? time.value;
  time.onchange = () => sessionStorage.setItem("seconds", time.value);
  $("#types").onchange = attempt(prepare);
  $("#curve-whole").onchange = redraw;
  $("#train-show").onclick = () => showEarlier($("#train-run").value);
  app.on("state", refresh);
  app.on("event", hear);
  app.on("room", () => redraw());
  addEventListener("resize", redraw);
}

function refresh() {
  const { chosen, training, lists } = app.state;
  const form = $("#train-form");
  form.hidden = !chosen && !app.run && !busy(); // to go on with a run and to stop need no list
  $("#train-none").hidden = !!chosen;
  $("#types").hidden = $("#train-start").hidden = !chosen;
  $("#train-list").textContent = chosen ?? "";
  recommend(chosen, lists.find((list) => list.name === chosen)?.recommended ?? form.dataset.default);
  const damaged = [...app.state.runs.filter((run) => run.error).map((run) => `${run.name}: ${run.error}`), ...app.state.damaged];
  $("#train-damaged").replaceChildren(...damaged.map((text) => h("p", { class: "warning" }, `A damaged run. ${text}.`)));
  if (!runs.size && !training && app.run) showEarlier(app.run);
  redraw();
}

// Tick the type that suits a list, once.
function recommend(list, type) {
  if (ticked !== `${list} ${type}`) {
    ticked = `${list} ${type}`;
    for (const box of $$("input[name=types]")) {
      box.checked = box.value === type;
      $(".mark", box.parentElement).hidden = !box.checked;
    }
  }
  sized();
}

const busy = () => !!app.state.training?.running.length;

// The width can be chosen of networks only.
function sized() {
  const chosen = $$("input[name=types]:checked");
  $("#train-size").hidden = $("#types").hidden || (chosen.length > 0 && !chosen.some((each) => "sized" in each.dataset));
}

// Prepare processes for the types that are ticked.
async function prepare() {
  sized();
  await post("api/ready", { types: $$("input[name=types]:checked").length });
}

async function begin() {
  const form = $("#train-form");
  const types = $$("input[name=types]:checked").map((each) => each.value);
  if (!types.length) throw new Error("Tick a type first.");
  await follow(post("api/train", {
    list: app.state.chosen, types, time: form.time.valueAsNumber, size: +form.size.value,
  }));
}

const goOn = (names) =>
  attempt(() => follow(post("api/resume", { runs: names, more: $("#train-form").time.valueAsNumber })))();

async function follow(started) {
  $("#train-start").disabled = true;
  say("starting ...");
  try {
    await started;
  } finally {
    await app.refresh();
  }
  say("");
}

// Show a run that does not train, as it is on disk.
const showEarlier = (name) => attempt(async () => {
  const { type, metrics, summary, warnings } = await get(`api/curve?run=${encodeURIComponent(name)}`);
  const run = known(name, { over: true, usable: true, said: summary ? "finished earlier" : "stopped earlier", summary });
  learn(run, type, metrics);
  run.warnings = warnings.map(warned);
  run.step = summary?.steps ?? metrics.at(-1)?.step;
  runs = new Map([[name, run]]);
  redraw();
})();

const known = (name, more) => ({
  name, points: [], batches: [], samples: [], warnings: [], baselines: {}, over: false, said: "loading PyTorch, which takes seconds", ...more,
});

function learn(run, type, rows) {
  run.type = type;
  run.counts = "counts" in $(`#types [value="${type}"]`).dataset;
  run.points = rows.map((row) => ({ ...row, seconds: row.seconds ?? 0 }));
}

const warned = ({ message, advice }) => ({ text: message, advice });

// Take an event into account; those of a training that is replayed come in the same way.
function hear(event) {
  if (event.id === 0) runs = new Map();
  if (event.kind === "begun") runs.set(event.run, known(event.run, event.waits ? { said: "waits for its turn" } : {}));
  const run = runs.get(event.run);
  if (!run) return;
  switch (event.kind) {
    case "started":
      Object.assign(run, { usable: true, said: "training" });
      learn(run, event.type, event.earlier);
      if (event.warning) run.warnings.push({ text: event.warning });
      app.refresh();
      break;
    case "baselines":
      run.baselines = event.baselines;
      break;
    case "step":
      Object.assign(run, { step: event.step, done: event.done });
      run.batches.push({ seconds: event.seconds, loss: event.loss });
      break;
    case "evaluation":
      run.step = event.step;
      run.points.push(event);
      break;
    case "overfitting":
      run.warnings.push({ text: `since step ${whole(event.since)} it has memorised more than it has learned: the held-out ` +
        "loss rises. The best state so far is kept" });
      break;
    case "samples":
      run.samples.unshift({ step: event.step, lines: event.samples });
      run.samples.length = Math.min(run.samples.length, KEPT);
      break;
    case "ended":
      run.said = "measuring the losses";
      break;
    case "done":
      Object.assign(run, { over: true, step: event.step, summary: event.summary, said: REASONS[event.reason] ?? event.reason });
      if (event.warnings) run.warnings = event.warnings.map(warned);
      break;
    case "failed":
      Object.assign(run, { over: true, said: "failed", failed: true });
      run.warnings.push({ text: event.error });
      break;
  }
  redraw();
}

const REASONS = { stopped: "stopped and saved", "no better": "finished: it no longer improved", finished: "finished" };

// Draw at the next frame what has changed, once.
function redraw() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    const all = [...runs.values()], over = all.every((run) => run.over);
    $("#train-start").disabled = busy();
    $("#train-stop").disabled = !busy();
    $("#train-on").hidden = busy() || all.length < 2 || !all.some((run) => !run.counts && run.usable);
    $("#train-earlier").hidden = busy() || !app.run;
    if (app.room !== "train") return;
    drawCards(all);
    drawCurve(all.filter((run) => run.points.length));
    $("#race").hidden = all.length < 2;
    $("#race tbody").replaceChildren(...rows(all));
    warn(all);
    speak(all, over);
  });
}

function drawCards(all) {
  if ([...cards.values()].map((card) => card.run).some((run, i) => run !== all[i]) || cards.size !== all.length) {
    const actions = { on: (name) => goOn([name]), make: (name) => enter(name, "make"), inside: (name) => enter(name, "inside") };
    cards = new Map(all.map((run, i) => [run.name, new Card(run, i, actions)]));
    $("#racers").replaceChildren(...[...cards.values()].map((card) => card.element));
  }
  for (const card of cards.values()) card.update(busy());
}

function enter(name, room) {
  app.choose(name);
  app.go(room);
}

function drawCurve(some) {
  const curved = some.length > 1 || some.some((run) => !run.counts); // a single loss makes no curve
  $("#curve").hidden = !curved;
  if (!curved) return;
  const found = some.find((run) => Object.keys(run.baselines).length)?.baselines ?? {};
  const baselines = Object.fromEntries(Object.entries(found).map(([key, value]) => [BASELINES[key], value]));
  const text = some.map((run) => `${run.name}: from ${loss(run.points[0].validation)} to ${loss(best(run).validation)}`);
  $("#curve figcaption span").textContent = "in nats, over seconds; lower is better. " + (some.length > 1
    ? "The held-out loss. The dot is the best so far."
    : "Solid: the held-out loss. Dashed: the training loss. Thin: the batches, averaged. The dot is the best so far.") +
    (found.ngram ? " Dotted: the held-out loss of simpler models." : "");
  $("#curve > div").replaceChildren(draw(some, baselines, {
    width: $("#racers").clientWidth - 28,
    whole: $("#curve-whole").checked,
    text: `Held-out loss. ${text.join("; ")}. ` +
    Object.entries(baselines).map(([name, value]) => `${name} ${loss(value)}`).join(", "),
  }));
  const body = $("#curve tbody"), cells = [
    ...Object.entries(baselines).map(([name, value]) => [name, "", "", "", loss(value)]),
    ...some.flatMap((run) => run.points.map((p) =>
      [run.name, whole(p.step), p.seconds.toFixed(1), loss(p.train), loss(p.validation)])),
  ];
  if (body.rows.length !== cells.length) {
    body.replaceChildren(...cells.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell)))));
  }
}

function warn(all) {
  const found = all.flatMap((run) => run.warnings.map((each) => ({ ...each, run })));
  const text = found.map((each) => each.run.name + each.text).join("\n");
  if ($("#train-warnings").dataset.text === text) return; // or screen readers would say it again
  $("#train-warnings").dataset.text = text;
  $("#train-warnings").replaceChildren(...found.map(({ run, text, advice }) =>
    h("p", { class: "warning" + (run.failed ? " red" : "") }, `${run.name}: ${text}.`.replace(/\.\.$/, "."),
      advice ? h("small", {}, ` What to do: ${advice}.`) : "")));
}

// Say how it stands, not too often.
function speak(all, over) {
  const now = performance.now(), ends = over && !spoken.over;
  if (!all.length || !(ends || (!over && now - spoken.at > QUIET))) return;
  spoken = { at: now, over };
  $("#train-heard").textContent = all.map((run) => `${run.name}: ${standing(run)}`).join(". ");
}
