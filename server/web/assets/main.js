// The page: which of its two parts is shown, the key, and what connects the editor with the runs.

import { getKey, setKey } from "./api.js";
import { Checker } from "./checker.js";
import { $ } from "./dom.js";
import { Editor } from "./editor.js";
import { RunPanel } from "./run.js";
import { Status } from "./status.js";

const DRAFT = "sglc.draft";
const FIRST = "capitals";

const editor = new Editor({ area: $("source"), layer: $("layer"), gutter: $("gutter"), room: $("room") });
const panel = new RunPanel(() => editor.text);
const checker = new Checker(editor, (program) => panel.describe(program));
const status = new Status();

editor.onChange = () => {
  sessionStorage.setItem(DRAFT, editor.text);
  checker.soon();
};
editor.area.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  panel.run();
});
editor.area.addEventListener("input", () => ($("example").value = ""));
$("example").addEventListener("change", () => loadExample($("example").value));

async function loadExample(name) {
  if (!name) return;
  const reply = await fetch(`/web/examples/${name}.sgl`);
  if (!reply.ok) throw new Error(`the example ${name} is not there`);
  editor.text = await reply.text();
  $("example").value = name;
}

function show() {
  const isStatus = location.pathname === "/status";
  $("playground").hidden = isStatus;
  $("status").hidden = !isStatus;
  $("to-playground").toggleAttribute("aria-current", !isStatus);
  $("to-status").toggleAttribute("aria-current", isStatus);
  document.title = isStatus ? "Status · sglc" : "Playground · sglc";
  status.show(isStatus);
}

for (const id of ["to-playground", "to-status"]) {
  $(id).addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", $(id).href);
    show();
  });
}
addEventListener("popstate", show);

$("key").value = getKey();
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey($("key").value.trim());
  $("trouble").hidden = true;
  $("key-box").open = false;
  checker.soon(0);
  status.again();
});
document.addEventListener("key-needed", () => {
  $("trouble").textContent = getKey() ? "The server does not know this API key." : "This server asks for an API key.";
  $("trouble").hidden = false;
  $("key-box").open = true;
});

show();
const draft = sessionStorage.getItem(DRAFT);
if (draft) editor.text = draft;
else await loadExample(FIRST);
