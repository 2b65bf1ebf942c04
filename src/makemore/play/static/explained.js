// A line explained: each letter shaded by its surprise, and what was likelier at each.

import { percent, spelledOut } from "./line.js";
import { post } from "./shared.js";

// Return the explanation of a line by a run, as an element. label: its label, if the run has labels.
export async function explained(run, text, label) {
  const { letters, nll } = await post("api/explain", { run, text, top: 6, ...(label ? { label } : {}) });
  const average = nll === null ? 0 : Math.exp(-nll / letters.length);
  return spelledOut(letters, letters.at(-1).character, `On average each was ${percent(average)} likely. `);
}
