// The page: which room is shown, what the server has, and what happens in training.

import { $, $$, attempt, get, h, say } from "./shared.js";
import * as list from "./list.js";
import * as train from "./train.js";
import * as make from "./make.js";
import * as inside from "./inside.js";
import * as games from "./games.js";

const ROOMS = { list, train, make, inside, games };
const AGAIN = 3_000; // milliseconds until a stream that was refused is asked for again

const app = {
  state: { lists: [], chosen: null, runs: [], damaged: [], training: null },
  room: "list",
  run: sessionStorage.run ?? null, // the run that the rooms are about
  listeners: {},

  // "state": the server has something new. "event": of training. "room": a room is entered. "run": another
  // run is chosen.
  on(what, listener) {
    (this.listeners[what] ??= []).push(listener);
  },
  emit(what, value) {
    for (const listener of this.listeners[what] ?? []) listener(value);
  },

  async refresh() {
    this.state = await get("api/state");
    const whole = this.state.runs.filter((run) => !run.error);
    if (!whole.some((run) => run.name === this.run)) this.choose(whole.at(-1)?.name ?? null);
    fillRuns();
    this.emit("state", this.state);
  },
  choose(run) {
    this.run = run;
    if (run) sessionStorage.run = run;
    fillRuns();
    this.emit("run", run);
  },
  // What the state says about the chosen run; undefined if there is none.
  get about() {
    return this.state.runs.find((run) => run.name === this.run);
  },
  go(room) {
    location.hash = room;
  },
};

// Every <select data-runs> is a choice of the run.
function fillRuns() {
  for (const select of $$("select[data-runs]")) {
    const options = app.state.runs.map(({ name, error }) => [name, error ? `${name} (damaged)` : name, !!error]);
    const filled = options.join("\n");
    if (select.dataset.filled !== filled) {
      select.replaceChildren(...options.map(([value, text, disabled]) => h("option", { value, disabled }, text)));
      select.dataset.filled = filled;
    }
    select.value = app.run ?? "";
  }
  for (const element of $$("[data-needs-run]")) element.hidden = !app.run;
  for (const element of $$("[data-needs-no-run]")) element.hidden = !!app.run;
}

function show() {
  const room = location.hash.slice(1);
  app.room = room in ROOMS ? room : "list";
  for (const name of Object.keys(ROOMS)) {
    $("#room-" + name).hidden = name !== app.room;
    const link = $(`nav a[href="#${name}"]`);
    if (name === app.room) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  say("");
  document.title = $("#title-" + app.room).textContent + " – makemore playground";
  app.emit("room", app.room);
}

// Follow the events of the last training, those so far and those to come, and then of trainings that begin later.
function follow() {
  const source = new EventSource("api/events"); // it connects again by itself, unless it is refused
  source.onmessage = ({ data }) => app.emit("event", JSON.parse(data));
  source.addEventListener("over", attempt(() => app.refresh()));
  source.onopen = () => gone("");
  source.onerror = async () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN);
    await get("api/state").then(() => gone(""), (error) => gone(error.message));
  };
}

// Say that the server is gone, for as long as it is.
function gone(why) {
  $("#gone").hidden = !why;
  if ($("#gone").textContent !== why) $("#gone").textContent = why;
}

for (const room of Object.values(ROOMS)) room.start(app);
addEventListener("hashchange", show);
document.addEventListener("change", ({ target }) => {
  if (target.matches("select[data-runs]")) app.choose(target.value);
});
attempt(async () => {
  await app.refresh();
  if (!location.hash) history.replaceState(null, "", app.state.chosen || !app.run ? "#list" : "#make");
  show();
  follow();
})();
