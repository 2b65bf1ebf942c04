// The first room: a list is pasted, dropped or chosen, and what is in it.

import { $, attempt, get, h, loss, post, say, visible, whole } from "./shared.js";

const CHIPS = 60, MORE = 1000; // characters shown, and those in a fold, at most
const LARGE = 20_000; // characters; browsers take long to put more into a text field

let app;
let looked = null; // the list that is shown, or could not be read

export function start(the_app) {
  app = the_app;
  $("#use").onclick = attempt(async () => {
    const text = $("#paste").value;
    if (!text.trim()) throw new Error("Paste a list first, one thing on each line.");
    await upload(new Blob([text]), "pasted.txt");
    $("#paste").value = "";
  });
  $("#paste").onpaste = (event) => {
    const text = event.clipboardData.getData("text");
    if (text.length < LARGE) return;
    event.preventDefault();
    attempt(() => upload(new Blob([$("#paste").value, text]), "pasted.txt"))();
  };
  $("#file").onchange = attempt(async ({ target }) => {
    if (target.files.length) await upload(target.files[0], target.files[0].name);
    target.value = "";
  });
  const drop = $("#drop");
  drop.ondragover = (event) => {
    event.preventDefault();
    drop.classList.add("over");
  };
  drop.ondragleave = () => drop.classList.remove("over");
  drop.ondrop = attempt(async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) await upload(file, file.name);
  });
  $("#read-again").onclick = attempt(() => look(looked, { ...columns(), ...reading() }));
  attempt(showBundled)();
  app.on("state", ({ chosen, lists }) => {
    if (chosen !== null && chosen !== looked) attempt(() => look(chosen, lists.find((each) => each.name === chosen).how))();
  });
}

async function showBundled() {
  const lists = await get("api/bundled");
  $("#bundled").replaceChildren(...lists.map((list) =>
    h("button", { onclick: attempt(() => look(list.name, {})) },
      h("b", {}, list.name), h("small", {}, `${list.description}. ${whole(list.lines)} lines`))));
}

// Send a file to the server, which keeps it, and look at it.
async function upload(blob, name) {
  say("reading ...");
  const made = await post(`api/lists?name=${encodeURIComponent(name)}`, blob);
  await look(made.name, {});
}

// Have the server look at a list, and show what it found.
async function look(name, how) {
  looked = name;
  say(`looking at ${name} ...`);
  $("#found").setAttribute("aria-busy", "true");
  try {
    const { found, how: read, examples, columns, unnamed } = await post("api/inspect", { name, how });
    if (looked !== name) return; // another one was chosen meanwhile
    app.state.chosen = name;
    say("");
    show(name, found, read, examples, Object.entries(columns), unnamed);
  } catch (error) {
    if (looked === name) $("#found").replaceChildren(h("h3", {}, name), h("p", { class: "warning red" }, error.message));
    $("#reading").hidden = false;
    $("#reading").open = true; // another encoding may help
    throw error;
  } finally {
    $("#found").removeAttribute("aria-busy");
  }
  await app.refresh();
  const { seconds } = await post("api/measure", { name });
  if (looked === name && $("#pace")) $("#pace").textContent = seconds ? `: about ${duration(seconds)} on this machine` : "";
}

// The options of reading, as they are set.
function reading() {
  const set = {};
  for (const field of $("#reading").querySelectorAll("[name]")) {
    if (field.type === "checkbox") set[field.name] = field.checked || null;
    else set[field.name] = field.type === "number" ? field.valueAsNumber || null : field.value || null;
  }
  return set;
}

// The columns of a table that are chosen.
function columns() {
  const value = (name) => $(`#found select[name=${name}]`)?.value || null;
  return { column: value("column"), label: value("label"), header: $("#found [name=header]")?.checked ?? false };
}

function show(name, found, how, examples, names, unnamed) {
  $("#reading").hidden = false;
  for (const field of $("#reading").querySelectorAll("[name]")) {
    if (field.type === "checkbox") field.checked = !!how[field.name];
    else field.value = how[field.name] ?? "";
  }
  const isTable = names.length > 0 && !how.as_lines;
  $("#found").replaceChildren(
    h("h3", {}, name),
    isTable ? table(names, how, unnamed) : "",
    ...(isTable && !how.column ? [] : content(found, examples, how.separator ? "thing" : "line")),
  );
  $("#or-bundled").open = false;
  $("#found").scrollIntoView({ block: "nearest" });
}

// A table: which column has the things, and which one their labels.
function table(names, how, unnamed) {
  const again = attempt(() => look(looked, { ...reading(), ...columns() }));
  const choice = (name, text, none) =>
    h("label", {}, h("span", {}, text),
      h("select", { name, onchange: again },
        h("option", { value: "" }, none),
        names.map(([column, example]) =>
          h("option", { value: column, selected: column === how[name] }, example ? `${column}, such as ${example}` : column))));
  return h("div", { class: "card" },
    h("p", {}, "This is a table. Choose the column to make more of. A second column can label each thing, so that ",
      "you can ask for more with the same label."),
    h("div", { class: "fields" },
      choice("column", "Make more of", "choose a column"),
      how.column ? choice("label", "Labels", "no labels") : "",
      unnamed
        ? h("label", {}, h("input", { type: "checkbox", name: "header", checked: !!how.header, onchange: again }),
          " the first row names the columns")
        : ""));
}

// one: what the list consists of, things or lines.
function content(found, examples, one) {
  const { lengths, recommendation } = found, many = one + "s";
  const counts = "counts" in $(`#types [value=${recommendation.type}]`).dataset;
  const held = found.splits.validation.lines + found.splits.test.lines;
  const facts = [
    [whole(found.kept), found.kept === 1 ? one : many, found.duplicates ? `${whole(found.duplicates)} of them repeat another` : "all different"],
    [`${whole(lengths.minimum)} to ${whole(lengths.maximum)}`, `characters a ${one}`, `half of them up to ${whole(Math.round(lengths.median))}`],
    [whole(found.alphabet.length), "different characters", found.rare.length ? `${whole(found.rare.length)} of them rare` : "none of them rare"],
    [whole(held), held === 1 ? `${one} held out` : `${many} held out`, "from training, to see what was learned"],
  ];
  return [
    h("div", { class: "tiles" }, facts.map(([value, what, more]) =>
      h("div", {}, h("b", {}, value), h("span", {}, what), h("small", {}, more)))),
    ...found.warnings.map((each) =>
      h("p", { class: "warning" + (each.severity === "red" ? " red" : "") }, sentence(each.message),
        each.advice ? [h("br"), h("small", {}, `What to do: ${each.advice}.`)] : "")),
    h("p", {}, `Some of its ${many}:`),
    h("ul", { class: one === "thing" ? "examples things" : "examples" }, examples.map((line) => h("li", { class: "line", dir: "auto" }, line))),
    Object.keys(found.labels).some((label) => label)
      ? h("p", {}, "Labels: " + Object.entries(found.labels).slice(0, 12)
        .map(([label, n]) => `${label || "(none)"} ${whole(n)}`).join(", ") + ".")
      : "",
    h("p", {}, "Its characters, the commonest first:"),
    h("p", { class: "chips" }, chips(found.alphabet.slice(0, CHIPS))),
    found.alphabet.length > CHIPS
      ? h("details", {}, h("summary", {}, `${whole(found.alphabet.length - CHIPS)} more characters`),
        h("p", { class: "chips" }, chips(found.alphabet.slice(CHIPS, MORE)), found.alphabet.length > MORE ? " …" : ""))
      : "",
    h("p", {}, h("b", {}, `Best trained with ${recommendation.type}`),
      counts ? ": a few seconds on this machine"
        : h("span", { id: "pace", role: "status" }, ": measuring how long it takes here …"), h("br"),
      h("span", { class: "dim" }, sentence(recommendation.reasons.join("; ")) + " " +
        `Counting alone reaches a loss of ${loss(found.expected.test)} nats a character on the ${many} kept for the test; ` +
        `guessing reaches ${loss(Math.log(found.alphabet.length + 1))}.`)),
    h("button", { class: "main", onclick: () => app.go("train") }, "Train on this list"),
  ];
}

const sentence = (text) => text[0].toUpperCase() + text.slice(1) + ".";

const chips = (characters) => characters.map(({ character, count }) =>
  h("span", { title: `${whole(count)} times` }, visible(character)));

function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} seconds`;
  return `${Math.round(seconds / 60)} minutes`;
}
