// What every room uses: asking the server, and saying things; and what makes elements, from the reports.

export { h, percent, shade, visible } from "./line.js";

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

export const whole = (n) => n.toLocaleString("en");
export const loss = (x) => (x === null || x === undefined ? "–" : x.toFixed(3));
