// What is shown of each run that trains or has trained: a card with its samples, and a row in the table of a race.
// A card is made once and then changed, so that whatever is focused or about to be clicked stays where it is.

import { best, key } from "./curve.js";
import { h, loss, whole } from "./shared.js";

const SHOWN = 12; // groups of samples of a run
const LONG = 300; // characters of a sample
const MARKS = {
  train: ["copy", "in the list, and the model is trained on it"],
  "held-out": ["held out", "in the list, but kept from training"],
  new: ["new", "not in the list"],
};

const set = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

export const seconds = (run) => run.points.at(-1)?.seconds ?? 0;

// How a run stands, in words.
export function standing(run) {
  const lowest = best(run);
  return [
    run.said,
    run.step === undefined || run.counts ? "" : `step ${whole(run.step)}`,
    run.over || !run.done ? "" : `${Math.round(100 * run.done)}% done`,
    lowest && (lowest.step || run.counts) ? `best loss ${loss(lowest.validation)}` : "",
  ].filter(Boolean).join("; ");
}

export class Card {
  // actions: { make, inside, on }, each called with the name of the run.
  constructor(run, i, actions) {
    this.run = run;
    this.drawn = []; // the groups of samples that are shown, the newest first
    this.says = h("p", {});
    this.progress = h("progress", { max: 1, ariaLabel: `${run.name}: how much is done` });
    this.result = h("p", {});
    this.verdict = h("p", { hidden: true });
    const button = (text, act) => h("button", { onclick: () => act(run.name) }, text);
    this.on = button("Go on", actions.on);
    this.on.title = "for as many more seconds as the field above says";
    this.buttons = h("div", { class: "fields", hidden: true },
      button("Make some", actions.make), button("Look inside", actions.inside), this.on);
    this.samples = h("div", { class: "babbling" });
    this.element = h("section", { class: "card", ariaLabel: run.name },
      h("h3", {}, key(i), " ", run.name), this.says, this.progress, this.result, this.verdict, this.buttons, this.samples);
  }

  update(busy) {
    const { run } = this;
    set(this.says, standing(run));
    this.progress.hidden = run.over || run.done === undefined || run.done === null;
    this.progress.value = run.done ?? 0;
    set(this.result, result(run));
    this.result.hidden = !this.result.textContent;
    if (run.summary?.memorising && this.verdict.hidden) {
      const { sentence, advice } = run.summary.memorising;
      this.verdict.replaceChildren(sentence + ".", advice ? h("small", {}, ` What to do: ${advice}.`) : "");
      this.verdict.hidden = false;
    }
    this.buttons.hidden = !run.over || !run.usable;
    this.on.hidden = run.counts;
    this.on.disabled = busy;
    const fresh = run.samples.filter((group) => !this.drawn.includes(group));
    if (!fresh.length) return;
    this.samples.prepend(...fresh.map(group));
    this.drawn = [...run.samples];
    while (this.samples.children.length > SHOWN) this.samples.lastChild.remove();
  }
}

// What a run is in numbers. A model that counts has no steps; of others the best state is what is kept.
function result({ counts, over, summary }) {
  const test = summary?.nll?.test;
  if (test === undefined || test === null) return counts && !over ? "It counts what it is trained on, in one pass." : "";
  if (counts) return `It counted what it was trained on, in one pass. Test loss: ${loss(test)}`;
  const { steps, best_step: kept } = summary;
  const later = kept < steps ? "; below, samples of later steps are not from it, and may copy more" : "";
  return `Kept: its best state, step ${whole(kept)} of ${whole(steps)}${later}. Test loss: ${loss(test)}`;
}

function group({ step, lines }) {
  const several = lines.some((line) => line.text.includes("\n"));
  return h("div", { class: "babble" },
    h("small", {}, step ? `step ${whole(step)}` : "before the first step"),
    h("ul", { class: several ? "things" : "" }, lines.map((line) => {
      const [mark, title] = MARKS[line.seen];
      const cut = line.text.length > LONG || !line.ended;
      return h("li", {},
        line.label ? [h("small", {}, line.label), " "] : "",
        h("span", { class: "line", dir: "auto" }, Array.from(line.text).slice(0, LONG).join("") + (cut ? "…" : "")),
        " ", h("small", { class: `mark ${line.seen}`, title }, mark));
    })));
}

// The rows of the table of a race, the best first.
export function rows(runs) {
  const order = [...runs.keys()].sort((a, b) => (best(runs[a])?.validation ?? 99) - (best(runs[b])?.validation ?? 99));
  return order.map((i) => {
    const run = runs[i], test = run.summary?.nll?.test;
    return h("tr", {}, h("td", {}, key(i), " ", run.name),
      [loss(best(run)?.validation), loss(test), run.step === undefined || run.counts ? "–" : whole(run.step),
        seconds(run).toFixed(1), run.said].map((text) => h("td", {}, text)));
  });
}
