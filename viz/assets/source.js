// The text of the program: every piece belongs to the smallest place that covers it.
function drawSource() {
  clear("source");
  for (const file of DATA.files) {
    if (DATA.files.length > 1) body("source").append(html("div", { class: "file" }, file.name));
    const code = html("pre", { class: "code" });
    file.lines.forEach((pieces, number) => {
      const row = html("span", { class: "row" }, html("span", { class: "no", "aria-hidden": "true" }, String(number + 1)));
      for (const [words, keys] of pieces) row.append(piece(words, keys));
      row.append("\n");
      code.append(row);
    });
    body("source").append(code);
  }
}

function piece(words, keys) {
  if (!keys.length || !words.trim()) {
    return words.trim().startsWith("#") ? html("span", { class: "comment" }, words) : words;
  }
  const made = html("span", {}, words);
  register("source", made, keys.slice(0, 1), [], words);
  made.around = keys;
  return made;
}
