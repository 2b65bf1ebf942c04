// What every room uses: making elements, asking the server, and saying things.

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

export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

// Ask the server; an error is its sentence, and `options` names what it is about.
async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server of this page has ended. What trained was saved. Start makemore play again, and open the address that it prints.");
  }
  const text = await answer.text();
  const found = answer.headers.get("content-type")?.startsWith("application/json") ? JSON.parse(text) : null;
  if (!answer.ok) throw Object.assign(new Error(found?.error ?? text), { options: found?.options ?? [] });
  return found;
}

export const get = (path) => ask(path);

export const post = (path, body, signal) =>
  ask(path, {
    method: "POST",
    signal,
    ...(body instanceof Blob
      ? { body }
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });

// Say something below the rooms' names, where screen readers hear it.
export function say(text, wrong = false) {
  const said = $("#said");
  said.textContent = text;
  said.classList.toggle("wrong", wrong);
}

// Return a function that does something, and says what went wrong.
export const attempt = (work) => async (...given) => {
  try {
    say("");
    return await work(...given);
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, true);
  }
};

// A character as people can see it.
export function visible(character) {
  if (character === "" || character === "\n") return "⏎";
  if (character === " ") return "␣";
  if (/^\p{M}/u.test(character)) return "◌" + character;
  if (/^[\p{C}\p{Z}]$/u.test(character)) return "U+" + character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return character;
}

export const whole = (n) => n.toLocaleString("en");
export const percent = (p) => (p < 0.001 ? "<0.1%" : (100 * p).toFixed(p < 0.1 ? 1 : 0) + "%");
export const loss = (x) => (x === null || x === undefined ? "–" : x.toFixed(3));

// The class of a shade of surprise: s0 to s9, as in the report.
export const shade = (nll) => "s" + Math.round((Math.min(nll ?? 6, 6) / 6) * 9);
