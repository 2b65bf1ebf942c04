// A line explained: each letter shaded by its surprise, and what was likelier at each.

// How surprising a letter was, given the likeliest one there.
function inWords(p, most) {
  if (p >= most) return "the likeliest";
  if (p > most / 2) return "nearly the likeliest";
  return p > 0.05 ? "a small surprise" : p > 0.01 ? "a surprise" : "a big surprise";
}

async function explained(model, vocabulary, { text, label }) {
  const read = [];
  let slice = performance.now();
  for (const letter of letters(model, vocabulary.read(text), label, 6)) {
    read.push({ ...letter, p: Math.exp(-letter.nll) });
    if (performance.now() - slice < SLICE) continue;
    await pause();
    slice = performance.now();
  }
  const character = (id) => vocabulary.names[id];
  const name = (id) => (id === 0 ? "the end" : character(id) === "\n" ? "a line break" : visible(character(id)));
  const short = (id) => (id === 0 ? "⏎" : character(id) === "\n" ? "↵" : visible(character(id)));
  const detail = h("div", { className: "why" });
  const marks = read.map(({ id, nll, p, choices }, at) =>
    h("span", {
      className: `s${Math.round((Math.min(nll, 6) / 6) * 9)}`,
      role: "option",
      tabIndex: -1,
      "aria-selected": "false",
      "aria-label": `${name(id)}, ${percent(p)}, ${inWords(p, choices[0][1])}`,
      onclick: () => choose(at),
      onfocus: () => choose(at),
    }, id === 0 ? "⏎" : character(id) === "\n" ? "↵\n" : character(id)));
  const list = h("div", { className: "line explained", dir: "auto", role: "listbox", "aria-label": "Letters", "aria-orientation": "horizontal", onkeydown: move }, marks);

  let chosen = -1;
  function choose(at) {
    if (at === chosen) return;
    if (chosen >= 0) {
      marks[chosen].tabIndex = -1;
      marks[chosen].setAttribute("aria-selected", "false");
    }
    chosen = at;
    marks[at].tabIndex = 0;
    marks[at].setAttribute("aria-selected", "true");
    detail.replaceChildren(...why(at));
  }
  function move(event) {
    const back = getComputedStyle(list).direction === "rtl" ? "ArrowRight" : "ArrowLeft";
    const forward = back === "ArrowLeft" ? "ArrowRight" : "ArrowLeft";
    const to = { [back]: chosen - 1, [forward]: chosen + 1, Home: 0, End: marks.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    marks[Math.max(0, Math.min(to, marks.length - 1))].focus();
  }
  function why(at) {
    const { id, p, choices } = read[at];
    const before = read.slice(Math.max(0, at - 12), at).map((each) => character(each.id)).join("");
    const rows = choices.map(([choice, value]) => row(choice, value, choice === id));
    if (!choices.some(([choice]) => choice === id)) rows.push(row(id, p, true));
    const where = at ? ["After “", h("b", { className: "line" }, before), "” came "] : ["It begins with "];
    return [
      h("p", { "aria-live": "polite" }, where, h("b", { className: "line" }, name(id)), `: ${percent(p)} likely, ${inWords(p, choices[0][1])}.`),
      h("table", {}, h("caption", {}, "What the model expected here"), h("tbody", {}, rows)),
    ];
  }
  function row(choice, p, here) {
    const bar = h("span", { className: "bar" });
    bar.style.width = `${100 * p}%`;
    return h("tr", { className: here ? "here" : "" },
      h("th", { scope: "row", title: name(choice) }, h("bdi", {}, short(choice)), here ? " ←" : ""),
      h("td", {}, percent(p)),
      h("td", { className: "room" }, bar));
  }
  choose(read.reduce((most, { nll }, at) => (nll > read[most].nll ? at : most), 0));
  const help = "The darker a letter, the more it surprised the model; click one, or go to it with the arrow keys.";
  return h("div", {}, list, h("p", { className: "dim" }, help), detail);
}
