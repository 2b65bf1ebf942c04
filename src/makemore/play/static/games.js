// Two games. What is hidden is on the server: the page gets a character only once it is guessed.

import { $, attempt, get, h, percent, post, shade, visible, whole } from "./shared.js";

const SHOWN = 60; // characters of the line in the table of guesses, at most
const FEW = 10; // letters before which bits say nothing
const GAMES = { letters, real };

let app;
let kind = sessionStorage.game in GAMES ? sessionStorage.game : "letters";
let now = null; // what the server says of the game
let waiting = Promise.resolve(); // moves are made one after the other

export function start(given) {
  app = given;
  for (const name of Object.keys(GAMES)) $("#games-" + name).onclick = () => enter(name);
  $("#games-new").onclick = () => enter(kind, true);
  $("#letters-end").onclick = () => guess(now.end);
  $("#letters-show").onclick = () => move("show");
  $("#letters-next").onclick = () => move("next");
  $("#letters-form").onsubmit = (event) => {
    event.preventDefault();
    const typed = $("#letters-typed");
    if (typed.value) guess(typed.value);
    typed.value = "";
  };
  for (const what of ["real", "made"]) $("#real-" + what).onclick = () => tell(what);
  document.addEventListener("keydown", typed);
  for (const what of ["room", "run"]) app.on(what, () => app.room === "games" && app.run && enter(kind));
}

// Go on with the game of this kind and run, or begin one.
function enter(which, anew = false) {
  kind = sessionStorage.game = which;
  const run = app.run;
  for (const name of Object.keys(GAMES)) $("#games-" + name).setAttribute("aria-pressed", String(name === kind));
  then(async () => {
    if (which !== kind || run !== app.run) return; // another one was chosen meanwhile
    if (!anew && now?.kind === kind && now.run === run) return show(now);
    show(null);
    for (const name of Object.keys(GAMES)) $(`#${name}-said`).textContent = "";
    const key = `game ${kind} ${run}`;
    let found = null;
    if (!anew && sessionStorage[key]) {
      found = await get("api/games?game=" + sessionStorage[key]).catch(() => null);
    }
    found ??= await post("api/games", { kind, run });
    sessionStorage[key] = found.game;
    show(found);
  });
}

function then(work) {
  waiting = waiting.then(attempt(work));
  return waiting;
}

// A move is about the question that was there when it was made; only guesses may run ahead, as typing does.
function move(what, more = {}) {
  const seen = now?.question;
  return then(async () => {
    if (!now) return;
    const before = now, question = what === "guess" ? now.question : seen;
    show(await post("api/games/move", { game: now.game, question, move: what, ...more }));
    if (now.question !== before.question) $(`#${kind}-said`).textContent = GAMES[kind](before, what, more.character);
  });
}

function show(found) {
  now = found;
  for (const name of Object.keys(GAMES)) $("#" + name).hidden = now?.kind !== name;
  if (now) ({ letters: showLetters, real: showReal })[now.kind]();
}

// A key that no field gets is a guess, or an answer.
function typed(event) {
  const { key, target } = event;
  const own = event.ctrlKey || event.metaKey || event.altKey;
  if (app.room !== "games" || !now || event.isComposing || event.defaultPrevented || event.repeat) return;
  if ((own && !event.getModifierState("AltGraph")) || target.closest("input, select, textarea")) return;
  if ((key === "Enter" || key === " ") && target.closest("button, a, summary")) return;
  if (now.kind === "real") {
    const what = { r: "real", m: "made" }[key.toLowerCase()];
    if (!what) return;
    tell(what);
  } else if (key === "Enter" && now.over) move("next");
  else if (key === "Enter") guess(now.end === "" && now.alphabet?.includes("\n") ? "\n" : now.end);
  else if (key === "End") guess(now.end);
  else if ([...key].length === 1) guess(key);
  else return;
  event.preventDefault();
}

// Shannon's game

function guess(character) {
  if (now.over) return;
  const meant = [character, character.toLowerCase(), character.toUpperCase()];
  if (now.alphabet && !meant.some((each) => each === now.end || now.alphabet.includes(each))) {
    $("#letters-said").textContent = `Nothing in the list has ${called(character)}.`;
  } else move("guess", { character });
}

// What a character is called: the end of a line has a name.
const called = (character) => (character === now.end ? "the end" : character === "\n" ? "a new line" : visible(character));

// Say what a move has shown.
function letters(before, what, character) {
  if (now.number > before.number) return now.last ? `It was ${now.last}. Round ${now.number}.` : `Round ${now.number}.`;
  const letter = now.letters.at(-1);
  if (now.letters.length === before.letters.length) {
    return `Not ${called(now.wrong.length > before.wrong.length ? now.wrong.at(-1) : character)}.`;
  }
  const models = Object.entries(letter.models).map(([name, rank]) => `${name} at guess ${rank}`);
  const you = letter.you === null ? `It is ${called(letter.character)}` : `Yes, ${called(letter.character)}: you at guess ${letter.you}`;
  return `${you}; ${models.join(", ")}.${now.over ? " That was all of it; Enter goes on." : ""}`;
}

function showLetters() {
  const { alphabet, end, over, letters, score } = now;
  const text = letters.map(({ character }) => (character === end ? "" : character)).join("");
  $("#letters-number").textContent = `Round ${now.number}${now.label ? `, label: ${now.label}` : ""}`;
  const cursor = h("span", { className: "cursor", ariaHidden: "true" }, over ? "⏎" : "?");
  $("#letters-line").replaceChildren(text, cursor);
  $("#letters-last").textContent = now.last ? `The one before was: ${now.last}` : "";
  const breaks = end === "" && alphabet?.includes("\n");
  $("#letters-enter").textContent = breaks
    ? "Enter is a new line, the End key is the end"
    : "Enter is the end";

  const keys = $("#letters-keys");
  keys.hidden = !alphabet;
  $("#letters-form").hidden = !!alphabet;
  if (alphabet && keys.dataset.filled !== alphabet.join("")) {
    keys.replaceChildren(
      ...alphabet.map((character) =>
        h("button", { value: character, ariaLabel: called(character), onclick: () => guess(character) }, visible(character)),
      ),
    );
    keys.dataset.filled = alphabet.join("");
  }
  const mark = (button, character) => {
    button.setAttribute("aria-disabled", String(over || now.wrong.includes(character)));
    button.classList.toggle("missed", now.wrong.includes(character));
  };
  for (const button of keys.children) mark(button, button.value);
  mark($("#letters-end"), end);
  $("#letters-show").disabled = over;
  $("#letters-next").disabled = !now.left;
  $("#letters-next").classList.toggle("main", over);
  $("#letters-wrong").textContent = now.wrong.length ? "Not: " + now.wrong.map(called).join(" ") : "";
  showGuesses();

  $("#letters-count").textContent = score.you.letters ? `after ${whole(score.you.letters)} letter${score.you.letters === 1 ? "" : "s"}` : "";
  const bits = (x) => (x === null || x === undefined || score.you.letters < FEW ? "–" : x.toFixed(2));
  const row = (name, of) =>
    h("tr", {}, h("th", { scope: "row" }, name),
      h("td", {}, of.first === null ? "–" : share(of.first)),
      ...[of.upper, of.lower, of.exact].map((x) => h("td", {}, bits(x))));
  $("#letters-score").replaceChildren(row("You", score.you), ...score.models.map((of) => row(of.name, of)));
}

// Below each character the number of guesses, as in Shannon's paper.
function showGuesses() {
  const some = now.letters.slice(-SHOWN);
  const row = (name, ranks) =>
    h("tr", {}, h("th", { scope: "row" }, name),
      ...ranks.map((rank) =>
        rank === null
          ? h("td", {}, h("span", { ariaLabel: "not guessed", role: "img" }, "–"))
          : h("td", { className: shade(Math.log(rank)) }, String(rank)),
      ));
  const head = some.map(({ character }) =>
    h("th", { scope: "col", ariaLabel: called(character) }, character === now.end ? "end" : visible(character)),
  );
  const table = $("#letters-guesses");
  table.dir = some.some(({ character }) => /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(character)) ? "rtl" : "ltr";
  table.replaceChildren(
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Letter"), ...head)),
    h("tbody", {},
      row("You", some.map((each) => (each.you))),
      ...now.score.models.map(({ name }) => row(name, some.map((each) => each.models[name] ?? null)))),
  );
  const box = table.parentElement;
  box.scrollLeft = table.dir === "rtl" ? -box.scrollWidth : box.scrollWidth;
}

const share = (p) => (p === 0 ? "0%" : percent(p));

// Real or made

// Ignore a second answer while the first one is on its way: the next line is not yet there.
let telling = false;
async function tell(what) {
  if (telling || now?.kind !== "real") return;
  telling = true;
  await move(what);
  telling = false;
}

function real() {
  const { made, right } = now.recent[0];
  return `${right ? "Right" : "Wrong"}: it was ${made ? "made" : "real"}.`;
}

function showReal() {
  const { answers, right, interval, made, taken, taken_interval: mistaken } = now;
  const over = now.text === null;
  $("#real-number").textContent = over
    ? "That was all that is held out; start a new game."
    : `Round ${answers + 1}${now.label ? `, label: ${now.label}` : ""}`;
  $("#real-line").textContent = now.text ?? "";
  $("#real-line").classList.toggle("long", (now.text ?? "").length > 80);
  for (const what of ["real", "made"]) $("#real-" + what).disabled = over;
  const between = (n, [low, high]) => (n ? `95% interval: ${share(low)} to ${share(high)}` : "nothing yet");
  const tile = (title, value, more) => h("div", {}, h("span", {}, title), h("b", {}, value), h("span", { className: "dim" }, more));
  $("#real-tally").replaceChildren(
    tile(`You were right: ${right} of ${answers}`, answers ? share(right / answers) : "–", between(answers, interval)),
    tile(`Made, but taken for real: ${taken} of ${made}`, made ? share(taken / made) : "–", between(made, mistaken)),
    tile("Right in a row", whole(now.streak), "about half of what is shown is real"),
  );
  $("#real-box").hidden = !now.recent.length;
  $("#real-recent").replaceChildren(
    ...now.recent.map((each) =>
      h("tr", {},
        h("td", {}, h("span", { className: "line clip", dir: "auto" }, each.text), each.label ? h("small", {}, each.label) : null),
        h("td", {}, each.made ? "made" : "real"),
        h("td", {}, each.right ? "right" : h("b", {}, "wrong"))),
    ),
  );
}
