// The page: wishes, samples, what surprised the model in one of them, and those that are kept.

const $ = (id) => document.getElementById(id);

const pause = () => new Promise((done) => setTimeout(done));
const PATIENCE = 20_000; // milliseconds without a sample, after which the page gives up
const SLICE = 25; // milliseconds of work, after which the browser may draw

function startPage({ about, model, vocabulary, filter }) {
  const page = {
    about, model, vocabulary, filter,
    field: (name) => $("wishes").elements.namedItem(name),
    asking: 0, // how often samples were asked for
    shown: new Set(), // the texts of the last time, of which none comes twice
  };
  page.kept = new Kept(`makemore page ${about.mark}`, vocabulary, () => showKept(page));
  startForm(page);
  startKept(page.kept, about.name);
  showKept(page);
  make(page);
}

// The form

function startForm(page) {
  const form = $("wishes"), { field } = page;
  const showWarmth = () => ($("warm").textContent = field("temperature").value);
  field("label").append(...page.about.labels.map((label, i) => h("option", { value: i + 1 }, label)));
  form.addEventListener("input", showWarmth);
  form.addEventListener("reset", () => setTimeout(showWarmth));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    make(page);
  });
  form.hidden = false;
}

function wishes(page) {
  const { field, vocabulary, shown } = page;
  const novel = Boolean(page.filter) && field("novel").checked;
  const pattern = field("pattern").value;
  const wanted = field("label").value;
  return {
    labels: wanted ? [[Number(wanted), 1]] : page.about.shares,
    prefix: vocabulary.read(field("prefix").value),
    temperature: field("temperature").valueAsNumber,
    pattern: pattern && new Pattern(pattern),
    wanted: (ids) => {
      const text = vocabulary.text(ids);
      return vocabulary.stays(ids) && !(novel && seen(page, text)) && !shown.has(text);
    },
  };
}

// Samples

async function make(page) {
  const own = ++page.asking;
  const stillWanted = () => own === page.asking;
  say("");
  $("status").textContent = "";
  page.shown = new Set();
  $("made").replaceChildren();
  $("help").hidden = true;
  try {
    const n = page.field("n").valueAsNumber;
    if (!(n >= 1 && n <= 1000)) throw new Error("How many? Give a number from 1 to 1,000.");
    $("made").setAttribute("aria-busy", "true");
    const sampler = new Sampler(page.vocabulary, page.model, page.about.longest, wishes(page));
    if (!(await fill(page, sampler, n, stillWanted))) return;
    $("status").textContent = counted(page);
  } catch (error) {
    if (!stillWanted()) return;
    say(error.message, true);
    $("status").textContent = page.shown.size ? counted(page) : "";
  }
  $("made").removeAttribute("aria-busy");
}

// Show n samples; return whether they were wanted to the end.
async function fill(page, sampler, n, stillWanted) {
  const goOn = breaks(stillWanted);
  let since = performance.now();
  while (page.shown.size < n) {
    const tried = sampler.attempt();
    let step = tried.next();
    for (; !step.done; step = tried.next()) if (!(await goOn())) return false;
    if (step.value) {
      show(page, step.value);
      since = performance.now();
    } else if (performance.now() - since > PATIENCE) {
      throw new Error(`Found ${page.shown.size} of ${n}, then gave up; such ${page.about.thing}s are rare.`);
    }
    if (!(await goOn())) return false;
  }
  return true;
}

// Return a function that lets the browser draw from time to time, and says whether the work is still wanted.
function breaks(stillWanted) {
  const began = performance.now();
  let slice = began;
  return async () => {
    if (performance.now() - slice < SLICE) return true;
    if (performance.now() - began > 500) $("status").textContent = "Making…";
    await pause();
    slice = performance.now();
    return stillWanted();
  };
}

function show(page, { ids, label }) {
  const sample = { text: page.vocabulary.text(ids), label };
  page.shown.add(sample.text);
  $("made").append(line(page, sample, keeper(page, sample)));
  $("help").hidden = false;
}

function counted({ shown, ...page }) {
  if (!page.filter) return `${shown.size} made.`;
  const fresh = [...shown].filter((text) => !seen(page, text)).length;
  return `${shown.size} made, ${fresh} of them new.`;
}

// Whether the list probably has a text, as the text would be read.
const seen = ({ filter, vocabulary }, text) => filter.has(vocabulary.read(text));

// A line of a list: its text, which opens what surprised the model, what is known of it, and a button.
function line(page, sample, button) {
  const open = h("button", { type: "button", className: "plain line", dir: "auto", "aria-expanded": "false" }, sample.text);
  const item = h("li", {}, h("div", { className: "row" }, open, marks(page, sample), button));
  let below = null;
  open.addEventListener("click", async () => {
    if (below) below.hidden = !below.hidden;
    else {
      item.append((below = h("div", { className: "card" })));
      below.append(await explained(page.model, page.vocabulary, sample));
    }
    open.setAttribute("aria-expanded", String(!below.hidden));
  });
  return item;
}

// What is known of a sample: its label, if several are shown, and whether it is in the list.
function marks(page, sample) {
  const found = [];
  if (sample.label && !page.field("label").value)
    found.push(h("small", { className: "mark" }, page.about.labels[sample.label - 1]));
  if (page.filter) {
    const known = seen(page, sample.text);
    found.push(h("small", { className: known ? "mark seen-before" : "mark" }, known ? "in the list" : "new"));
  }
  return found;
}

// Kept ones

function keeper({ kept }, sample) {
  const button = keepButton(sample, () => (kept.has(sample) ? kept.remove(sample) : kept.add(sample)));
  star(button, kept.has(sample));
  return button;
}

function showKept(page) {
  const { samples } = page.kept;
  $("kept").hidden = !samples.length;
  $("kept-title").textContent = `Kept (${samples.length})`;
  $("kept-lines").replaceChildren(...samples.map((sample) => line(page, sample, remover(page, sample))));
  for (const button of $("made").querySelectorAll(".keep")) star(button, page.kept.has(button.sample));
}

function remover(page, sample) {
  const onclick = () => {
    page.kept.remove(sample);
    ($("kept-lines").querySelector(".row > :last-child") ?? $("make")).focus();
  };
  return h("button", { type: "button", className: "plain", "aria-label": `Remove ${sample.text}`, onclick }, "✕");
}

// Say something above the samples, where screen readers hear it.
function say(text, wrong = false) {
  $("said").textContent = text;
  $("said").classList.toggle("wrong", wrong);
}

// The beginning

async function load() {
  const about = JSON.parse($("about").textContent);
  const packed = Uint8Array.from(atob($("weights").textContent), (character) => character.charCodeAt(0));
  const opened = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(opened).arrayBuffer());
  const found = { about, model: readModel(about.model, bytes), vocabulary: new Vocabulary(about["makemore.vocabulary"]) };
  found.filter = about.filter && new Filter(about.filter, bytes);
  return found;
}

try {
  const found = await load();
  // for the browser's console: -log p of each character of a line and of its end
  window.makemore = {
    ...found, Sampler, Pattern,
    letters: (text, label = 0) => Array.from(letters(found.model, found.vocabulary.read(text), label, 1), ({ nll }) => nll),
  };
  startPage(found);
} catch (error) {
  say(`This page cannot be used here: ${error.message}`, true);
}
