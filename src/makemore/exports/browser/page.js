// The page: wishes, samples, what surprised the model in one of them, and those that are kept.

const $ = (id) => document.getElementById(id);

const pause = () => new Promise((done) => setTimeout(done));
const PATIENCE = 20_000; // milliseconds without a sample, after which the page gives up
const SLICE = 25; // milliseconds of work, after which the browser may draw

function startPage({ about, model, vocabulary, filter }) {
  const { labels, shares, longest, thing, name } = about;
  const form = $("wishes");
  const field = (name) => form.elements.namedItem(name);
  let asking = 0; // how often samples were asked for
  let shown = new Set(); // the texts of the last time, of which none comes twice

  // Samples

  function wishes() {
    const novel = Boolean(filter) && field("novel").checked;
    const pattern = field("pattern").value;
    const wanted = field("label").value;
    return {
      labels: wanted ? [[Number(wanted), 1]] : shares,
      prefix: vocabulary.read(field("prefix").value),
      temperature: field("temperature").valueAsNumber,
      pattern: pattern && new Pattern(pattern),
      wanted: (ids) => {
        const text = vocabulary.text(ids);
        return vocabulary.stays(ids) && !(novel && seen(text)) && !shown.has(text);
      },
    };
  }

  async function make() {
    const own = ++asking;
    say("");
    $("status").textContent = "";
    shown = new Set();
    $("made").replaceChildren();
    try {
      const n = field("n").valueAsNumber;
      if (!(n >= 1 && n <= 1000)) throw new Error("How many? Give a number from 1 to 1,000.");
      $("made").setAttribute("aria-busy", "true");
      const sampler = new Sampler(vocabulary, model, longest, wishes());
      const began = performance.now();
      let since = began, slice = began;
      // Let the browser draw from time to time; return whether these samples are still wanted.
      const going = async () => {
        if (performance.now() - slice < SLICE) return true;
        if (performance.now() - began > 500) $("status").textContent = "Making…";
        await pause();
        slice = performance.now();
        return own === asking;
      };
      while (shown.size < n) {
        const tried = sampler.attempt();
        let step = tried.next();
        for (; !step.done; step = tried.next()) if (!(await going())) return;
        if (step.value) {
          show(step.value);
          since = performance.now();
        } else if (performance.now() - since > PATIENCE) {
          throw new Error(`Found ${shown.size} of ${n}, then gave up; such ${thing}s are rare.`);
        }
        if (!(await going())) return;
      }
      $("status").textContent = counted();
    } catch (error) {
      if (own !== asking) return;
      say(error.message, true);
      $("status").textContent = shown.size ? counted() : "";
    }
    $("made").removeAttribute("aria-busy");
  }
  function show({ ids, label }) {
    const sample = { text: vocabulary.text(ids), label };
    shown.add(sample.text);
    $("made").append(line(sample, keeper(sample)));
    $("help").hidden = false;
  }
  function counted() {
    if (!filter) return `${shown.size} made.`;
    const fresh = [...shown].filter((text) => !seen(text)).length;
    return `${shown.size} made, ${fresh} of them new.`;
  }
  // Whether the list probably has a text, as the text would be read.
  const seen = (text) => filter.has(vocabulary.read(text));

  // A line of a list: its text, which opens what surprised the model, what is known of it, and a button.
  function line(sample, button) {
    const open = h("button", { type: "button", className: "plain line", dir: "auto", "aria-expanded": "false" }, sample.text);
    const marks = [];
    if (sample.label && !field("label").value) marks.push(h("small", { className: "mark" }, labels[sample.label - 1]));
    if (filter) {
      const known = seen(sample.text);
      marks.push(h("small", { className: known ? "mark seen-before" : "mark" }, known ? "in the list" : "new"));
    }
    const item = h("li", {}, h("div", { className: "row" }, open, marks, button));
    let below = null;
    open.addEventListener("click", async () => {
      if (below) below.hidden = !below.hidden;
      else {
        item.append((below = h("div", { className: "card" })));
        below.append(await explained(model, vocabulary, sample));
      }
      open.setAttribute("aria-expanded", String(!below.hidden));
    });
    return item;
  }

  // Those that are kept, in this browser if it allows that

  const place = `makemore page ${about.mark}`;
  let kept = [];
  try {
    const found = JSON.parse(localStorage.getItem(place)) ?? [];
    for (const each of found) vocabulary.read(each.text); // throws if it is not what this page wrote
    kept = found;
  } catch {
    kept = [];
  }
  const same = (a) => (b) => a.text === b.text && a.label === b.label;

  function keeper(sample) {
    const button = keepButton(sample, () => {
      keep(kept.some(same(sample)) ? kept.filter((each) => !same(sample)(each)) : [...kept, sample]);
    });
    mark(button);
    return button;
  }
  const mark = (button) => star(button, kept.some(same(button.sample)));

  function keep(samples) {
    kept = samples;
    try {
      localStorage.setItem(place, JSON.stringify(kept));
    } catch {
      // they stay until the page is closed
    }
    showKept();
  }
  function showKept() {
    $("kept").hidden = !kept.length;
    $("kept-title").textContent = `Kept (${kept.length})`;
    $("kept-lines").replaceChildren(...kept.map((sample) => line(sample, h("button", {
      type: "button", className: "plain", "aria-label": `Remove ${sample.text}`, onclick: () => {
        keep(kept.filter((each) => !same(sample)(each)));
        ($("kept-lines").querySelector(".row > :last-child") ?? $("make")).focus();
      } }, "✕"))));
    for (const button of $("made").querySelectorAll(".keep")) mark(button);
  }
  // As a file of them would be: things of several lines have a blank line between them.
  function keptText() {
    return kept.map((each) => each.text).join(vocabulary.things ? "\n\n" : "\n") + "\n";
  }
  $("kept-copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(keptText());
      say("Copied.");
    } catch {
      say("The browser does not allow copying; download them instead.", true);
    }
  });
  $("kept-download").addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([keptText()], { type: "text/plain" }));
    h("a", { href: address, download: `more like ${name}.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  });
  $("kept-clear").addEventListener("click", () => {
    if (confirm("Remove all kept lines?")) keep([]);
  });

  // The form

  field("label").append(...labels.map((label, i) => h("option", { value: i + 1 }, label)));
  form.addEventListener("input", () => ($("warm").textContent = field("temperature").value));
  form.addEventListener("reset", () => setTimeout(() => ($("warm").textContent = field("temperature").value)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    make();
  });
  form.hidden = false;
  showKept();
  make();
}

// Say something above the samples, where screen readers hear it.
function say(text, wrong = false) {
  $("said").textContent = text;
  $("said").classList.toggle("wrong", wrong);
}

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
