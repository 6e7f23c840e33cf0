// A run: its arguments, its events as they come, and what comes of it.

import { ask, Refused } from "./api.js";
import { $, make } from "./dom.js";
import { follow } from "./events.js";
import { field, FieldError } from "./form.js";
import { write } from "./json.js";
import { Outcome } from "./outcome.js";
import { ToolForms } from "./tools.js";

export class RunPanel {
  /** `source` gives the program as it stands. */
  constructor(source) {
    this.source = source;
    this.program = null;
    this.fields = [];
    this.shape = ""; // of the arguments that are shown
    this.running = null; // {ending, id}
    this.made = null; // the id of a stored program that is there for this page alone
    this.outcome = new Outcome();
    this.tools = new ToolForms($("tools"));
    $("run-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    $("stop").addEventListener("click", () => this.stop());
    $("prompt").addEventListener("change", () => this.showArguments());
  }

  /** Show what a program takes; null: it has errors, and what is there stays. */
  describe(program) {
    this.program = program;
    if (program === null) return;
    const names = program.prompts.map((prompt) => prompt.name);
    const chosen = names.includes($("prompt").value) ? $("prompt").value : (program.entry ?? names[0]);
    $("prompt").replaceChildren(...names.map((name) => make("option", {}, name)));
    if (chosen !== undefined) $("prompt").value = chosen;
    $("prompt-field").hidden = names.length < 2;
    this.showArguments();
  }

  showArguments() {
    const prompt = this.program?.prompts.find((each) => each.name === $("prompt").value);
    const shape = write(prompt?.parameters ?? null);
    if (shape === this.shape) return; // what was typed stays
    this.shape = shape;
    this.fields = Object.entries(prompt?.parameters.properties ?? {}).map(([name, schema]) => [name, field(schema, name)]);
    $("arguments").replaceChildren(...this.fields.map(([, each]) => each.element));
  }

  async run() {
    if (this.running) return;
    const ending = new AbortController();
    this.running = { ending, id: null };
    this.outcome.begin();
    this.tools.clear();
    this.say("compiling");
    $("run").disabled = true;
    $("stop").disabled = false;
    try {
      const program = await this.store(ending.signal);
      this.describe(program);
      const body = this.body(program);
      this.say("running");
      await this.follow(program, body, ending.signal);
    } catch (error) {
      this.failed(error, ending.signal);
    } finally {
      this.tools.clear();
      this.running = null;
      $("run").disabled = false;
      $("stop").disabled = true;
    }
  }

  /** Store the program, in the place of the last one that was stored for this page alone. */
  async store(signal) {
    const source = this.source();
    const { id } = await ask("POST", "/v1/programs", { body: { source, keep: false }, signal });
    const known = await ask("GET", "/v1/programs", { signal });
    const isNew = !known.data.some((each) => each.id === id);
    if (this.made !== null && this.made !== id) {
      await ask("DELETE", `/v1/programs/${this.made}`, { signal }).catch(() => {}); // gone already
      this.made = null;
    }
    if (isNew) this.made = id;
    return ask("POST", "/v1/programs", { body: { source }, signal });
  }

  body(program) {
    if (program.prompts.length === 0) throw new Error("the program has no prompt that could be run");
    const seed = $("seed").value.trim();
    if (seed && !/^\d{1,19}$/.test(seed)) throw new FieldError($("seed"), "seed: a whole number from 0 up");
    return {
      prompt: $("prompt").value,
      arguments: Object.fromEntries(this.fields.map(([name, each]) => [name, each.read()])),
      ...(seed ? { seed: BigInt(seed) } : {}),
      stream: true,
      trace: $("trace").checked,
    };
  }

  async follow(program, body, signal) {
    const onLost = (isLost) => this.say(isLost ? "the connection is lost; trying again" : "running");
    for await (const { name, data } of follow(`/v1/programs/${program.id}/run`, body, signal, onLost)) {
      if (name === "begin") {
        this.running.id = data.id;
        this.outcome.seed = data.seed;
      } else if (name === "tool_call") this.tools.add(data, program.tools, this.running.id);
      else if (name === "done") this.done(program, data, body.trace);
      else this.outcome.tell(name, data);
    }
  }

  done(program, data, isTraced) {
    this.say(`${data.status}, seed ${this.outcome.seed}`);
    this.outcome.done(data, `/v1/programs/${program.id}/viz`, isTraced ? this.running.id : null);
  }

  failed(error, signal) {
    if (signal.aborted) this.say("stopped");
    else if (error instanceof FieldError) {
      this.say("");
      this.outcome.fail(error.message);
      error.element.setAttribute("aria-invalid", "true");
      error.element.addEventListener("input", () => error.element.removeAttribute("aria-invalid"), { once: true });
      error.element.focus();
    } else {
      this.say("");
      this.outcome.fail(error instanceof TypeError ? "the server does not answer" : error.message);
      const place = error instanceof Refused ? error.data?.error?.param : null;
      if (place?.startsWith("arguments.")) this.fieldOf(place)?.focus();
    }
  }

  fieldOf(place) {
    const found = this.fields.find(([name]) => name === place.slice("arguments.".length));
    return found?.[1].element.querySelector("input, textarea, select");
  }

  async stop() {
    const { id, ending } = this.running ?? {};
    if (!ending) return;
    if (id !== null) await ask("DELETE", `/v1/runs/${id}`).catch(() => {}); // over already
    ending.abort();
  }

  say(text) {
    $("run-state").textContent = text;
  }
}
