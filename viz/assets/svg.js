// Elements, and the register of what has a key: the views are linked by keys alone.
const DATA = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const body = (view) => $(view).querySelector(".body");

function html(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function text(x, y, words, kind = "") {
  return svg("text", { x, y, class: kind, "xml:space": "preserve" }, words);
}

// A drawing of `width` × `height`, `scale` times as large on the screen.
function canvas(width, height, scale = 1) {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width: width * scale, height: height * scale });
}

const VIEWS = ["source", "lanes", "graph", "machines", "passes", ...(DATA.run ? ["timeline", "prefixes", "transcript"] : [])]; // by the keys 1, 2, …
const items = Object.fromEntries(VIEWS.map((view) => [view, []])); // in the order of the arrow keys

// Make an element an item of its view: it can be reached, and it lights up with its keys.
function register(view, element, keys, ids, label) {
  element.classList.add("it");
  element.keys = keys;
  element.ids = ids;
  element.view = view;
  element.setAttribute("tabindex", "-1");
  if (!(element instanceof HTMLSpanElement)) element.setAttribute("role", "button");
  if (label) element.setAttribute("aria-label", label);
  items[view].push(element);
}

function clear(view) {
  items[view] = [];
  body(view).replaceChildren();
}

// Through the points, leaving and arriving along `axis` ("x" or "y").
function curve(points, axis) {
  let path = `M${points[0][0]} ${points[0][1]}`;
  for (let i = 1; i < points.length; i++) {
    const [ax, ay] = points[i - 1], [bx, by] = points[i];
    if (axis === "x" ? Math.abs(ay - by) < 0.6 : Math.abs(ax - bx) < 0.6) path += `L${bx} ${by}`;
    else if (axis === "x") path += `C${(ax + bx) / 2} ${ay} ${(ax + bx) / 2} ${by} ${bx} ${by}`;
    else path += `C${ax} ${(ay + by) / 2} ${bx} ${(ay + by) / 2} ${bx} ${by}`;
  }
  return path;
}
