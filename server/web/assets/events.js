// Server-sent events over fetch: read as they come, and gone on with where a connection broke.

import { Refused, request } from "./api.js";
import { parse } from "./json.js";

const TRIES = 8; // one after the other, none of which got an event
const FIRST_WAIT_MS = 250;

/**
 * Run a program and yield the events {id, name, data} of the run, each once and in order.
 *
 * A connection that breaks is opened again behind the last event that came; `onLost(true)` says so,
 * `onLost(false)` that it is back.
 */
export async function* follow(path, body, signal, onLost = () => {}) {
  let last = 0;
  let place = null;
  let isLost = false;
  for (let tries = 0; tries < TRIES; ) {
    try {
      const reply = place === null
        ? await request("POST", path, { body, signal })
        : await request("GET", `${place}/events`, { signal, headers: { "Last-Event-ID": String(last) } });
      place ??= reply.headers.get("Location");
      if (isLost) onLost((isLost = false));
      for await (const event of events(reply.body)) {
        if (event.id && event.id <= last) continue;
        last = event.id || last;
        tries = 0;
        yield event;
        if (event.name === "done") return;
      }
    } catch (error) {
      // before there is a run nothing was begun that could be gone on with
      const isFinal = error instanceof Refused ? error.status < 500 : !(error instanceof TypeError);
      if (place === null || isFinal || signal?.aborted) throw error;
    }
    if (signal?.aborted) throw new DOMException("stopped", "AbortError");
    if (!isLost) onLost((isLost = true));
    await new Promise((done) => setTimeout(done, Math.min(FIRST_WAIT_MS * 2 ** tries, 5000)));
    tries += 1;
  }
  throw new Error("the connection to the server was lost, and the run could not be found again");
}

/** The events of a body. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return; // what has no end was cut off: it comes again
      rest += value;
      const parts = rest.split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        const event = read(part);
        if (event !== null) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // of one that has failed already
  }
}

function read(part) {
  const found = { id: 0, name: "message", data: null };
  let text = null;
  for (const line of part.split("\n")) {
    const at = line.indexOf(":");
    const [name, value] = at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1).replace(/^ /, "")];
    if (name === "id") found.id = Number(value);
    else if (name === "event") found.name = value;
    else if (name === "data") text = text === null ? value : `${text}\n${value}`;
  }
  return text === null ? null : { ...found, data: parse(text) };
}
