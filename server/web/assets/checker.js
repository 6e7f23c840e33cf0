// What the compiler says of a program while it is written: marks in the text, and a list.

import { ask, Refused } from "./api.js";
import { $, make } from "./dom.js";

const PAUSE_MS = 300; // of typing, before the program is looked at
const MAIN = "program"; // the name of the program's own file in diagnostics

export class Checker {
  /** `onProgram` gets the description of each program without errors, null for one with errors. */
  constructor(editor, onProgram) {
    this.editor = editor;
    this.onProgram = onProgram;
    this.timer = null;
    this.isAsking = false;
    this.isLate = false; // there is more to look at than what was asked
  }

  /** Look at the program when no more is typed for a while. */
  soon(pause = PAUSE_MS) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), pause);
  }

  /** One program at a time: what is asked meanwhile waits for the answer, and is asked then. */
  async check() {
    if (this.isAsking) {
      this.isLate = true;
      return;
    }
    this.isAsking = true;
    this.isLate = false;
    const source = this.editor.text;
    try {
      const program = await ask("POST", "/v1/programs", { body: { source, keep: false } });
      if (source === this.editor.text) {
        this.show(program.warnings);
        this.onProgram(program);
      }
    } catch (error) {
      if (error instanceof Refused && error.status === 429) this.soon(error.retryAfterS * 1000);
      else if (source === this.editor.text) this.refuse(error);
    }
    this.isAsking = false;
    if (this.isLate) this.check();
  }

  refuse(error) {
    this.onProgram(null);
    if (error instanceof Refused && error.data?.diagnostics?.length) this.show(error.data.diagnostics);
    else this.fail(error);
  }

  show(diagnostics) {
    this.editor.mark(diagnostics.filter((each) => each.span?.file === MAIN));
    $("diagnostics").replaceChildren(...diagnostics.map((each) => this.item(each)));
    const count = (severity) => diagnostics.filter((each) => each.severity === severity).length;
    const words = [counted(count("error"), "error") || "no errors", counted(count("warning"), "warning")];
    $("check-state").textContent = words.filter(Boolean).join(", ");
    $("check-state").dataset.state = count("error") ? "error" : "good";
  }

  fail(error) {
    this.editor.mark([]);
    $("diagnostics").replaceChildren();
    $("check-state").textContent = error instanceof TypeError ? "the server does not answer" : error.message;
    $("check-state").dataset.state = "error";
  }

  item({ severity, code, message, span, label, notes, help }) {
    const isHere = span?.file === MAIN;
    const place = span ? `${isHere ? "" : `${span.file} `}line ${span.line}, column ${span.column}` : "";
    const title = [make("b", { class: `s-${severity}` }, `${severity} ${code}`), ` ${message}`, make("small", {}, ` ${place}`)];
    const head = isHere
      ? make("button", { type: "button", click: () => this.editor.jump(span) }, ...title)
      : make("span", {}, ...title);
    const more = [label, ...notes, ...help.map((each) => `help: ${each}`)].filter(Boolean);
    return make("li", {}, head, ...more.map((each) => make("p", {}, each)));
  }
}

function counted(number, word) {
  return number ? `${number} ${word}${number === 1 ? "" : "s"}` : "";
}
