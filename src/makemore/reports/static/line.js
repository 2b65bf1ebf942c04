// What the playground and exported pages share: elements, and a line whose letters say how they surprised a model.

// Make an element. Text from lists only ever becomes text: strings are text nodes, never markup.
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// A character as people can see it.
export function visible(character) {
  if (character === "" || character === "\n") return "⏎";
  if (character === " ") return "␣";
  if (/^\p{M}/u.test(character)) return "◌" + character;
  if (/^[\p{C}\p{Z}]$/u.test(character)) return "U+" + character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return character;
}

export const percent = (p) => (p < 0.001 ? "<0.1%" : (100 * p).toFixed(p < 0.1 ? 1 : 0) + "%");

// The class of a shade of surprise: s0 to s9, as in the report.
export const shade = (nll) => "s" + Math.round((Math.min(nll ?? 6, 6) / 6) * 9);

// How surprising a letter was, given the likeliest one there.
function words(letter) {
  const most = letter.choices[0][1];
  if (letter.probability >= most) return "the likeliest";
  if (letter.probability > most / 2) return "nearly the likeliest";
  return letter.probability > 0.05 ? "a small surprise" : letter.probability > 0.01 ? "a surprise" : "a big surprise";
}

// Return a line whose letters can be chosen, and what was expected at the chosen one, as an element.
// letters: [{ character, probability, nll, choices: [[character, probability]] }], the likeliest choice first; the
// last one is the end. end: what stands for it there. about: a sentence about the whole line.
export function spelledOut(letters, end, about = "") {
  const name = (character) => (character === end ? "the end" : character === "\n" ? "a line break" : visible(character));
  const short = (character) => (character === end ? "⏎" : character === "\n" ? "↵" : visible(character));
  const detail = h("div", { className: "why" });
  const marks = letters.map((letter, at) =>
    h(
      "span",
      {
        className: shade(letter.nll),
        role: "option",
        tabIndex: -1,
        "aria-selected": "false",
        "aria-label": `${name(letter.character)}, ${percent(letter.probability)}, ${words(letter)}`,
        onclick: () => choose(at),
        onfocus: () => choose(at),
      },
      // spaces and joined letters as they are, in their line
      at === letters.length - 1 ? "⏎" : letter.character === "\n" ? "↵\n" : letter.character,
    ),
  );
  const list = h("div", { className: "line explained", dir: "auto", role: "listbox", "aria-label": "Letters", onkeydown: move }, marks);
  list.setAttribute("aria-orientation", "horizontal");

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
    const to = { [back]: chosen - 1, [forward]: chosen + 1, Home: 0, End: letters.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    marks[Math.max(0, Math.min(to, letters.length - 1))].focus();
  }
  function why(at) {
    const { character, probability, choices } = letters[at];
    const before = letters.slice(Math.max(0, at - 12), at).map((each) => each.character).join("");
    const rows = choices.map(([choice, p]) => row(choice, p, choice === character));
    if (!choices.some(([choice]) => choice === character)) rows.push(row(character, probability, true));
    const where = at ? ["After ", "“", h("b", { className: "line" }, before), "” came "] : ["It begins with "];
    return [
      h("p", { "aria-live": "polite" }, where, h("b", { className: "line" }, name(character)),
        `: ${percent(probability)} likely, ${words(letters[at])}.`),
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

  const surprising = letters.reduce((most, letter, at) => ((letter.nll ?? 99) > (letters[most].nll ?? 99) ? at : most), 0);
  choose(surprising);
  const help = `${about}The stronger its colour, the more a letter surprised the model; click one, or go to it with the arrow keys.`;
  return h("div", {}, list, h("p", { className: "dim" }, help), detail);
}

// Return a button that keeps a sample; see `star`.
export function keepButton(sample, onclick) {
  const button = h("button", { type: "button", className: "plain keep", "aria-label": `Keep ${sample.text}`, onclick });
  button.sample = sample;
  return button;
}

// Show whether a sample is kept on its button.
export function star(button, on) {
  button.textContent = on ? "★" : "☆";
  button.setAttribute("aria-pressed", String(on));
}
