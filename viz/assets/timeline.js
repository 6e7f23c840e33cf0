// The timeline of a run: calls in lanes, their phases and tokens; the engine beneath.
const PHASE_WORDS = { build: "constraint is built", queue: "waits", prefill: "prefill", decode: "decode", tool: "tool runs" };
const TOKEN_WORDS = { cached: "cached", prefilled: "computed", scored: "scored", decoded: "decoded", forced: "forced" };

function drawTimeline() {
  clear("timeline");
  const { width, height, left, ticks, runs, charts, note } = DATA.run.timeline;
  const drawing = canvas(width, height, state.scale.timeline);
  for (const [x, words] of ticks) drawing.append(svg("path", { class: "tickline", d: `M${x} 16V${height}` }), text(x + 3, 12, words, "soft"));
  for (const run of runs) {
    drawing.append(svg("rect", { class: "run", x: run.x, y: run.y, width: Math.max(1, run.w), height: run.h }));
    drawing.append(text(run.x + 4, run.y + 14, run.label, "run-name"));
    for (const [x, w] of run.host) {
      const gap = svg("rect", { class: "phase host", x, y: run.y + 17, width: Math.max(0.5, w), height: 3 });
      gap.append(svg("title", {}, "no call is open: the host computes"));
      drawing.append(gap);
    }
    for (const points of run.path) drawing.append(svg("path", { class: "critical-way", d: curve(points, "x") }));
    for (const call of run.calls) drawing.append(timelineCall(call, run));
  }
  for (const chart of charts) drawing.append(timelineChart(chart, left));
  body("timeline").append(legend(), drawing);
  if (note) body("timeline").append(html("p", { class: "none" }, note));
}

function timelineCall(call, run) {
  const group = svg("g", { class: `run-call${call.critical ? " critical" : ""}${call.wasted ? " wasted" : ""}` }, svg("rect", { class: "halo", x: call.x - 1, y: call.y - 2, width: call.w + 2, height: 30 }));
  for (const [phase, x, w] of call.phases) group.append(svg("rect", { class: `phase ${phase}`, x, y: call.y, width: w, height: 13 }));
  for (const [kind, x, w] of call.bar) group.append(svg("rect", { class: `tokens ${kind}`, x, y: call.y + 15, width: w, height: 5 }));
  if (call.critical) group.append(svg("rect", { class: "critical-line", x: call.x, y: call.y + 23, width: call.w, height: 3 }));
  const room = Math.floor((call.w - 4) / 6.1);
  if (room > 2) group.append(text(call.x + 3, call.y + 10, call.name.length > room ? call.name.slice(0, room - 1) + "…" : call.name, "call-name"));
  const words = `${call.name}${call.at ? ` at ${call.at}` : ""}, ${run.label.split(" ·")[0]}: ${call.words}${call.critical ? "; on the critical path" : ""}`;
  group.append(svg("title", {}, words));
  register("timeline", group, call.keys, [], words);
  group.words = words;
  return group;
}

function timelineChart(chart, left) {
  const group = svg("g", { class: "chart" }, text(4, chart.y + 10, chart.name, "run-name"), text(4, chart.y + 24, `0 … ${chart.most}`, "soft"));
  const foot = chart.y + chart.h;
  chart.areas.forEach((area, i) => {
    const [first] = area.points, last = area.points[area.points.length - 1];
    const made = svg("path", { class: `area a${i} ${area.name}`, d: `M${first[0]} ${foot}L${area.points.map(([x, y]) => `${x} ${y}`).join("L")}L${last[0]} ${foot}Z` });
    made.append(svg("title", {}, `${chart.name}: ${area.name}`));
    group.append(made, text(4, chart.y + 38 + 13 * i, area.name, `soft n-${area.name}`));
  });
  group.append(svg("path", { class: "tickline", d: `M${left} ${foot}H${DATA.run.timeline.width}` }));
  return group;
}

function legend() {
  const list = html("p", { class: "legend" }, DATA.run.about, " ");
  for (const [kind, words] of Object.entries(PHASE_WORDS)) list.append(html("span", { class: `swatch phase ${kind}` }), words);
  list.append(html("span", { class: "swatch phase host" }), "host", html("span", { class: "swatch critical" }), "critical path", html("span", { class: "swatch phase decode wasted" }), "arm not taken", html("br"), "tokens ");
  for (const [kind, words] of Object.entries(TOKEN_WORDS)) list.append(html("span", { class: `swatch tokens ${kind}` }), words);
  return list;
}
