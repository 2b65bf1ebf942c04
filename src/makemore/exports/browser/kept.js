// Lines that people keep, in this browser if it allows that.

class Kept {
  // place: the name under which the browser stores them; changed: called after every change
  constructor(place, vocabulary, changed) {
    Object.assign(this, { place, vocabulary, changed, samples: this.stored(place, vocabulary) });
  }
  // Those of the last visit, or none.
  stored(place, vocabulary) {
    try {
      const found = JSON.parse(localStorage.getItem(place)) ?? [];
      for (const each of found) vocabulary.read(each.text); // throws if it is not what this page wrote
      return found;
    } catch {
      return [];
    }
  }
  has(sample) {
    return this.samples.some((each) => same(each, sample));
  }
  add(sample) {
    this.replace([...this.samples, sample]);
  }
  remove(sample) {
    this.replace(this.samples.filter((each) => !same(each, sample)));
  }
  replace(samples) {
    this.samples = samples;
    try {
      localStorage.setItem(this.place, JSON.stringify(samples));
    } catch {
      // they stay until the page is closed
    }
    this.changed();
  }
  // As a file of them would be: things of several lines have a blank line between them.
  text() {
    return this.samples.map((each) => each.text).join(this.vocabulary.things ? "\n\n" : "\n") + "\n";
  }
}

const same = (a, b) => a.text === b.text && a.label === b.label;

// What is done with all of them.

function startKept(kept, name) {
  $("kept-copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(kept.text());
      say("Copied.");
    } catch {
      say("The browser does not allow copying; download them instead.", true);
    }
  });
  $("kept-download").addEventListener("click", () => download(kept.text(), `more like ${name}.txt`));
  $("kept-clear").addEventListener("click", () => {
    if (confirm("Remove all kept lines?")) kept.replace([]);
  });
}

function download(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
