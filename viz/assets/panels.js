// Panels: four places, each of which shows one of its views; the others are tabs.
const TITLES = { source: "Source", lanes: "Streams", graph: "Graph", machines: "Constraints", passes: "Passes", timeline: "Timeline", prefixes: "Prefixes", transcript: "Transcript" };
const PLACES = [["source", "transcript"], ["lanes", "timeline"], ["machines", "passes"], ["graph", "prefixes"]].map((place) => place.filter((view) => VIEWS.includes(view)));
const ZOOMED = ["lanes", "graph", "timeline"];
const placeOf = (view) => PLACES.find((place) => place.includes(view));

function buildPanels() {
  for (const place of PLACES) {
    for (const view of place) {
      const name = $(view).querySelector("h2");
      for (const other of place) name.append(tab(other, other === view));
      name.append(html("span", { class: "trail" }));
      if (view === "graph") name.append(control(view, "↑ out", "out of this region (Backspace)", up, "up"));
      if (ZOOMED.includes(view)) {
        name.append(control(view, "−", "smaller (-)", () => zoom(view, 0.8)), control(view, "+", "larger (+)", () => zoom(view, 1.25)), control(view, "fit", "fit (0)", () => zoom(view, 0)));
      }
      name.append(control(view, "⤢", "alone (f)", () => whole(view)));
      $(view).hidden = view !== place[0];
    }
  }
}

function tab(view, on) {
  const label = [html("kbd", {}, String(VIEWS.indexOf(view) + 1)), ` ${TITLES[view]}`];
  if (on) return html("span", { class: "tab on" }, ...label);
  const made = html("button", { type: "button", class: "tab", title: `show ${TITLES[view]} here` }, ...label);
  made.addEventListener("click", () => go(view));
  return made;
}

function control(view, label, title, action, kind = "") {
  const made = html("button", { type: "button", title, "aria-label": `${TITLES[view]}: ${title}`, class: kind }, label);
  made.addEventListener("click", action);
  return made;
}

// Bring a view to the front of its place.
function front(view) {
  const place = placeOf(view), main = document.querySelector("main");
  for (const other of place) $(other).hidden = other !== view;
  if (main.classList.contains("full") && place.some((other) => $(other).classList.contains("whole"))) {
    for (const other of place) $(other).classList.toggle("whole", other === view);
  }
}

// Bring a view to the front and the keyboard to it.
function go(view) {
  front(view);
  const main = document.querySelector("main");
  if (main.classList.contains("full") && !$(view).classList.contains("whole")) whole(view);
  body(view).focus();
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
