// Linking, keys and controls.
const state = { shown: 0, sheet: 0, held: null, lit: new Set(), scale: { lanes: 1, graph: 1 } };
const shownFunction = () => DATA.functions[state.shown];
const opsOfKey = new Map();
DATA.ops.forEach((op, id) => opsOfKey.set(op.key, [...(opsOfKey.get(op.key) || []), id]));

// Light everything that has one of the keys, in all views; `from` is not scrolled.
function light(keys, from) {
  state.lit = new Set(keys);
  document.querySelectorAll(".lit, .near").forEach((element) => element.classList.remove("lit", "near"));
  for (const view of VIEWS) {
    const found = [], near = [];
    for (const element of items[view]) {
      const lit = element.keys.some((key) => state.lit.has(key));
      if (lit) found.push(element);
      element.classList.toggle("lit", lit);
      if (!lit && element.around && element.around.some((key) => state.lit.has(key))) {
        element.classList.add("near");
        near.push(element);
      }
      if (lit && edgesOf.has(element)) edgesOf.get(element).forEach((edge) => edge.classList.add("lit"));
    }
    if (view !== from && found.length + near.length) reveal(view, found.length ? found : near);
  }
  describe(keys);
}

// Scroll a view to the first of the elements, unless one of them can be seen.
function reveal(view, found) {
  const room = body(view), frame = room.getBoundingClientRect();
  const seen = found.some((element) => {
    const at = element.getBoundingClientRect();
    return at.bottom > frame.top + 8 && at.top < frame.bottom - 8 && at.right > frame.left + 8 && at.left < frame.right - 8;
  });
  if (seen) return;
  const at = found[0].getBoundingClientRect();
  room.scrollTop += at.top - frame.top - Math.max(20, (frame.height - at.height) / 2);
  room.scrollLeft += at.left - frame.left - Math.max(20, (frame.width - at.width) / 2);
}

function describe(keys) {
  const ids = [...keys].flatMap((key) => opsOfKey.get(key) || []);
  const detail = $("detail");
  detail.replaceChildren();
  if (!ids.length) {
    detail.append(html("span", { class: "hint" }, keys.size ? "no op comes from here alone" : "Point at anything, or move with the keys: what comes from the same place lights up everywhere. Enter or a click holds it."));
    return;
  }
  detail.append(html("span", { class: "at" }, DATA.ops[ids[0]].at), ids.slice(0, 4).map((id) => DATA.ops[id].line).join("\n"), ids.length > 4 ? `\n… and ${ids.length - 4} more` : "");
}

const itemOf = (event) => (event.target.closest ? event.target.closest(".it") : null);

function settle() { // what is held, or nothing
  light(new Set(state.held || []), null);
}

function hold(item) {
  const same = state.held && item.keys.every((key) => state.held.has(key)) && state.held.size === item.keys.length;
  state.held = same ? null : new Set(item.keys);
  if (state.held) follow(state.held, item.view);
  light(new Set(state.held || item.keys), item.view);
}

// Show the function and the sheet that the keys belong to.
function follow(keys, from) {
  if (from === "lanes" || from === "graph") return;
  const inShown = DATA.functions.findIndex((fn, i) => i === state.shown && sheetOf(fn, keys) !== null);
  const where = inShown >= 0 ? inShown : DATA.functions.findIndex((fn) => sheetOf(fn, keys) !== null);
  if (where >= 0 && where !== state.shown) show(where);
  const sheet = sheetOf(shownFunction(), keys);
  if (sheet !== null && sheet !== state.sheet) open(sheet);
}

function show(number) {
  state.shown = number;
  state.sheet = 0;
  $("function").value = String(number);
  $("head").textContent = shownFunction().head;
  const room = body("lanes"), { width, height } = shownFunction().lanes;
  state.scale.lanes = Math.max(0.75, Math.min(1, (room.clientWidth - 4) / width, (room.clientHeight - 4) / height));
  drawLanes(shownFunction(), state.scale.lanes);
  drawGraph(shownFunction(), 0, state.scale.graph);
  settle();
}

function open(sheet) {
  state.sheet = sheet;
  drawGraph(shownFunction(), sheet, state.scale.graph);
  body("graph").scrollTo(0, 0);
  settle();
}

function zoom(view, factor) {
  const drawing = body(view).querySelector("svg");
  if (!drawing) return;
  const [, , width, height] = drawing.getAttribute("viewBox").split(" ").map(Number);
  const room = body(view);
  const fit = Math.min((room.clientWidth - 4) / width, (room.clientHeight - 4) / height);
  const scale = Math.min(3, Math.max(0.15, factor ? state.scale[view] * factor : Math.min(1.2, fit)));
  state.scale[view] = scale;
  drawing.setAttribute("width", width * scale);
  drawing.setAttribute("height", height * scale);
}

function whole(view) {
  const main = document.querySelector("main"), panel = $(view);
  const on = !panel.classList.contains("whole");
  document.querySelectorAll(".whole").forEach((other) => other.classList.remove("whole"));
  panel.classList.toggle("whole", on);
  main.classList.toggle("full", on);
}

function step(view, by) {
  const all = items[view];
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const lit = all.findIndex((element) => element.classList.contains("lit"));
  const next = at >= 0 ? at + by : lit >= 0 ? lit : 0;
  all[Math.min(all.length - 1, Math.max(0, next))].focus({ preventScroll: false });
}

function act(item) { // Enter or a click
  if (item.opens && item.classList.contains("lit") && state.held) open(item.opens[0]);
  else hold(item);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
  const view = VIEWS.find((name) => $(name).contains(document.activeElement));
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const number = "1234".indexOf(event.key);
  const item = itemOf(event);
  if (number >= 0 && event.key.length === 1) {
    const main = document.querySelector("main");
    if (main.classList.contains("full")) whole(VIEWS[number]);
    body(VIEWS[number]).focus();
  } else if (by && view && event.target.tagName !== "BUTTON") step(view, by);
  else if ((event.key === "Enter" || event.key === " ") && item) act(item);
  else if (event.key === "Escape") {
    state.held = null;
    settle();
    if (document.querySelector("main").classList.contains("full")) whole(document.querySelector(".whole").id);
  } else if (event.key === "Backspace" && view === "graph") up();
  else if (event.key === "f" && view) whole(view);
  else if (event.key === "t") theme();
  else if ("+-0".includes(event.key) && (view === "lanes" || view === "graph")) zoom(view, { "+": 1.25, "-": 0.8, 0: 0 }[event.key]);
  else return;
  event.preventDefault();
}

function up() {
  const parent = shownFunction().sheets[state.sheet].parent;
  if (parent !== null) open(parent);
}

function theme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
}

function control(view, label, title, action, kind = "") {
  const made = html("button", { type: "button", title, "aria-label": `${$(view).querySelector("h2").textContent.trim().slice(2)}: ${title}`, class: kind }, label);
  made.addEventListener("click", action);
  return made;
}

function start() {
  document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  $("program").textContent = DATA.program;
  DATA.functions.forEach((fn, i) => $("function").append(html("option", { value: i }, fn.name)));
  $("function").addEventListener("change", (event) => show(Number(event.target.value)));
  $("theme").addEventListener("click", theme);
  for (const view of VIEWS) {
    const controls = [];
    if (view === "graph") controls.push(control(view, "↑ out", "out of this region (Backspace)", up, "up"));
    if (view === "lanes" || view === "graph") {
      controls.push(control(view, "−", "smaller (-)", () => zoom(view, 0.8)), control(view, "+", "larger (+)", () => zoom(view, 1.25)), control(view, "fit", "fit (0)", () => zoom(view, 0)));
    }
    controls.push(control(view, "⤢", "alone (f)", () => whole(view)));
    const name = $(view).querySelector("h2");
    name.append(html("span", { class: "trail" }), ...controls);
  }
  drawSource();
  drawMachines();
  show(0);
  const main = document.querySelector("main");
  main.addEventListener("mouseover", (event) => {
    const item = itemOf(event);
    if (item && !state.held) light(new Set(item.keys), item.view);
  });
  main.addEventListener("mouseleave", settle);
  main.addEventListener("focusin", (event) => {
    const item = itemOf(event);
    if (!item) return;
    if (state.held && item.matches(":focus-visible")) state.held = null;
    if (!state.held) light(new Set(item.keys), item.view);
  });
  main.addEventListener("click", (event) => {
    const item = itemOf(event);
    if (item) act(item);
    else if (!event.target.closest("button")) { state.held = null; settle(); }
  });
  document.addEventListener("keydown", onKey);
}

start();
