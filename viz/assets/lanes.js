// Streams as a metro map: one line per chain of versions, stations where the model is asked.
const lanePainters = {
  line(at) { return svg("path", { class: `line c${at.colour}${at.dashed ? " dashed" : ""}${at.held ? " held" : ""}`, d: curve(at.points, "x") }); },
  cap(at) { return svg("path", { class: `stop c${at.colour}`, d: `M${at.x} ${at.y - 8}v16` }); },
  strip(at) {
    return svg("g", { class: `strip${at.early ? " early" : ""}` }, svg("rect", { x: at.x, y: at.y, width: at.w, height: at.h }), text(at.x + 30, at.y + 11, at.label));
  },
  band(at) {
    return svg("g", { class: `band ${at.label}` }, laneBox(at, "shape"), text(at.x + 8, at.y + 12, at.label));
  },
  frame(at) {
    return svg("g", { class: `frame${at.loop ? " loop" : ""}` }, laneBox(at, "shape"), text(at.x + 10, at.y + 15, (at.loop ? "↻ " : "") + at.label));
  },
  text(at) {
    const group = halo(at, -32, 42);
    at.lines.forEach((line, i) => group.append(text(at.x + 4, at.y - 9 - 12 * (at.lines.length - 1 - i), line)));
    group.append(svg("path", { class: "tick", d: `M${at.x + at.w} ${at.y - 3}v6` }));
    return group;
  },
  model(at) {
    const group = halo(at, -14, 32 + 13 * at.lines.length, "model");
    group.append(svg("circle", { class: "station", cx: at.x + 14, cy: at.y, r: 8.5 }));
    at.lines.forEach((line, i) => group.append(text(at.x + 6, at.y + 24 + 13 * i, line, i ? "soft" : "name")));
    return group;
  },
  call(at) { return square(at, "call"); },
  host(at) { return square(at, "host"); },
  hint(at) {
    const group = halo(at, -20, 28, "hint");
    group.append(svg("path", { class: "mark-hint", d: `M${at.x + 2} ${at.y - 5}l8 5l-8 5z` }), text(at.x + 12, at.y - 8, at.lines[0], "soft"));
    return group;
  },
  start(at) {
    const group = halo(at, -12, 24);
    group.append(svg("path", { class: `stop c${at.colour}`, d: `M${at.x + 3} ${at.y - 9}v18` }));
    return group;
  },
  end(at) {
    const group = halo(at, -12, 24);
    group.append(svg("path", { class: `stop c${at.colour}`, d: `M${at.x + at.w} ${at.y - 9}v18` }), text(at.x + 6, at.y - 8, at.lines[0], "soft"));
    return group;
  },
};

function laneBox(at, kind) {
  return svg("rect", { class: kind, x: at.x, y: at.y, width: at.w, height: at.h });
}

function halo(at, above, height, kind = "") {
  return svg("g", { class: `lane ${kind}` }, svg("rect", { class: "halo", x: at.x + 1, y: at.y + above, width: at.w - 2, height }));
}

function square(at, kind) {
  const group = halo(at, -14, 28, kind);
  group.append(svg("rect", { class: "station", x: at.x + 6, y: at.y - 7, width: 14, height: 14 }), text(at.x + 26, at.y - 8, at.lines[0], "name"));
  return group;
}

function drawLanes(version, scale) {
  clear("lanes");
  if (!version) return absent("lanes");
  const { width, height, shapes } = version.lanes;
  if (!shapes.length) {
    body("lanes").append(html("p", { class: "none" }, `${version.kind} ${DATA.functions[state.shown].name} works on values alone: it has no stream.`));
    return;
  }
  const drawing = canvas(width, height, scale);
  const steps = [];
  for (const shape of shapes) {
    const made = lanePainters[shape.kind](shape);
    drawing.append(made);
    if (shape.ids && shape.ids.length) {
      const words = [shape.kind, shape.label, shape.text || (shape.lines || []).join(", ")].filter(Boolean).join(" ");
      if (shape.text) made.append(svg("title", {}, shape.text));
      steps.push([shape, made, words]);
    }
  }
  steps.sort((a, b) => a[0].order - b[0].order);
  for (const [shape, made, words] of steps) {
    register("lanes", made, shape.keys, shape.ids, words);
    const mark = shape.ids.map(markOf).find(Boolean);
    if (mark) made.classList.add(mark);
  }
  body("lanes").append(drawing);
}
