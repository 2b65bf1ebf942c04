// The room where samples are made: wishes, the list of samples, and those that are kept.

import { explained } from "./explained.js";
import { keepButton, star } from "./line.js";
import { $, $$, attempt, get, h, post, say } from "./shared.js";

const SEEN = {
  new: ["new", "not in the list"],
  "held-out": ["held out", "in the list, but not among the training lines"],
  train: ["copy", "in the list, and the model was trained on it"],
};

export function start(app) {
  const form = $("#make");
  const field = (name) => form.elements.namedItem(name);
  const shown = new Set(); // runs that were sampled without asking
  let asking = null;
  let made = null; // the run of the samples that are shown
  let current = null; // the run that the form is for
  let kept = []; // the samples of that run that are kept

  // What the form says, as the server takes it; what is left as it is, is left out.
  function wishes() {
    const number = (text) => (text.trim() === "" || isNaN(text) ? text : Number(text)); // the server says what is wrong
    const found = { run: app.run, n: number(field("n").value) };
    for (const name of ["prefix", "ends_with", "contains", "without", "length", "pattern", "label"])
      if (field(name).value !== "") found[name] = field(name).value;
    if (field("max_length").value.trim()) found.max_length = number(field("max_length").value);
    for (const name of ["novel", "unique", "best"]) if (field(name).checked) found[name] = true;
    for (const name of ["temperature", "top_p"])
      if (field(name).valueAsNumber !== 1) found[name] = field(name).valueAsNumber;
    found.seed = number(field("seed").value.trim() || String(crypto.getRandomValues(new Uint32Array(1))[0]));
    return found;
  }

  async function make() {
    asking?.abort();
    const own = (asking = new AbortController());
    clearProblems();
    say("");
    const asked = wishes();
    const began = performance.now();
    const status = $("#make-status");
    const waiting = setInterval(() => {
      $("#make-stop").hidden = false;
      status.textContent = `Sampling… ${Math.round((performance.now() - began) / 1000)} s`;
    }, 500);
    $("#made").setAttribute("aria-busy", "true");
    try {
      const { samples, problem } = await post("api/sample", asked, own.signal);
      if (own !== asking) return;
      show(asked.run, samples);
      status.textContent = counted(samples, asked.seed);
      if (problem) complain(problem.error, problem.options);
    } catch (error) {
      if (own !== asking) return;
      show(asked.run, []); // earlier samples do not belong to this request
      status.textContent = error.name === "AbortError" ? "Given up." : "";
      if (error.name !== "AbortError") complain(error.message, error.options ?? []);
    } finally {
      clearInterval(waiting);
      if (own === asking) {
        asking = null;
        $("#make-stop").hidden = true;
        $("#made").removeAttribute("aria-busy");
      }
    }
  }

  function counted(samples, seed) {
    const counts = Object.entries(SEEN)
      .map(([seen, [word]]) => [samples.filter((each) => each.seen === seen).length, word])
      .filter(([n]) => n)
      .map(([n, word]) => `${n} ${word === "copy" && n > 1 ? "copies" : word}`);
    return `${samples.length} sample${samples.length === 1 ? "" : "s"}: ${counts.join(", ")}. Seed ${seed}.`;
  }

  // Say what is wrong, next to the field that it is about if there is one.
  function complain(sentence, options) {
    const about = options.map(field).filter((each) => each);
    const wrong = about.find((each) => (each.type === "checkbox" ? each.checked : each.value !== "")) ?? about[0];
    const said = h("p", { className: "wrong", id: "make-problem", role: "alert" }, sentence);
    if (!wrong) return $("#make-status").before(said);
    wrong.setAttribute("aria-invalid", "true");
    wrong.setAttribute("aria-describedby", said.id);
    if ($("#make-more").contains(wrong)) $("#make-more").open = true;
    wrong.closest(".fields").after(said);
  }
  function clearProblems() {
    $("#make-problem")?.remove();
    for (const each of $$("[aria-invalid]", form)) {
      each.removeAttribute("aria-invalid");
      each.removeAttribute("aria-describedby");
    }
  }

  // the samples

  function show(run, samples) {
    made = run;
    $("#made").replaceChildren(...samples.map((sample) => line(run, sample, keeper(run, sample))));
    $("#made-help").hidden = !samples.length;
    const imported = app.about?.imported ? "yes" : "no";
    for (const each of $$("#made-help [data-imported]")) each.hidden = each.dataset.imported !== imported;
  }

  // A line of a list: its text, which opens its explanation, what is known of it, and a button.
  function line(run, sample, button) {
    const [word, title] = SEEN[sample.seen];
    const open = h("button", { type: "button", className: "plain line", dir: "auto", "aria-expanded": "false" }, sample.text);
    const item = h("li", {}, h("div", { className: "row" },
      open,
      sample.label && sample.label !== field("label").value ? h("small", { className: "mark" }, sample.label) : null,
      h("small", { className: `mark ${sample.seen}`, title }, word),
      button));
    let below = null;
    open.addEventListener("click", attempt(async () => {
      if (below) below.hidden = !below.hidden;
      else below = await explanation(run, sample, item);
      open.setAttribute("aria-expanded", String(!below.hidden));
    }));
    return item;
  }

  async function explanation(run, sample, item) {
    const inside = h("a", { href: "#inside", onclick: () => {
      if (app.run !== run) app.choose(run);
      app.emit("text", sample.text);
    } }, "Look inside");
    const below = h("div", { className: "card" }, await explained(run, sample.text, sample.label), inside);
    item.append(below);
    return below;
  }

  // those that are kept, which the server writes to a file

  async function keep(run, change) {
    const found = await post("api/kept", { run, ...change });
    if (run === app.run) showKept(found);
  }
  const same = (a) => (b) => a.text === b.text && (a.label ?? "") === (b.label ?? "");

  function keeper(run, sample) {
    const button = keepButton(sample, attempt(() => {
      const found = kept.filter(same(sample));
      const { text, label, seen } = sample;
      return keep(run, found.length ? { drop: found } : { keep: [{ text, label: label ?? "", seen }] });
    }));
    mark(button);
    return button;
  }
  const mark = (button) => star(button, kept.some(same(button.sample)));

  function showKept(found) {
    kept = found;
    $("#kept").hidden = !kept.length;
    $("#kept-title").textContent = `Kept (${kept.length})`;
    $("#kept-lines").replaceChildren(...kept.map((sample) => line(app.run, sample,
      h("button", { type: "button", className: "plain", "aria-label": `Remove ${sample.text}`, onclick: attempt(async () => {
        await keep(app.run, { drop: [sample] });
        ($("#kept-lines .row > :last-child") ?? $("#made .keep"))?.focus();
      }) }, "✕"))));
    if (made === app.run) $$("#made .keep").forEach(mark);
  }
  const loadKept = attempt(async () => {
    const run = app.run;
    showKept([]);
    const found = run ? await get(`api/kept?run=${encodeURIComponent(run)}`) : [];
    if (run === app.run) showKept(found);
  });
  // As a file of them would be: things of several lines have a blank line between them.
  function keptText() {
    const texts = kept.map((each) => each.text);
    return texts.join(texts.some((text) => text.includes("\n")) ? "\n\n" : "\n") + "\n";
  }

  $("#kept-copy").addEventListener("click", attempt(async () => {
    try {
      await navigator.clipboard.writeText(keptText());
    } catch {
      throw new Error("The browser does not allow copying; download them instead.");
    }
    say("Copied.");
  }));
  $("#kept-download").addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([keptText()], { type: "text/plain" }));
    h("a", { href: address, download: `${app.run}.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  });
  $("#kept-clear").addEventListener("click", () => {
    if (confirm("Remove all kept samples?")) attempt(() => keep(app.run, { drop: kept }))();
  });

  // the form

  const sliders = () => {
    $("#make-warm").textContent = field("temperature").value;
    $("#make-likeliest").textContent = field("top_p").value === "1" ? "all" : field("top_p").value;
  };
  form.addEventListener("input", sliders);
  form.addEventListener("reset", () => setTimeout(() => {
    for (const select of $$("select[data-runs]", form)) select.value = app.run;
    clearProblems();
    sliders();
  }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    make();
  });
  $("#make-stop").addEventListener("click", () => asking?.abort());

  // At once, when the room is first entered with a run.
  function enter() {
    if (app.room !== "make" || !app.run) return;
    showTraining();
    if (made !== app.run && !shown.has(app.run)) {
      shown.add(app.run);
      make();
    }
  }
  function showTraining() {
    $("#make-training").hidden = !app.state.training?.running.includes(app.run);
  }
  function chooseRun() {
    current = app.run;
    const labels = app.about?.labels ?? [];
    $("#make-label").hidden = !labels.length;
    field("label").replaceChildren(h("option", { value: "" }, "any"), ...labels.map((each) => h("option", { value: each }, each)));
    asking?.abort();
    clearProblems();
    if (made !== app.run) {
      $("#make-status").textContent = "";
      show(null, []);
      shown.delete(app.run);
    }
    loadKept();
    enter();
  }
  app.on("run", chooseRun);
  app.on("room", enter);
  app.on("state", () => (current === app.run ? showTraining() : chooseRun()));
}
