// A small chart of one or two series over time.

import { draw, make } from "./dom.js";

const WIDTH = 320;
const HEIGHT = 120;
const TOP = 14;
const BASE = HEIGHT - 16;
const LONGEST_STEP_S = 7; // between two points of one line; longer is a gap

const NUMBERS = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export class Chart {
  /** `series` are names in points and words for them; `most`: the top of the scale, if it is fixed. */
  constructor({ title, unit, series, most = null }, spanS) {
    Object.assign(this, { title, unit, series, most, spanS });
    this.drawing = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    this.latest = series.map(() => make("b", {}, "–"));
    const legend = series.map(([, word], index) =>
      make("span", { class: `key series-${index}` }, make("i", { "aria-hidden": "true" }), `${word} `, this.latest[index]));
    this.element = make("figure", {}, make("figcaption", {}, title, make("small", {}, unit ? ` ${unit}` : "")), this.drawing, make("p", {}, ...legend));
  }

  /** Draw the points {at, …} up to the time `now`. */
  show(points, now) {
    const values = points.flatMap((point) => this.series.map(([name]) => point[name])).filter((value) => value !== null);
    const top = this.most ?? roundUp(Math.max(1, ...values));
    const x = (at) => WIDTH - ((now - at) / this.spanS) * WIDTH;
    const y = (value) => BASE - (value / top) * (BASE - TOP);
    const lines = this.series.flatMap(([name], index) => pieces(points, name).map((piece) => {
      const way = piece.map((point) => `${x(point.at).toFixed(1)} ${y(point[name]).toFixed(1)}`).join("L");
      return draw("path", { class: `line series-${index}`, d: `M${way}${piece.length === 1 ? "h1" : ""}` });
    }));
    this.drawing.replaceChildren(
      draw("path", { class: "grid", d: `M0 ${TOP}H${WIDTH}M0 ${(TOP + BASE) / 2}H${WIDTH}M0 ${BASE}H${WIDTH}` }),
      draw("text", { x: 2, y: TOP - 3 }, NUMBERS.format(top)),
      draw("text", { x: 2, y: HEIGHT - 4 }, `${this.spanS / 60} min ago`),
      draw("text", { x: WIDTH - 2, y: HEIGHT - 4, "text-anchor": "end" }, "now"),
      ...lines,
    );
    const last = points.at(-1);
    const words = this.series.map(([name, word], index) => {
      const text = last[name] === null ? "–" : NUMBERS.format(last[name]);
      this.latest[index].textContent = text;
      return `${word} ${text}`;
    });
    this.drawing.setAttribute("aria-label", `${this.title}: ${words.join(", ")} ${this.unit}`);
  }
}

/** The parts of a series between its gaps. */
function pieces(points, name) {
  const found = [];
  let before = null;
  for (const point of points) {
    const isKnown = point[name] !== null;
    if (isKnown && before !== null && point.at - before <= LONGEST_STEP_S) found.at(-1).push(point);
    else if (isKnown) found.push([point]);
    before = isKnown ? point.at : null;
  }
  return found;
}

/** The next number of the form 1, 2 or 5 times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((each) => each * power >= value) * power;
}
