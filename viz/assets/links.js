// Linking: what comes from the same place lights up in all views; one place can be held.
const state = { shown: 0, stage: 0, sheet: 0, held: null, lit: new Set(), scale: { lanes: 1, graph: 1, timeline: 1 } };
const opsOfKey = new Map();
DATA.ops.forEach((op, id) => op.keys.forEach((key) => opsOfKey.set(key, [...(opsOfKey.get(key) || []), id])));

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
  if ($(view).hidden) return;
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
  const all = [...new Set([...keys].flatMap((key) => opsOfKey.get(key) || []))];
  const ids = all.filter((id) => opsAt(state.stage).has(id));
  const detail = $("detail");
  detail.replaceChildren();
  if (!ids.length) {
    const words = all.length ? "nothing of this is left behind the pass shown" : "no op comes from here alone";
    detail.append(html("span", { class: "hint" }, keys.size ? words : "Point at anything, or move with the keys: what comes from the same place lights up everywhere. Enter or a click holds it."));
    return;
  }
  detail.append(html("span", { class: "at" }, DATA.ops[ids[0]].at), ids.slice(0, 4).map((id) => DATA.ops[id].line).join("\n"), ids.length > 4 ? `\n… and ${ids.length - 4} more` : "");
  const touched = touchedAt(keys);
  if (touched.length) detail.append(html("span", { class: "spent" }, `changed by ${touched.join(", ")}`));
  const spent = DATA.run ? [...keys].map((key) => DATA.run.costs[key]).filter(Boolean) : [];
  if (spent.length) detail.append(html("span", { class: "spent" }, spent.join("; ")));
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
  const has = (number) => versionOf(number) && sheetOf(versionOf(number), keys) !== null;
  const where = has(state.shown) ? state.shown : DATA.functions.findIndex((_, number) => has(number));
  if (where >= 0 && where !== state.shown) show(where);
  const sheet = version() && sheetOf(version(), keys);
  if (sheet !== null && sheet !== state.sheet) open(sheet);
}
