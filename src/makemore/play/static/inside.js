// Look inside: what a model expects after each letter, how surprising a line is, and what is in the model.

import { $, $$, attempt, h, percent, post, shade, visible, whole } from "./shared.js";
import { figure, row, table } from "./charts.js";

const BARS = 12;
const WAIT = 150; // milliseconds without a key press before the slower answers are asked for
const MOST = 8; // models that are compared
const SHOWN = 300; // letters of a line
const BIT = Math.LN2;

export function start(app) {
  const text = $("#inside-text");
  const label = $("#inside-label");
  const bars = makeBars(go);
  const asked = {}; // the newest request of each kind
  const decided = {}; // by hand: whether a run is compared; otherwise if it has the same list
  let ended = false;
  let breaks = false; // whether lines have line breaks in them
  let stale = true;
  let timer = 0;

  // Ask, unless something newer was asked meanwhile; null if so.
  async function ask(what, more = {}) {
    asked[what]?.abort();
    const own = (asked[what] = new AbortController());
    const about = { run: app.run, text: text.value, label: label.value || null };
    const found = await post("api/" + what, { ...about, ...more }, own.signal);
    return asked[what] === own ? found : null;
  }

  // Show everything for the text as it is now: the bars at once, the rest when the typing pauses.
  const update = attempt(async () => {
    if (!app.run) return;
    if (app.room !== "inside") {
      stale = true;
      return;
    }
    stale = false;
    clearTimeout(timer);
    if (!breaks && text.value.includes("\n")) text.value = text.value.replaceAll("\n", "");
    let found = null;
    try {
      found = await ask("expects");
    } catch (error) {
      if (error.name !== "AbortError") clear();
      throw error;
    }
    if (!found) return;
    breaks = found.breaks;
    showExpected(found);
    timer = setTimeout(more, WAIT);
  });
  const more = attempt(async () => {
    const runs = compared();
    const [lines, found] = await Promise.all([ask("letters", { runs }), ask("inside")]);
    if (lines) showLetters(lines);
    if (found) showInside(found);
  });

  function clear() {
    bars.list.hidden = true;
    for (const id of ["sure", "rest", "letters", "says", "views"]) $("#inside-" + id).replaceChildren();
  }

  function showExpected(found) {
    bars.list.hidden = false;
    bars.fill(found);
    const line = `“${Array.from(text.value).slice(-30).join("").replaceAll(" ", "␣").replaceAll("\n", "⏎")}”`;
    const [best, p] = found.end > (found.top[0]?.[1] ?? 0) ? ["the end", found.end] : found.top[0];
    const likely = `most likely ${[...best].length > 1 ? best : visible(best)} (${percent(p)})`;
    const sure = `as unsure as between ${found.choices.toFixed(1)} equally likely letters`;
    $("#inside-sure").textContent = ended
      ? `It has ended: ${line}. Start over, or go on all the same.`
      : `${text.value ? `After ${line}` : "At the beginning"}: ${likely}; ${sure}.`;
    const rest = `${whole(found.more)} others together: ${percent(found.rest)}`;
    $("#inside-rest").textContent = found.more ? rest : "";
  }

  // Go on with a character; null ends the line.
  function go(character) {
    ended = character === null;
    if (!ended) {
      text.value += character;
      text.scrollTop = text.scrollHeight;
    }
    update();
  }

  // surprise

  const compared = () => {
    const chosen = $$("#inside-compare input:checked").map((box) => box.value);
    return [...new Set([app.run, ...chosen])].slice(0, MOST);
  };

  function showLetters(lines) {
    const rows = lines.map((line) => {
      const name = h("th", { scope: "row" }, line.run);
      if (line.error) return h("tr", {}, name, h("td", {}), h("td", {}), h("td", {}, line.error));
      const letters = line.letters.slice(-SHOWN).map(({ character, nll }) =>
        h("i", { className: shade(nll), title: `${visible(character)}: ${bits(nll)} bits` }, visible(character)),
      );
      const each = line.nll === null ? null : line.nll / line.letters.length;
      const last = h("td", {}, h("span", { className: "line" }, letters));
      return h("tr", {}, name, h("td", {}, `${bits(line.nll)} bits`), h("td", {}, `${bits(each)} a letter`), last);
    });
    const long = text.value.length > SHOWN ? ` (the last ${SHOWN} are shown)` : "";
    const caption = `Surprise of each letter and of the end${long}`;
    const shown = table(caption, ["model", "in all", "mean", "letters"], rows);
    shown.classList.add("wide");
    const open = $("#inside-letters details")?.open ?? false;
    $("#inside-letters").replaceChildren(shown, numbers(lines.filter((line) => line.letters), open));
  }

  // The bits of each letter under each model, as a table.
  function numbers(lines, open) {
    const details = h("details", {}, h("summary", {}, "Bits of each letter"));
    const fill = () => {
      if (!details.open || details.childElementCount > 1 || !lines.length) return;
      const rows = lines[0].letters.map(({ character }, t) =>
        row([visible(character), ...lines.map((line) => (line.letters[t] ? bits(line.letters[t].nll) : "–"))]),
      );
      details.append(table("Bits of each letter", ["letter", ...lines.map((line) => line.run)], rows));
    };
    details.addEventListener("toggle", fill);
    details.open = open;
    return details;
  }

  function fillCompare() {
    const others = app.state.runs.filter((run) => run.name !== app.run);
    $("#inside-compare").hidden = !others.length;
    let left = MOST - 1;
    const boxes = others.map(({ name, list }) => {
      const checked = decided[name] ?? (list === app.about?.list && left-- > 0);
      const onchange = ({ target }) => {
        decided[name] = target.checked;
        update();
      };
      return h("label", {}, h("input", { type: "checkbox", value: name, checked, onchange }), ` ${name}`);
    });
    const before = $$("#inside-compare input").map((box) => box.value);
    if (before.join("\n") !== others.map((run) => run.name).join("\n"))
      $("#inside-compare").replaceChildren($("#inside-compare legend"), ...boxes);
  }

  // inside

  function showInside(found) {
    const open = new Set($$("#inside-views figure:has(details[open])").map((figure) => figure.dataset.title));
    $("#inside-says").textContent = found.says;
    $("#inside-views").replaceChildren(...found.views.map((view) => figure(view, open.has(view.title))));
  }

  // what happens

  function chosen() {
    const labels = app.about?.labels ?? [];
    const before = label.value;
    label.replaceChildren(...["", ...labels].map((value) => h("option", { value }, value || "any")));
    label.value = labels.includes(before) ? before : "";
    $("#inside-labels").hidden = !labels.length;
    fillCompare();
    update();
  }

  text.addEventListener("input", () => {
    ended = false;
    update();
  });
  label.addEventListener("change", update);
  $("#inside-go-on").addEventListener(
    "click",
    attempt(async () => {
      const found = await ask("go-on");
      if (found) go(found.character);
    }),
  );
  $("#inside-over").addEventListener("click", () => {
    text.value = "";
    ended = false;
    text.focus();
    update();
  });
  app.on("run", chosen);
  app.on("state", fillCompare);
  app.on("room", (room) => room === "inside" && stale && update());
  app.on("event", ({ kind, run }) => kind === "evaluation" && run === app.run && update());
  app.on("text", (line) => {
    text.value = line;
    ended = false;
    update();
  });
}

// The bars: buttons that stay while their letters change, so that the keyboard's place is kept.
function makeBars(go) {
  const list = $("#inside-bars");
  const made = Array.from({ length: BARS + 1 }, () => {
    const parts = ["b", "span", "span"].map((tag) => h(tag));
    parts[0].dir = "auto";
    parts[1].className = "bar moves";
    const bar = { parts, character: null };
    bar.item = h("li", {}, h("button", { type: "button", onclick: () => go(bar.character) }, parts));
    return bar;
  });
  list.append(...made.map((bar) => bar.item));
  function fill({ top, end }) {
    made.forEach((bar, i) => {
      const last = i === BARS;
      bar.item.hidden = !last && i >= top.length;
      if (bar.item.hidden) return;
      const [character, p] = last ? [null, end] : top[i];
      bar.character = character;
      bar.parts[0].textContent = last ? "⏎ end" : character === "\n" ? "⏎ new line" : visible(character);
      bar.parts[1].style.setProperty("--p", p);
      bar.parts[2].textContent = percent(p);
    });
  }
  return { list, fill };
}

const bits = (nll) => (nll === null || nll === undefined ? "never" : (nll / BIT).toFixed(1));
