// The graph: ops as boxes, regions as nested boxes, values as edges.
const edgesOf = new Map(); // box -> its edges, which light up with it

function drawGraph(version, number, scale) {
  clear("graph");
  edgesOf.clear();
  if (!version) return absent("graph");
  const sheet = DATA.sheets[version.sheets[number]];
  const pad = 12;
  const drawing = canvas(sheet.width + 2 * pad, sheet.height + 2 * pad, scale);
  const inside = svg("g", { transform: `translate(${pad} ${pad})` });
  const made = sheet.boxes.map((box) => graphBox(box));
  made.forEach((element) => inside.append(element));
  for (const edge of sheet.edges) {
    const path = svg("path", { class: `edge ${edge.kind}`, d: curve(edge.points, "y"), "marker-end": "url(#tip)" });
    path.append(svg("title", {}, edge.value));
    for (const end of [edge.from, edge.to]) {
      if (!edgesOf.has(made[end])) edgesOf.set(made[end], []);
      edgesOf.get(made[end]).push(path);
    }
    inside.append(path);
  }
  for (const hull of sheet.hulls) {
    inside.append(svg("rect", { class: "hull", x: hull.x, y: hull.y, width: hull.w, height: hull.h }), text(hull.x + 6, hull.y - 3, hull.title, "hull-name"));
  }
  sheet.boxes.forEach((box, i) => {
    if (!("id" in box)) return;
    const op = DATA.ops[box.id], mark = markOf(box.id);
    register("graph", made[i], op.keys, [box.id], `${mark ? `${MARKS[mark]}: ` : ""}${op.title} ${op.detail}`);
    if (mark) made[i].classList.add(mark);
    if (box.sheets) made[i].opens = box.sheets;
  });
  drawing.append(inside);
  body("graph").append(drawing);
  trail(version, number);
}

function graphBox(box) {
  const op = "id" in box ? DATA.ops[box.id] : box;
  const group = svg("g", { class: `box ${op.kind}` }, svg("rect", { class: "shape", x: box.x, y: box.y, width: box.w, height: box.h }));
  if (!("id" in box)) {
    group.append(text(box.x + 8, box.y + 13.5, box.title));
    return group;
  }
  group.append(text(box.x + 12, box.y + 15, op.title, "title"));
  if (op.kind !== "control" || box.sheets) group.append(text(box.x + 12, box.y + 29, box.detail || op.detail, "detail"));
  group.append(svg("title", {}, op.line));
  return group;
}

// Where the sheet lies, and the way back out of it.
function trail(version, number) {
  const names = [], at = (n) => DATA.sheets[version.sheets[n]];
  for (let n = number; n !== null; n = at(n).parent) names.unshift(at(n).title);
  $("graph").querySelector(".trail").textContent = names.length > 1 ? names.join(" › ") : "";
  $("graph").querySelector(".up").hidden = at(number).parent === null;
}

// The sheet of a function that shows an op with one of the keys, or null.
function sheetOf(version, keys) {
  const found = version.sheets.findIndex((sheet) => DATA.sheets[sheet].boxes.some((box) => "id" in box && DATA.ops[box.id].keys.some((key) => keys.has(key))));
  return found < 0 ? null : found;
}
