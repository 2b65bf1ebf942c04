// A line explained: each letter shaded by its surprise, and what was likelier at each.

async function explained(model, vocabulary, { text, label }) {
  const read = [], end = vocabulary.things ? "" : "\n";
  const character = (id) => (id === 0 ? end : vocabulary.names[id]);
  let slice = performance.now();
  for (const { id, nll, choices } of letters(model, vocabulary.read(text), label, 6)) {
    const likeliest = choices.map(([choice, p]) => [character(choice), p]);
    read.push({ character: character(id), nll, probability: Math.exp(-nll), choices: likeliest });
    if (performance.now() - slice < SLICE) continue;
    await pause();
    slice = performance.now();
  }
  return spelledOut(read, end);
}
