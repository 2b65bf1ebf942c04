// Regular expressions that whole lines must match, read one character at a time, so that a beginning that can no
// longer match is noticed at once and no pattern takes long. After Thompson, "Regular Expression Search
// Algorithm" (1968): a machine that is in several states at a time.

const MOST_STATES = 5000;

// of letters, digits and spaces in every alphabet, as in Python
const CLASSES = {
  d: /\p{Nd}/u, D: /\P{Nd}/u,
  w: /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u, W: /[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u,
  s: /\p{White_Space}/u, S: /\P{White_Space}/u,
};
const CONTROLS = { n: "\n", t: "\t", r: "\r", f: "\f", v: "\v", a: "\x07" };

const code = (character) => character.codePointAt(0);
const tests = (some) => (typeof some === "string" ? (other) => other === some : some);

class Pattern {
  constructor(text) {
    this.text = [...text];
    this.at = 0;
    this.states = []; // each goes on by a test of a character, or freely, everywhere or at an edge of the line
    this.state();
    this.end = this.alternatives(0);
    if (this.at < this.text.length) throw new Error("The pattern has a ) without its (.");
    this.sets = new Map();
    this.start = this.set([0], true);
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
  // The states that some lead to, and whether a line that ends here matches.
  set(states, atStart = false) {
    const reached = (atEnd) => {
      const all = new Set(states);
      for (const i of all) {
        const { free, first, last } = this.states[i];
        for (const to of [...free, ...(atStart ? first : []), ...(atEnd ? last : [])]) all.add(to); // which grows
      }
      return all;
    };
    const all = [...reached(false)].sort((a, b) => a - b), name = `${atStart} ${all}`;
    if (!this.sets.has(name)) this.sets.set(name, { states: all, matches: reached(true).has(this.end), next: new Map() });
    return this.sets.get(name);
  }
  // Each part of a pattern leads from a state to another, which is returned.
  state() {
    if (this.states.push({ to: [], free: [], first: [], last: [] }) > MOST_STATES) throw new Error("The pattern is too long.");
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
      const [braces, a, comma, b] = this.braces() ?? [];
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
    if (character === "{") {
      this.at--;
      const braces = this.braces();
      if (braces) throw new Error(`The pattern has ${braces[0]} with nothing before it.`);
      this.at++;
    }
    if ("*+?".includes(character)) throw new Error(`The pattern has a ${character} with nothing before it.`);
    if (character === "(") {
      if (this.eat("?") && !this.eat(":")) throw new Error("The pattern has a (?, which this page cannot read.");
      const end = this.alternatives(from);
      if (!this.eat(")")) throw new Error("The pattern has a ( without its ).");
      return end;
    }
    const end = this.state();
    if (character === "^") this.states[from].first.push(end);
    else if (character === "$") this.states[from].last.push(end);
    else this.states[from].to.push([this.test(character), end]);
    return end;
  }
  // What says whether a character is meant by . or [a-z] or \d or itself.
  test(character) {
    if (character === ".") return (other) => other !== "\n";
    if (character === "[") return this.class();
    return tests(character === "\\" ? this.escaped() : character);
  }
  // What is after a backslash: the character that is meant, or a test.
  escaped() {
    const character = this.text[this.at++];
    if (character === undefined) throw new Error("The pattern ends with a \\, after which a character is missing.");
    if (character in CLASSES) return (other) => CLASSES[character].test(other);
    if (character in CONTROLS) return CONTROLS[character];
    if (/[a-z0-9]/i.test(character)) throw new Error(`The pattern has \\${character}, which this page cannot read.`);
    return character;
  }
  class() {
    const negated = this.eat("^"), members = [];
    do { // a ] that comes first is a member
      const first = this.member();
      members.push(tests(first));
      if (typeof first !== "string" || this.text[this.at] !== "-" || this.text[this.at + 1] === "]") continue;
      this.at++;
      const last = this.member();
      if (typeof last !== "string") members.push(tests("-"), last);
      else if (code(first) > code(last)) throw new Error(`The pattern has ${first}-${last}, which goes backwards.`);
      else members.push((other) => code(first) <= code(other) && code(other) <= code(last));
    } while (!this.eat("]"));
    return (other) => members.some((test) => test(other)) !== negated;
  }
  member() {
    const character = this.text[this.at++];
    if (character === undefined) throw new Error("The pattern's [ is not closed.");
    if (character === "[" && this.text[this.at] === ":") throw new Error("The pattern has [:, which this page cannot read.");
    return character === "\\" ? this.escaped() : character;
  }
  // {2,3}, {2,}, {,3} or {2} if it is next: the whole, a number, a comma and a number.
  braces() {
    return /^\{(?!\})(\d*)(,?)(\d*)\}/.exec(this.text.slice(this.at).join(""));
  }
  eat(character) {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }
}
