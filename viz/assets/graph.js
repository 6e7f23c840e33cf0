// The graph: ops as boxes, regions as nested boxes, values as edges.
const edgesOf = new Map(); // box -> its edges, which light up with it

function drawGraph(shown, number, scale) {
  clear("graph");
  edgesOf.clear();
  const sheet = shown.sheets[number];
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
  sheet.boxes.forEach((box, i) => {
    if ("id" in box) {
      register("graph", made[i], [box.key], [box.id], `${box.title} ${box.detail}`);
      if (box.sheets) made[i].opens = box.sheets;
    }
  });
  drawing.append(inside);
  body("graph").append(drawing);
  trail(shown, number);
}

function graphBox(box) {
  const group = svg("g", { class: `box ${box.kind}` }, svg("rect", { class: "shape", x: box.x, y: box.y, width: box.w, height: box.h }));
  if (!("id" in box)) {
    group.append(text(box.x + 8, box.y + 13.5, box.title));
    return group;
  }
  group.append(text(box.x + 12, box.y + 15, box.title, "title"));
  if (box.kind !== "control" || box.sheets) group.append(text(box.x + 12, box.y + 29, box.detail, "detail"));
  group.append(svg("title", {}, box.line));
  return group;
}

// Where the sheet lies, and the way back out of it.
function trail(shown, number) {
  const names = [];
  for (let at = number; at !== null; at = shown.sheets[at].parent) names.unshift(shown.sheets[at].title);
  $("graph").querySelector(".trail").textContent = names.length > 1 ? names.join(" › ") : "";
  $("graph").querySelector(".up").hidden = shown.sheets[number].parent === null;
}

// The sheet that shows an op, or null.
function sheetOf(shown, keys) {
  const found = shown.sheets.findIndex((sheet) => sheet.boxes.some((box) => keys.has(box.key)));
  return found < 0 ? null : found;
}
