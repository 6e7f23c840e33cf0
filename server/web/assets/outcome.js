// What comes of a run: captures as they are written, the value, the transcript, the visualizer.

import { request } from "./api.js";
import { $, make } from "./dom.js";
import { write } from "./json.js";

export class Outcome {
  constructor() {
    this.seed = null;
    this.page = null; // where the visualizer's page of the last run is
    $("viz").addEventListener("toggle", () => this.showPage());
  }

  /** Clear the place for a new run. */
  begin() {
    this.entries = new Map();
    this.page = null;
    for (const id of ["failure", "captures", "value", "transcript", "viz"]) $(id).hidden = true;
    $("captures").querySelector("dl").replaceChildren();
    $("viz").querySelector("div").replaceChildren();
    $("viz").open = false;
  }

  /** Take an event of the run that is about what it writes. */
  tell(name, data) {
    if (name === "delta") {
      const entry = this.entry(data);
      entry.text.append(data.text);
    } else if (name === "value") {
      const entry = this.entry(data);
      entry.text.textContent = shown(data.value);
      entry.text.classList.remove("open");
      this.entries.delete(entry.key); // what comes under the same name is another one
    } else if (name === "tool") {
      const title = make("dt", {}, `${data.name}()`, make("small", {}, " a tool's answer"));
      $("captures").querySelector("dl").append(title, make("dd", {}, shown(data.value)));
      $("captures").hidden = false;
    } else if (name === "error") this.fail(data.message, data);
  }

  /** The place of a capture; the path tells calls, turns and branches apart. */
  entry({ name, path }) {
    const key = `${path}\n${name}`;
    const known = this.entries.get(key);
    if (known) return known;
    const text = make("dd", { class: "open" });
    const title = make("dt", {}, name, path ? make("small", {}, ` ${path}`) : null);
    $("captures").querySelector("dl").append(title, text);
    $("captures").hidden = false;
    const entry = { key, text };
    this.entries.set(key, entry);
    return entry;
  }

  fail(message, { code, loc, cause } = {}) {
    const place = loc ? make("p", {}, `at ${loc}`) : null;
    const under = cause ? make("p", {}, String(cause)) : null;
    $("failure").replaceChildren(make("p", {}, code ? make("b", {}, `${code}: `) : "", message), ...[place, under].filter(Boolean));
    $("failure").hidden = false;
  }

  /** Show the end; `run` is the id of a run that was traced, null without. */
  done(data, page, run) {
    for (const open of $("captures").querySelectorAll(".open")) open.classList.remove("open");
    if (data.status === "completed") {
      $("value").querySelector("pre").textContent = typeof data.value === "string" ? data.value : write(data.value, 2);
      $("value").hidden = false;
    }
    const parts = data.messages?.length ? data.messages.map(message) : data.text ? [make("pre", {}, data.text)] : [];
    $("transcript").querySelector("div").replaceChildren(...parts);
    $("transcript").hidden = parts.length === 0;
    this.page = run === null || data.status === "cancelled" ? page : `${page}?run=${run}`;
    $("viz").hidden = false;
  }

  /** Fetch the page when it is asked for, with the key, and hand it to a frame that can reach nothing. */
  async showPage() {
    const box = $("viz").querySelector("div");
    if (!$("viz").open || this.page === null || box.firstChild) return;
    const frame = make("iframe", { title: "Visualizer of the run", sandbox: "allow-scripts", src: "/web/viewer.html" });
    const ready = new Promise((done) => {
      const listen = ({ source }) => {
        if (source !== frame.contentWindow) return;
        removeEventListener("message", listen);
        done();
      };
      addEventListener("message", listen);
    });
    box.append(frame);
    try {
      const page = await (await request("GET", this.page)).text();
      await ready;
      frame.contentWindow?.postMessage({ page }, "*"); // its origin is none
    } catch (error) {
      box.replaceChildren(make("p", { role: "alert" }, error.message));
    }
  }
}

const shown = (value) => (typeof value === "string" ? value : write(value, 2));

function message({ role, content }) {
  return make("div", { class: `message ${role}` }, make("b", {}, role), make("pre", {}, shown(content)));
}
