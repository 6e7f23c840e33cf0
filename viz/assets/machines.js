// The automaton of every constraint: runs of forced text bold, accepting states with two rings.
function drawMachines() {
  clear("machines");
  if (!DATA.machines.length) body("machines").append(html("p", { class: "none" }, "No call of the model has a constraint."));
  for (const machine of DATA.machines) {
    const card = html("div", { class: "machine" }, html("h3", {}, machine.name === machine.type ? "" : `${machine.name} `, html("span", {}, machine.type)));
    if (machine.shortest !== undefined) {
      const members = html("p", {}, "shortest ", html("code", {}, JSON.stringify(machine.shortest)));
      if (machine.longest === null) members.append(" · no longest");
      else members.append(` · longest, ${machine.longest_bytes} bytes, `, html("code", {}, JSON.stringify(machine.longest)));
      card.append(members);
    }
    card.append(html("p", {}, machine.note));
    if (machine.states.length) card.append(html("div", { class: "scroll" }, machineDrawing(machine)));
    register("machines", card, machine.keys, machine.ids, `constraint ${machine.name} ${machine.type}`);
    body("machines").append(card);
  }
}

function machineDrawing(machine) {
  const pad = 30;
  const drawing = canvas(machine.width + 2 * pad, machine.height + pad + 10);
  const inside = svg("g", { transform: `translate(${pad} ${pad - 2})` });
  for (const way of machine.edges) {
    const kind = `${way.forced ? " forced" : ""}${way.back ? " back" : ""}`;
    inside.append(svg("path", { class: `way${kind}`, d: way.back ? around(way.points) : curve(way.points, "x"), "marker-end": "url(#tip)" }));
  }
  for (const way of machine.edges) {
    const middle = !(way.back && way.from === way.to);
    const width = way.label.length * 6.1 + 4;
    const x = middle ? way.at[0] - width / 2 : way.at[0];
    const label = text(x + 2, way.at[1] - (middle ? 5 : -3), way.label, `way-label${way.forced ? " forced" : ""}`);
    label.append(svg("title", {}, way.title));
    inside.append(svg("rect", { class: "way-back", x, y: way.at[1] - (middle ? 15 : 6), width, height: 12 }), label);
  }
  machine.states.forEach((state) => {
    inside.append(svg("circle", { class: `state${state.start ? " start" : ""}`, cx: state.x, cy: state.y, r: 10 }));
    if (state.accepting) inside.append(svg("circle", { class: "state inner", cx: state.x, cy: state.y, r: 6.5 }));
    if (state.count > 1) inside.append(text(state.x + 8, state.y + 18, `×${state.count}`, "count"));
    if (state.start) inside.append(svg("path", { class: "way", d: `M${state.x - 30} ${state.y}h18`, "marker-end": "url(#tip)" }));
  });
  drawing.append(inside);
  return drawing;
}

// A way back: a loop on its state, or below everything and up again.
function around(points) {
  const [a, b, c, d] = points;
  if (Math.abs(a[0] - d[0]) < 20 && b[1] < a[1]) return `M${a}C${b} ${c} ${d}`;
  const turn = Math.min(14, Math.abs(b[0] - c[0]) / 2 || 14), to = c[0] < b[0] ? -turn : turn;
  return `M${a}L${b[0]} ${b[1] - turn}Q${b} ${b[0] + to} ${b[1]}L${c[0] - to} ${c[1]}Q${c} ${c[0]} ${c[1] - turn}L${d}`;
}
