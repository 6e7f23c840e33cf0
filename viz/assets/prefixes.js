// The prefix tree of all prompts of a run: a node is what the prompts that reach it have in common.
function drawPrefixes() {
  clear("prefixes");
  const { rows, note, tokens, all, expected, reused } = DATA.run.prefixes;
  const room = body("prefixes");
  if (!rows.length) {
    room.append(html("p", { class: "none" }, "The run asked the model nothing."));
    return;
  }
  const share = (part) => (all ? ` (${Math.round((100 * part) / all)}%)` : "");
  room.append(html("p", { class: "sums" }, `${all} tokens in prompts, ${tokens} of them distinct · could have been reused: ${expected}${share(expected)} · were: ${reused}${share(reused)}`));
  const most = Math.max(1, ...rows.map((row) => row.all));
  const list = html("div", { class: "trie" });
  for (const row of rows) {
    const width = row.all ? Math.max(3, 90 * Math.sqrt(row.all / most)) : 0;
    const part = (n) => (row.all ? (width * n) / row.all : 0);
    const bar = html("span", { class: "bar", style: `width: ${width}px` }, html("span", { class: "reused", style: `width: ${part(row.reused)}px` }));
    if (row.all) bar.append(html("span", { class: "expected", style: `left: ${part(row.expected)}px` }));
    const counts = row.asked ? `${row.tokens} × ${row.asked}` : `${row.tokens}`;
    const words = `${count(row.tokens, "token")}, in ${count(row.asked, "prompt")}: ${row.reused} reused, ${row.expected} could have been${row.written ? "; the model wrote them" : ""}`;
    const made = html("div", { class: `node${row.written ? " written" : ""}${row.asked ? "" : " unasked"}`, title: words, style: `padding-left: ${10 + 12 * Math.min(row.depth, 24)}px` }, html("span", { class: "counts" }, counts), bar, html("code", {}, row.text.replaceAll("\n", "↵")));
    if (row.ends) made.append(html("span", { class: "ends" }, `◂ ${count(row.ends, "call")}`));
    register("prefixes", made, row.keys, [], `${words}: ${row.text || "(nothing)"}`);
    list.append(made);
  }
  room.append(list);
  if (note) room.append(html("p", { class: "none" }, note));
}
