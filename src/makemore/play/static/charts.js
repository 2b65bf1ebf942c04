// Small charts: heat maps, levels of contexts and a map of characters. Every number is also in a table.

import { h, percent, visible, whole } from "./shared.js";

const SVG = "http://www.w3.org/2000/svg";
const CELL = 10; // of a heat map, in its own units
const SHADES = 10;

function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// What there is to see in one view of `makemore.runs.inside`: a figure. `open`: whether its tables are open.
export function figure(view, open) {
  // one line for what is read from all grids, so that nothing moves while it changes
  const said = h("p", { className: "dim read", "aria-live": "polite" });
  const charts = view.levels.length
    ? [levels(view)]
    : view.points.length
      ? [map(view)]
      : view.grids.map((grid) => heatmap(view, grid, said));
  const layers = {}; // the heads of a layer side by side
  charts.forEach((chart, i) => (layers[view.grids[i]?.title.match(/^(.+),/)?.[1] ?? ""] ??= []).push(chart));
  const wide = view.levels.length || view.grids.length > 1 || view.grids[0]?.columns.length > 30;
  return h(
    "figure",
    { "data-title": view.title, className: wide ? "wide-view" : "" },
    h("figcaption", {}, h("h4", {}, view.title), view.says),
    Object.values(layers).map((some) => h("div", { className: "heats" }, some)),
    view.grids.length ? said : null,
    view.levels.length ? null : tables(view, open),
  );
}

const name = (text) => ([...text].length > 1 ? text : visible(text));
const number = (grid) => (x) => (grid.low < 0 || grid.high > 1 ? x.toFixed(2) : x === 0 ? "0%" : percent(x));

// heat maps

function heatmap(view, grid, said) {
  const [R, C] = [grid.rows.length, grid.columns.length];
  const left = 4 + 6 * Math.max(...grid.rows.map((row) => [...name(row)].length));
  const [width, height] = [left + C * CELL, (R + 1) * CELL];
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "application", class: "heat" });
  const title = [view.title, grid.title].filter(Boolean).join(", ");
  svg.setAttribute("aria-label", `${title}: ${R} rows, ${C} columns; the arrow keys read the cells`);
  svg.style.width = `${(width * (C > 30 ? 12 : 15)) / CELL}px`;
  grid.columns.forEach((text, c) => svg.append(label(left + (c + 0.5) * CELL, CELL - 3, text, "middle")));
  grid.rows.forEach((text, r) => svg.append(label(left - 2, (r + 2) * CELL - 3, text, "end")));
  for (const [shade, d] of Object.entries(paths(grid, left))) {
    const level = Math.abs(shade);
    svg.append(s("path", { d, class: shade < 0 ? "below" : "above", "fill-opacity": level / SHADES }));
  }
  const frame = (r, c, w, kind) =>
    s("rect", { x: left + c * CELL, y: (r + 1) * CELL, width: w * CELL, height: CELL, class: kind });
  svg.append(frame(0, 0, C, "edge"));
  svg.lastChild.setAttribute("height", R * CELL);
  if (grid.marked !== null) svg.append(frame(grid.marked, 0, C, "marked"));
  const cursor = frame(0, 0, 1, "cursor");
  cursor.setAttribute("visibility", "hidden");
  svg.append(cursor);
  const rest = (said.textContent = "Point at a cell to read it.");
  let at = [grid.marked ?? R - 1, 0];
  const read = (r, c) => {
    at = [Math.min(Math.max(r, 0), R - 1), Math.min(Math.max(c, 0), C - 1)];
    cursor.setAttribute("x", left + at[1] * CELL);
    cursor.setAttribute("y", (at[0] + 1) * CELL);
    cursor.setAttribute("visibility", "visible");
    const value = number(grid)(grid.values[at[0]][at[1]]);
    const [row, column] = [name(grid.rows[at[0]]), name(grid.columns[at[1]])];
    said.textContent = `${grid.title ? grid.title + ": " : ""}${view.down} ${row}, ${view.across} ${column}: ${value}`;
  };
  const leave = () => {
    cursor.setAttribute("visibility", "hidden");
    said.textContent = rest;
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const c = Math.floor((((event.clientX - box.left) / box.width) * width - left) / CELL);
    const r = Math.floor(((event.clientY - box.top) / box.height) * (R + 1)) - 1;
    if (r >= 0 && c >= 0) read(r, c);
  });
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("focus", () => svg.matches(":focus-visible") && read(...at));
  svg.addEventListener("blur", leave);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    read(at[0] + step[0], at[1] + step[1]);
  });
  return h("div", {}, h("div", { className: "scroll" }, svg), grid.title);
}

function label(x, y, text, anchor) {
  const shown = anchor === "middle" && [...text].length > 2 ? "…" : name(text);
  return s("text", { x, y, "text-anchor": anchor, "font-size": [...shown].length > 1 && anchor === "middle" ? 4 : 8 }, shown);
}

// One path for each shade, so that thousands of cells cost little.
function paths(grid, left) {
  const most = Math.max(grid.high, -grid.low);
  const found = {};
  grid.values.forEach((row, r) =>
    row.forEach((value, c) => {
      const shade = Math.round((SHADES * value) / most);
      if (!shade) return;
      found[shade] = (found[shade] ?? "") + `M${left + c * CELL} ${(r + 1) * CELL}h${CELL}v${CELL}h-${CELL}z`;
    }),
  );
  return found;
}

// levels of contexts

function levels(view) {
  const cell = (p) => {
    const td = h("td", {}, percent(p));
    td.style.background = `color-mix(in srgb, var(--accent) ${Math.round(45 * p ** 0.7)}%, transparent)`;
    return td;
  };
  const head = ["last letters", "seen", view.share, ...view.characters.map(visible)];
  const rows = view.levels.map((level, k) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("span", { className: "line" }, level.context.map(visible).join("") || "(none)")),
      h("td", {}, level.seen ? whole(level.seen) : "never"),
      h("td", {}, k === 0 && view.share !== "weight" ? "–" : percent(level.share)),
      level.p.map(cell),
    ),
  );
  return table("", head, rows);
}

// the map of characters

const COLOURS = ["ink", "accent", "amber", "red", "dim"];

function map(view) {
  const kinds = [...new Set(view.points.map((point) => point.kind))];
  const colour = (kind) => "k-" + COLOURS[Math.min(kinds.indexOf(kind), COLOURS.length - 1)];
  const range = (axis) => {
    const values = view.points.map((point) => point[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (x) => (x - low) / (high - low || 1);
  };
  const [x, y] = [range("x"), range("y")];
  const svg = s("svg", { viewBox: "0 0 310 260", role: "img", class: "map" });
  svg.setAttribute("aria-label", `${view.title}: ${view.points.length} characters; the table has their places`);
  const size = view.points.length > 40 ? 9 : 13;
  for (const point of view.points) {
    const at = { x: 10 + 290 * x(point.x), y: 255 - 240 * y(point.y), "text-anchor": "middle", "font-size": size };
    const letter = s("text", { ...at, class: colour(point.kind) }, visible(point.character));
    letter.append(s("title", {}, `${visible(point.character)}: ${point.kind}`));
    svg.append(letter);
  }
  const legend = kinds.map((kind) => h("span", {}, h("i", { className: "key " + colour(kind) }), kind));
  return h("div", { className: "wide-map" }, svg, h("p", { className: "read legend" }, legend));
}

// tables

export function table(caption, head, rows) {
  return h(
    "div",
    { className: "box", tabIndex: 0, role: "region", "aria-label": caption || "table" },
    h(
      "table",
      {},
      caption ? h("caption", {}, caption) : null,
      h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows),
    ),
  );
}

export const row = (cells) =>
  h("tr", {}, h("th", { scope: "row" }, cells[0]), cells.slice(1).map((text) => h("td", {}, text)));

// The numbers of a view, filled in when they are wanted.
function tables(view, open) {
  const details = h("details", {}, h("summary", {}, "As a table"));
  const fill = () => {
    if (!details.open || details.childElementCount > 1) return;
    for (const grid of view.grids) {
      const rows = grid.rows.map((text, r) => row([name(text), ...grid.values[r].map(number(grid))]));
      details.append(table(grid.title || view.title, [`${view.down} / ${view.across}`, ...grid.columns.map(name)], rows));
    }
    if (view.points.length) {
      const rows = view.points.map(({ character, kind, x, y }) => row([visible(character), kind, x.toFixed(2), y.toFixed(2)]));
      details.append(table(view.title, ["character", "kind", "across", "up"], rows));
    }
  };
  details.addEventListener("toggle", fill);
  details.open = open;
  return details;
}
