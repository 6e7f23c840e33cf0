// Calls of tools that wait for an answer: a form for each.

import { ask } from "./api.js";
import { make } from "./dom.js";
import { field } from "./form.js";
import { write } from "./json.js";

export class ToolForms {
  constructor(place) {
    this.place = place;
  }

  clear() {
    this.place.replaceChildren();
  }

  /** Ask for the answer of a call; `tools` are the descriptions of all. */
  add({ call_id, name, arguments: given, timeout_s }, tools, run) {
    const schema = tools.find((tool) => tool.name === name)?.result ?? {};
    const result = field(schema, "Result");
    const problem = make("p", { role: "alert" });
    const send = async (body) => {
      problem.textContent = "";
      for (const button of form.querySelectorAll("button")) button.disabled = true;
      try {
        await ask("POST", `/v1/runs/${run}/tools/${call_id}`, { body: body() });
        form.remove();
        clearTimeout(late);
      } catch (error) {
        problem.textContent = error.message;
        for (const button of form.querySelectorAll("button")) button.disabled = false;
      }
    };
    const fail = () => send(() => ({ error: "declined" }));
    const form = make("form", { class: "tool", novalidate: true, "aria-label": `Answer ${name}`, submit: (event) => {
      event.preventDefault();
      send(() => ({ result: result.read() }));
    } },
      make("h3", {}, `The program calls ${name}`, make("small", {}, ` answer within ${timeout_s} s`)),
      make("pre", {}, write(given, 2)),
      result.element,
      make("div", { class: "row" }, make("button", { class: "main" }, "Answer"), make("button", { type: "button", click: fail }, "Fail")),
      problem,
    );
    const late = setTimeout(() => form.remove(), timeout_s * 1000); // nobody waits for it any more
    const isFirst = !this.place.firstChild;
    this.place.append(form);
    const isTyping = document.activeElement?.matches("#source, #seed, .field *") ?? false;
    if (isFirst && !isTyping) form.querySelector("textarea, input, select")?.focus();
  }
}
