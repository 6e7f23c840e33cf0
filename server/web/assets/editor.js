// The editor: a text area whose text is transparent, over a layer that shows it in colours.

import { make } from "./dom.js";
import { tokens } from "./highlight.js";

const INDENT = "    ";

export class Editor {
  /** `area` is the text area, `layer` the <pre> below it, `gutter` the numbers, `room` scrolls them. */
  constructor({ area, layer, gutter, room }) {
    this.area = area;
    this.layer = layer;
    this.gutter = gutter;
    this.room = room;
    this.marks = []; // {start, end, severity}, in UTF-16 units
    this.shown = "";
    this.leaves = false; // after Escape, Tab goes on as it does everywhere
    this.onChange = () => {};
    area.addEventListener("input", () => this.changed());
    area.addEventListener("keydown", (event) => this.key(event));
    area.addEventListener("blur", () => (this.leaves = false));
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.area.value = text;
    this.marks = [];
    this.room.scrollTo(0, 0);
    this.area.setSelectionRange(0, 0);
    this.changed();
  }

  /** Mark the spans of diagnostics, which count code points. */
  mark(diagnostics) {
    const unit = units(this.text);
    this.marks = diagnostics.map(({ span, severity }) => {
      const start = Math.min(unit(span.start), this.text.length);
      return { start, end: Math.max(start + 1, unit(span.end)), severity };
    });
    this.render();
  }

  /** Select a span, and show it. */
  jump(span) {
    const unit = units(this.text);
    this.area.focus();
    this.area.setSelectionRange(unit(span.start), unit(span.end));
    const lineHeight = parseFloat(getComputedStyle(this.layer).lineHeight);
    this.room.scrollTop = (span.line - 3) * lineHeight;
  }

  changed() {
    this.moveMarks();
    this.shown = this.text;
    this.render();
    this.onChange();
  }

  /** Let marks behind an edit move with the text, and drop those it went through. */
  moveMarks() {
    const [before, now] = [this.shown, this.text];
    const most = Math.min(before.length, now.length);
    let head = 0;
    while (head < most && before[head] === now[head]) head += 1;
    let tail = 0;
    while (tail < most - head && before.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
    const shift = now.length - before.length;
    this.marks = this.marks
      .filter((mark) => mark.end <= head || mark.start >= before.length - tail)
      .map((mark) => (mark.end <= head ? mark : { ...mark, start: mark.start + shift, end: mark.end + shift }));
  }

  render() {
    const text = this.text;
    const cuts = [...new Set(this.marks.flatMap((mark) => [mark.start, mark.end]))].sort((a, b) => a - b);
    const pieces = document.createDocumentFragment();
    let at = 0;
    for (const [kind, whole] of [...tokens(text), ["", " "]]) {
      const end = at + whole.length;
      for (const cut of [...cuts.filter((each) => each > at && each < end), end]) {
        const piece = whole.slice(whole.length - (end - at), whole.length - (end - cut));
        const mark = this.marks.filter((each) => each.start <= at && at < each.end).map((each) => each.severity);
        const name = [kind && `t-${kind}`, mark.includes("error") ? "m-error" : mark.length ? "m-warning" : ""].filter(Boolean).join(" ");
        pieces.append(name ? make("span", { class: name }, piece) : piece);
        at = cut;
      }
    }
    this.layer.replaceChildren(pieces);
    const lines = text.split("\n").length;
    this.gutter.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
  }

  key(event) {
    if (event.key === "Escape") this.leaves = true;
    else if (event.key === "Tab" && !this.leaves) {
      event.preventDefault();
      this.indent(event.shiftKey);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.isComposing) {
      event.preventDefault();
      this.newLine();
    } else if (event.key !== "Shift" && event.key !== "Tab") this.leaves = false;
  }

  newLine() {
    const { selectionStart: start, value } = this.area;
    const line = value.slice(value.lastIndexOf("\n", start - 1) + 1, start);
    const deeper = /:[ \t]*$/.test(line) ? INDENT : "";
    this.insert(`\n${/^[ \t]*/.exec(line)[0]}${deeper}`);
  }

  /** Indent the selected lines, or write spaces at the cursor; the other way round with Shift. */
  indent(isOut) {
    const { selectionStart: start, selectionEnd: end, value } = this.area;
    const first = value.lastIndexOf("\n", start - 1) + 1;
    if (start === end && !isOut) {
      this.insert(" ".repeat(INDENT.length - ((start - first) % INDENT.length)));
      return;
    }
    const lines = value.slice(first, end).split("\n");
    const moved = lines.map((line) => (isOut ? line.replace(/^( {1,4}|\t)/, "") : line ? INDENT + line : line));
    this.area.setSelectionRange(first, end);
    this.insert(moved.join("\n"));
    const shift = moved[0].length - lines[0].length;
    const length = moved.join("\n").length;
    if (start === end) this.area.setSelectionRange(Math.max(first, start + shift), Math.max(first, start + shift));
    else this.area.setSelectionRange(first, first + length);
  }

  /** Write at the cursor as if typed, so that it can be undone. */
  insert(text) {
    const isDone = text === "" ? document.execCommand("delete") : document.execCommand("insertText", false, text);
    if (!isDone) {
      this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
      this.changed();
    }
    this.reveal();
  }

  /** Scroll to the line of the cursor: browsers do that for what is typed, not for what is written. */
  reveal() {
    const before = this.text.slice(0, this.area.selectionStart);
    const height = parseFloat(getComputedStyle(this.layer).lineHeight);
    const top = (before.split("\n").length - 1) * height;
    const { scrollTop, clientHeight } = this.room;
    if (top < scrollTop) this.room.scrollTop = top;
    else if (top + 2 * height > scrollTop + clientHeight) this.room.scrollTop = top + 2 * height - clientHeight;
    if (before.endsWith("\n")) this.room.scrollLeft = 0;
  }
}

/** From places in code points to those in UTF-16 units. */
function units(text) {
  if (!/[\ud800-\udbff]/.test(text)) return (place) => place;
  const starts = [];
  let at = 0;
  for (const char of text) {
    starts.push(at);
    at += char.length;
  }
  return (place) => starts[place] ?? text.length;
}
