// Characters and their ids, and which lines the list has.

class Vocabulary {
  constructor({ names, unknown, clusters, things, separator, keep_spaces }) {
    Object.assign(this, { names, things, separator, keepSpaces: keep_spaces });
    this.ids = new Map(names.map((name, id) => [name, id]).slice(1));
    this.unknown = unknown ? this.ids.get("\ufffd") : 0;
    this.clusters = clusters;
    this.segmenter = clusters && Intl.Segmenter ? new Intl.Segmenter("en", { granularity: "grapheme" }) : null;
    this.longest = this.segmenter || !clusters ? [] : names.slice(1).sort((a, b) => b.length - a.length);
  }
  text(ids) {
    return ids.map((id) => this.names[id]).join("");
  }
  // The characters of a text, as people see them if that is how the list was read.
  split(text) {
    if (this.segmenter) return Array.from(this.segmenter.segment(text), ({ segment }) => segment);
    if (!this.clusters) return [...text];
    const found = [];  // Firefox has no segmenter before 125: the longest known name from each place on
    for (let i = 0; i < text.length; i += found.at(-1).length)
      found.push(this.longest.find((name) => text.startsWith(name, i)) ?? String.fromCodePoint(text.codePointAt(i)));
    return found;
  }
  // The ids of a text; throws if the model does not know one of its characters.
  read(text) {
    const composed = this.split(text.normalize("NFC")), given = this.split(text);
    const known = (some) => some.every((each) => this.ids.has(each));
    const characters = known(composed) || !known(given) ? composed : given;
    const strange = characters.find((each) => !this.ids.has(each));
    if (strange !== undefined) throw new Error(`The model does not know the character ${visible(strange)}.`);
    return characters.map((each) => this.ids.get(each));
  }
  // Whether a line would be read as it is written: two characters side by side may become one.
  stays(ids) {
    const text = this.text(ids);
    if (this.clusters && (text.normalize("NFC") !== text || this.split(text).length !== ids.length)) return false;
    if (!this.things) return true;
    const lines = text.split("\n"), tidy = (line) => this.keepSpaces || line.trimEnd() === line;
    return lines.every((line) => tidy(line) && line.trim() !== this.separator) && lines[0].trim() !== "" && lines.at(-1).trim() !== "";
  }
}

// A Bloom filter: every line of the list has set a few bits, and a line whose bits are all set is probably one of
// them. After Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors" (1970).
class Filter {
  constructor({ bits, hashes, offset }, bytes) {
    Object.assign(this, { bits, hashes, bytes: bytes.subarray(offset, offset + Math.ceil(bits / 8)) });
  }
  has(ids) {
    const a = hash(ids, 0x9e3779b1), b = hash(ids, 0x85ebca77) | 1;
    for (let i = 0; i < this.hashes; i++) {
      const bit = ((a + Math.imul(i, b)) >>> 0) % this.bits;
      if (!((this.bytes[bit >> 3] >> (bit & 7)) & 1)) return false;
    }
    return true;
  }
}

// A polynomial of the ids, whose bits are then mixed; 32 bits.
function hash(ids, base) {
  let sum = 0, power = 1;
  for (const id of ids) {
    let mixed = Math.imul(id, 0x9e3779b1);
    mixed ^= mixed >>> 15;
    sum = (sum + Math.imul(mixed, power)) | 0;
    power = Math.imul(power, base);
  }
  sum ^= sum >>> 16;
  sum = Math.imul(sum, 0x85ebca6b);
  sum ^= sum >>> 13;
  sum = Math.imul(sum, 0xc2b2ae35);
  return (sum ^ (sum >>> 16)) >>> 0;
}
