// Tokens of the language, for colours: what grammar/sgl.lark says, without a parser. The texts of all
// tokens, one after the other, are the program, whatever it is.

const FILE = words("import from config let type tool fn prompt batch test");
const STATEMENT = words("include keep check return break continue pass if elif else match for while fork side span with expect");
const INFIX = words("if else or and in not for");
const PREFIX = words("not true false none try");
const PLACED = { as: words("import from fork side"), to: words("batch"), limit: words("while"), from: words("tool batch from"), import: words("from") };
const ROLES = words("system user assistant");

const BLANK = /[ \t\r]+|\\\r?\n/y;
const NEWLINE = /\n/y;
const COMMENT = /#[^\n]*/y;
const RAW = /r"""[\s\S]*?(?:"""|$)|r"[^"\n]*"?/y;
const REGEX = /\/(?![ /*])(?:[^/\\\n]|\\.)+\//y;
const NUMBER = /[0-9]+(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?)?/y;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const PUNCTUATION = /==|!=|<=|>=|->|\.\.|[^]/uy;
const ESCAPE = /\\(?:u[0-9a-fA-F]{4}|\r?\n[ \t]*|[^])|\{\{|\}\}/uy;
const CHUNK = { '"': /[^"\\{}\n]+/y, '"""': /(?:[^"\\{}]|"(?!""))+/y };
const CLOSERS = { "(": ")", "[": "]", "{": "}" };

function words(text) {
  return new Set(text.split(" "));
}

/** The tokens of a text as pairs of a kind and a text; "" is what has no colour. */
export function tokens(text) {
  return new Reader(text).all();
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.found = [];
    this.open = []; // brackets and quotes; "hole" is the brace of a hole
    this.newLine();
  }

  newLine() {
    this.first = null; // the first word of the line
    this.isIndented = false;
    this.starts = true; // a statement may begin here
    this.isOperand = false; // what stands before is a value
    this.last = "";
  }

  all() {
    while (this.at < this.text.length) {
      const top = this.open.at(-1);
      if (top === '"' || top === '"""') this.inText(top);
      else this.inCode();
    }
    return this.found;
  }

  take(pattern) {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    return match === null ? null : match[0];
  }

  put(kind, text) {
    const previous = this.found.at(-1);
    if (previous !== undefined && previous[0] === kind && kind === "string") previous[1] += text;
    else this.found.push([kind, text]);
    this.at += text.length;
  }

  inText(quote) {
    let piece;
    if (this.text.startsWith(quote, this.at)) {
      this.put("string", quote);
      this.open.pop();
      this.value(true);
    } else if ((piece = this.take(CHUNK[quote])) !== null) this.put("string", piece);
    else if ((piece = this.take(ESCAPE)) !== null) this.put("escape", piece);
    else if (this.text[this.at] === "{") {
      this.put("hole", "{");
      this.open.push("hole");
      this.value(false);
    } else if (this.text[this.at] === "\n") this.open.length = 0; // a text that is never closed
    else this.put("string", this.text[this.at]);
  }

  inCode() {
    let piece;
    if ((piece = this.take(NEWLINE)) !== null) {
      this.put("", piece);
      if (this.open.length === 0) this.newLine();
    } else if ((piece = this.take(BLANK)) !== null) {
      if (this.first === null) this.isIndented = true;
      this.put("", piece);
    } else if ((piece = this.take(COMMENT)) !== null) this.put("comment", piece);
    else if ((piece = this.take(RAW)) !== null) {
      this.put("string", piece);
      this.value(true);
    } else if ((piece = this.take(NUMBER)) !== null) {
      this.put("number", piece);
      this.value(true);
    } else if ((piece = this.take(NAME)) !== null) this.word(piece);
    else if (!this.isOperand && (piece = this.take(REGEX)) !== null) {
      this.put("regex", piece);
      this.value(true);
    } else this.punctuation();
  }

  value(isOperand) {
    this.first ??= "";
    this.starts = false;
    this.isOperand = isOperand;
    this.last = "";
  }

  word(text) {
    const next = this.text.slice(this.at + text.length);
    if (this.starts && ROLES.has(text) && /^[ \t]*:/.test(next)) {
      this.put("role", text);
      this.note(text, false);
    } else if (this.isKeyword(text, next)) {
      const isValue = text === "true" || text === "false" || text === "none";
      this.put("keyword", text);
      this.note(text, isValue || text === "side" || text === "break" || text === "continue" || text === "pass");
    } else {
      const kind = this.last === "@" ? "decorator" : /^\(/.test(next) ? "call" : /^\p{Lu}/u.test(text) ? "type" : "name";
      this.put(kind, text);
      this.note(text, true);
    }
  }

  note(text, isOperand) {
    this.first ??= text;
    this.starts = false;
    this.isOperand = isOperand;
    this.last = text;
  }

  isKeyword(text, next) {
    if (this.last === ".") return false;
    const isNamed = /^[ \t]*(?:=(?!=)|:(?!\s*$))/m.test(next.split("\n", 1)[0]);
    if (this.starts && this.open.length === 0) {
      if (text === "role") return /^[ \t]*r?"/.test(next);
      if (text === "else") return true;
      if (this.isIndented || this.first !== null ? STATEMENT.has(text) : FILE.has(text)) {
        return text === "side" || !isNamed;
      }
    }
    if (text === "as" && this.first === "fork" && this.last === "fork") return true;
    if (text in PLACED && PLACED[text].has(this.first)) return this.isOperand;
    if (text === "include") return this.isIndented && this.last === "=" && this.open.length === 0 && this.first !== "with";
    if (text === "run") return this.isIndented && this.last === "=" && this.open.length === 0 && /^[ \t]+[\p{L}_]/u.test(next);
    if (text === "using") return this.isOperand && this.open.length === 0 && /^[ \t]+[\p{L}_]/u.test(next);
    return this.isOperand ? INFIX.has(text) : PREFIX.has(text) || (text === "in" && this.last === "not");
  }

  punctuation() {
    if (this.text.startsWith('"', this.at)) {
      const quote = this.text.startsWith('"""', this.at) ? '"""' : '"';
      this.open.push(quote);
      this.first ??= "";
      this.found.push(["string", quote]); // not joined to a text that ends here
      this.at += quote.length;
      return;
    }
    const piece = this.take(PUNCTUATION);
    const top = this.open.at(-1);
    let kind = piece === "@" ? "decorator" : "punctuation";
    if (piece in CLOSERS) this.open.push(piece);
    else if (piece === "}" && top === "hole") {
      kind = "hole";
      this.open.pop();
    } else if (piece === CLOSERS[top]) this.open.pop();
    this.put(kind, piece);
    if (kind === "hole") return;
    this.first ??= piece;
    this.isOperand = piece === ")" || piece === "]" || piece === "}" || piece === "?";
    this.last = piece;
    this.starts = piece === ":" && this.open.length === 0;
  }
}
