// The engine over the last minutes: asked while somebody looks, drawn as charts and numbers.

import { ask } from "./api.js";
import { Chart } from "./chart.js";
import { $, make } from "./dom.js";

const EVERY_MS = 2000;
const SPAN_S = 300;
const COUNTS = new Intl.NumberFormat("en");

const CHARTS = [
  { title: "Throughput", unit: "tokens/s", series: [["decoded", "written"], ["prefilled", "read"]] },
  { title: "Cache hit rate", unit: "%", most: 100, series: [["hit", "of prompt tokens"]] },
  { title: "Requests", unit: "", series: [["running", "running"], ["waiting", "queued"]] },
  { title: "KV slots", unit: "", series: [["held", "in use"], ["cached", "cached"]] },
];

export class Status {
  constructor() {
    this.isShown = false;
    this.isAsking = false;
    this.timer = null;
    this.last = null; // the state before
    this.points = []; // {at, decoded, prefilled, hit, …}; `at` in seconds
    this.charts = CHARTS.map((about) => new Chart(about, SPAN_S));
    $("charts").replaceChildren(...this.charts.map((chart) => chart.element));
    document.addEventListener("visibilitychange", () => this.again());
  }

  /** Whether the charts are on the screen: nothing is asked while they are not. */
  show(isShown) {
    this.isShown = isShown;
    this.again();
  }

  /** Ask at once, if somebody looks. */
  again() {
    clearTimeout(this.timer);
    if (this.isShown && !document.hidden) this.poll();
  }

  async poll() {
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      this.take(await ask("GET", "/get_server_info"));
      this.say("live", "good");
    } catch (error) {
      this.last = null;
      this.say(error instanceof TypeError ? "the server does not answer" : error.message, "error");
    }
    this.isAsking = false;
    clearTimeout(this.timer);
    if (this.isShown && !document.hidden) this.timer = setTimeout(() => this.poll(), EVERY_MS);
  }

  say(text, state) {
    if ($("status-state").textContent !== text) $("status-state").textContent = text;
    $("status-state").dataset.state = state;
  }

  take(info) {
    const state = info.internal_states[0];
    const at = performance.now() / 1000;
    this.points = this.points.filter((point) => point.at > at - SPAN_S);
    this.points.push({ at, ...rates(this.last, { at, state }), ...levels(state) });
    this.last = { at, state };
    for (const chart of this.charts) chart.show(this.points, at);
    this.showNumbers(info, state);
  }

  showNumbers(info, { counters, running, waiting, jobs, held_slots, cached_slots, free_slots }) {
    const numbers = {
      Model: info.served_model_name,
      "Running": running,
      "Queued": waiting,
      "Jobs": jobs,
      "KV slots in use": held_slots,
      "KV slots cached": cached_slots,
      "KV slots free": free_slots,
      "Tokens written": counters.decoded_tokens,
      "Tokens read": counters.prefilled_tokens,
      "Tokens from the cache": counters.cached_tokens,
      "Tokens forced by constraints": counters.forced_tokens,
      "Preemptions": counters.preemptions,
      "Forward passes": counters.forward_passes,
      Version: info.version,
    };
    const rows = Object.entries(numbers).map(([name, value]) =>
      make("div", {}, make("dt", {}, name), make("dd", {}, typeof value === "number" ? COUNTS.format(value) : String(value))));
    $("numbers").replaceChildren(...rows);
  }
}

/** What happened between two states, per second; null where it is not known. */
function rates(before, now) {
  const gone = before && now.at - before.at;
  const grown = (name) => now.state.counters[name] - before.state.counters[name];
  const isSame = before && grown("forward_passes") >= 0; // counters begin again with the engine
  if (!isSame || gone > (3 * EVERY_MS) / 1000) return { decoded: null, prefilled: null, hit: null };
  const asked = grown("cached_tokens") + grown("prefilled_tokens");
  return {
    decoded: grown("decoded_tokens") / gone,
    prefilled: grown("prefilled_tokens") / gone,
    hit: asked ? (100 * grown("cached_tokens")) / asked : null,
  };
}

function levels({ running, waiting, held_slots, cached_slots }) {
  return { running, waiting, held: held_slots, cached: cached_slots };
}
