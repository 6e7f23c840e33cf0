// What was said: the text of the program apart from what the model wrote, was forced to or chose.
const WRITTEN = { program: "of the program", model: "written by the model", forced: "forced by the constraint", chosen: "chosen" };

function drawTranscript() {
  clear("transcript");
  const { runs, note } = DATA.run.transcript, room = body("transcript");
  const key = html("p", { class: "legend" });
  for (const [kind, words] of Object.entries(WRITTEN)) key.append(html("span", { class: `said ${kind}` }, words), " ");
  room.append(key);
  for (const run of runs) {
    if (runs.length > 1) room.append(html("h3", { class: "of-run" }, run.label));
    for (const stream of run.streams) {
      const box = html("div", { class: `stream${stream.title ? " beside" : ""}` });
      if (stream.title) box.append(html("div", { class: "lead" }, stream.title, stream.lead ? html("span", {}, ` … ${stream.lead.replaceAll("\n", "↵")}`) : ""));
      let open = box;
      for (const piece of stream.pieces) {
        if (piece.kind === "begin") {
          open = html("div", { class: `message ${piece.text}` }, html("span", { class: "role" }, piece.text));
          box.append(open);
        } else if (piece.kind === "end") open = box;
        else open.append(said(piece));
      }
      room.append(box);
    }
  }
  if (note) room.append(html("p", { class: "none" }, note));
}

function said(piece) {
  const made = html("span", { class: `said ${piece.kind}`, title: WRITTEN[piece.kind] || piece.kind }, piece.text);
  register("transcript", made, piece.keys, [], `${WRITTEN[piece.kind] || piece.kind}: ${piece.text}`);
  return made;
}
