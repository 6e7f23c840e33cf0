// The stages of the program: as written, then behind every pass that changed something.
const MARKS = { added: "new", changed: "changed", goes: "changed or removed by the next pass" };
const marks = []; // by stage: op -> added, changed or goes

function markOf(id) {
  return marksAt(state.stage).get(id);
}

function marksAt(number) {
  if (!marks[number]) {
    const found = (marks[number] = new Map());
    const next = DATA.stages[number + 1], { added = [], changed = [] } = DATA.stages[number] || {};
    if (next) [...next.removed, ...next.changed.map(([, old]) => old)].forEach((id) => found.set(id, "goes"));
    added.forEach((id) => found.set(id, "added"));
    changed.forEach(([id]) => found.set(id, "changed"));
  }
  return marks[number];
}

// The ops that a stage has.
const present = [];
function opsAt(number) {
  if (!present[number]) {
    present[number] = new Set();
    for (const fn of DATA.functions) {
      const shown = fn.shows[number];
      if (shown === null) continue;
      for (const sheet of fn.versions[shown].sheets) for (const box of DATA.sheets[sheet].boxes) if ("id" in box) present[number].add(box.id);
    }
  }
  return present[number];
}

function goTo(number) {
  const last = Math.max(0, DATA.stages.length - 1), stage = Math.min(last, Math.max(0, number));
  if (stage === state.stage) return;
  const before = version();
  state.stage = stage;
  stageName();
  offered();
  drawPasses();
  front("passes");
  if (version() !== before) show(state.shown);
  else redraw();
}

// The passes with a record about one of the keys, in order.
function touchedAt(keys) {
  const found = DATA.stages.flatMap((stage) => stage.records.filter((record) => record.keys.some((key) => keys.has(key))));
  return [...new Set(found.map((record) => record.pass))];
}

// The slider and what stands beside it.
function stageName() {
  const stage = DATA.stages[state.stage], slider = $("stage");
  slider.value = String(state.stage);
  const name = state.stage ? `after ${stage.title}` : stage.title;
  slider.setAttribute("aria-valuetext", `${name}, ${count(stage.num_records, "change")}`);
  $("stage-name").textContent = `${state.stage} / ${DATA.stages.length - 1}  ${name}`;
}

const count = (number, noun) => (number === 1 ? `1 ${noun}` : `${number} ${noun}s`);

function drawPasses() {
  clear("passes");
  if (DATA.stages.length < 2) {
    body("passes").append(html("p", { class: "none" }, DATA.stages.length ? "No pass changed anything." : "No passes were run."));
    return;
  }
  const stage = DATA.stages[state.stage];
  const list = html("div", { class: "records" });
  if (!state.stage) list.append(html("p", { class: "none" }, `The program as written. ${count(DATA.stages.length - 1, "stage")} behind it: move the slider over the graph, or press [ and ].`));
  else list.append(html("h3", {}, `${stage.title}: ${count(stage.num_records, "change")}`));
  for (const record of stage.records) {
    const saved = record.calls ? ` (${count(record.calls, "call")} less)` : "";
    const row = html("div", { class: "record" }, html("span", { class: "at" }, record.at[0] || record.function), ` ${record.before} `, html("b", {}, "→"), ` ${record.after}${saved}`);
    register("passes", row, record.keys, [], `${record.pass}, ${record.at.join(" ")}: ${record.before} becomes ${record.after}${saved}`);
    list.append(row);
  }
  if (stage.num_records > stage.records.length) list.append(html("p", { class: "none" }, `… and ${stage.num_records - stage.records.length} more`));
  if (state.stage) {
    listOps(list, "−", "removed", stage.removed);
    listOps(list, "+", "added", stage.added);
    listOps(list, "~", "changed", stage.changed.map(([id]) => id), new Map(stage.changed));
  }
  body("passes").append(list);
}

const MAX_LISTED = 200;
function listOps(list, sign, kind, ids, was = new Map()) {
  if (!ids.length) return;
  list.append(html("h3", {}, `${count(ids.length, "op")} ${kind}`));
  for (const id of ids.slice(0, MAX_LISTED)) {
    const op = DATA.ops[id], row = html("div", { class: `record op ${kind}` });
    if (was.has(id) && DATA.ops[was.get(id)].line !== op.line) row.append(html("del", {}, DATA.ops[was.get(id)].line), "\n");
    row.append(html("span", { class: "sign" }, sign), ` ${op.line}`);
    register("passes", row, op.keys, [id], `${kind}: ${op.line}`);
    list.append(row);
  }
  if (ids.length > MAX_LISTED) list.append(html("p", { class: "none" }, `… and ${ids.length - MAX_LISTED} more`));
}
