// What is shown, keys and controls.
const versionOf = (number) => DATA.functions[number].versions[DATA.functions[number].shows[state.stage]] || null;
const version = () => versionOf(state.shown);

function show(number) {
  state.shown = number;
  state.sheet = 0;
  $("function").value = String(number);
  $("head").textContent = version() ? version().head : "";
  if (version()) {
    const room = body("lanes"), { width, height } = version().lanes;
    state.scale.lanes = Math.max(0.75, Math.min(1, (room.clientWidth - 4) / width, (room.clientHeight - 4) / height));
  }
  redraw();
}

function redraw() {
  drawLanes(version(), state.scale.lanes);
  drawGraph(version(), state.sheet, state.scale.graph);
  settle();
}

function absent(view) {
  body(view).append(html("p", { class: "none" }, `${DATA.functions[state.shown].name} is not called here: what it did stands where it was called.`));
}

// The functions that this stage has can be chosen.
function offered() {
  [...$("function").options].forEach((option, number) => { option.disabled = versionOf(number) === null; });
}

function open(sheet) {
  state.sheet = sheet;
  drawGraph(version(), sheet, state.scale.graph);
  body("graph").scrollTo(0, 0);
  settle();
}

function up() {
  const shown = version();
  const parent = shown && DATA.sheets[shown.sheets[state.sheet]].parent;
  if (parent !== null) open(parent);
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
  const inControl = ["BUTTON", "INPUT"].includes(event.target.tagName);
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const number = event.key.length === 1 ? "12345678".indexOf(event.key) : -1;
  const item = itemOf(event);
  if (number >= 0 && number < VIEWS.length) go(VIEWS[number]);
  else if (by && view && !inControl) step(view, by);
  else if ((event.key === "Enter" || event.key === " ") && item) act(item);
  else if (event.key === "Escape") {
    state.held = null;
    settle();
    if (document.querySelector("main").classList.contains("full")) whole(document.querySelector(".whole").id);
  } else if (event.key === "Backspace" && view === "graph") up();
  else if (event.key === "[" || event.key === "]") goTo(state.stage + (event.key === "]" ? 1 : -1));
  else if (event.key === "f" && view) whole(view);
  else if (event.key === "t") theme();
  else if ("+-0".includes(event.key) && ZOOMED.includes(view)) zoom(view, { "+": 1.25, "-": 0.8, 0: 0 }[event.key]);
  else return;
  event.preventDefault();
}

function theme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
}

function start() {
  document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  $("program").textContent = DATA.program;
  DATA.functions.forEach((fn, i) => $("function").append(html("option", { value: i }, fn.name)));
  $("function").addEventListener("change", (event) => show(Number(event.target.value)));
  $("theme").addEventListener("click", theme);
  buildPanels();
  $("views").textContent = String(VIEWS.length);
  $("stages").hidden = DATA.stages.length < 2;
  $("stage").max = String(DATA.stages.length - 1);
  $("stage").addEventListener("input", (event) => goTo(Number(event.target.value)));
  if (DATA.stages.length > 1) stageName();
  offered();
  drawSource();
  drawMachines();
  drawPasses();
  if (DATA.run) {
    drawTimeline();
    drawPrefixes();
    drawTranscript();
    front("timeline");
  }
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
    else if (!event.target.closest("button, input")) { state.held = null; settle(); }
  });
  document.addEventListener("keydown", onKey);
}

start();
