// Regular expressions that whole lines must match, read one character at a time, so that a beginning that can no
// longer match is noticed at once and no pattern takes long. After Thompson, "Regular Expression Search
// Algorithm" (1968): a machine that is in several states at a time.

const MOST_STATES = 5000;
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";

class Pattern {
  constructor(text) {
    this.text = [...text];
    this.at = 0;
    this.states = [{ to: [], free: [] }]; // a state goes on by a test of a character, or freely
    this.end = this.alternatives(0);
    if (this.at < this.text.length) throw new Error("The pattern has a ) without its (.");
    this.sets = new Map();
    this.start = this.set([0]);
  }
  // After a character, or several; null if no line that goes on like this matches.
  read(set, text) {
    for (const character of text) {
      if (!set) break;
      if (!set.next.has(character)) {
        const after = set.states.flatMap((i) => this.states[i].to.filter(([test]) => test(character)).map(([, to]) => to));
        set.next.set(character, after.length ? this.set(after) : null);
      }
      set = set.next.get(character);
    }
    return set;
  }
  set(states) {
    const all = new Set(states);
    for (const i of all) for (const to of this.states[i].free) all.add(to); // which grows
    const name = [...all].sort((a, b) => a - b).join();
    if (!this.sets.has(name)) this.sets.set(name, { states: [...all], matches: all.has(this.end), next: new Map() });
    return this.sets.get(name);
  }
  // Each part of a pattern leads from a state to another, which is returned.
  state() {
    if (this.states.push({ to: [], free: [] }) > MOST_STATES) throw new Error("The pattern is too long.");
    return this.states.length - 1;
  }
  alternatives(from) {
    const end = this.state();
    do {
      let last = this.state();
      this.states[from].free.push(last);
      while (this.at < this.text.length && !"|)".includes(this.text[this.at])) last = this.repeated(last);
      this.states[last].free.push(end);
    } while (this.eat("|"));
    return end;
  }
  repeated(from) {
    const begin = this.at, entry = this.state();
    let end = this.one(entry), least = 1, most = 1;
    if (this.eat("*")) [least, most] = [0, Infinity];
    else if (this.eat("+")) [least, most] = [1, Infinity];
    else if (this.eat("?")) [least, most] = [0, 1];
    else {
      const [braces, a, comma, b] = /^\{(?=,?\d)(\d*)(,?)(\d*)\}/.exec(this.text.slice(this.at).join("")) ?? [];
      if (!braces) {
        this.states[from].free.push(entry);
        return end;
      }
      this.at += braces.length;
      [least, most] = [Number(a), comma ? (b ? Number(b) : Infinity) : Number(a)];
      if (most < least) throw new Error("The pattern has a smaller number after a larger one in { }.");
    }
    this.eat("?"); // which of several ways matches makes no difference
    const after = this.at, last = this.state();
    const copy = (from) => {
      this.at = begin;
      return this.one(from);
    };
    let done = 1;
    for (; done < least; done++) end = copy(end);
    if (most > 0) this.states[from].free.push(entry);
    if (least === 0) this.states[from].free.push(last);
    if (most === Infinity) {
      const again = this.state(), back = copy(again);
      this.states[end].free.push(again);
      this.states[back].free.push(again, last);
    } else
      for (; done < most; done++) {
        this.states[end].free.push(last);
        end = copy(end);
      }
    if (most > 0) this.states[end].free.push(last);
    this.at = after;
    return last;
  }
  one(from) {
    const character = this.text[this.at++];
    if ("*+?".includes(character)) throw new Error(`The pattern has a ${character} with nothing before it.`);
    if (character === "(") {
      if (this.eat("?") && !this.eat(":")) throw new Error("The pattern has a (?, which this page cannot read.");
      const end = this.alternatives(from);
      if (!this.eat(")")) throw new Error("The pattern has a ( without its ).");
      return end;
    }
    if (character === "^" || character === "$") return from; // the whole line has to match anyway
    const end = this.state();
    this.states[from].to.push([this.test(character), end]);
    return end;
  }
  // What says whether a character is meant by . or [a-z] or \d or itself.
  test(character) {
    const begin = this.at - 1;
    if (character === "\\") this.at++;
    else if (character === "[") {
      this.eat("^");
      this.eat("]");
      while (this.at < this.text.length && this.text[this.at] !== "]") this.at += this.text[this.at] === "\\" ? 2 : 1;
      this.at++;
    } else if (character !== ".") return (other) => other === character;
    const written = this.text.slice(begin, this.at).join("");
    if (/^\\[0-9bBAZzGkKRX]/.test(written)) throw new Error(`The pattern has ${written}, which this page cannot read.`);
    // of letters and digits in every alphabet, as in Python
    const wide = written.replace(/^\[(\^?)\]/, "[$1\\]").replace(/\\[wWdD]/g, (found) =>
      ({ "\\d": "\\p{Nd}", "\\D": "\\P{Nd}", "\\w": character === "[" ? WORD : `[${WORD}]`, "\\W": `[^${WORD}]` })[found]);
    try {
      const regex = new RegExp(`^${wide.replace(/^\\([^\w^$\\.*+?()[\]{}|/])$/, "$1")}$`, "u");
      return (other) => regex.test(other);
    } catch {
      throw new Error(`The pattern has ${written}, which this page cannot read.`);
    }
  }
  eat(character) {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }
}
