// Requests to the server that the page came from, with the key that was typed in.

import { parse, write } from "./json.js";

const KEY = "sglc.key";

/** An answer that is an error; `data` is its body, where it is JSON. */
export class Refused extends Error {
  constructor(status, data, retryAfter) {
    super(data?.error?.message ?? `the server answers with status ${status}`);
    this.status = status;
    this.data = data;
    this.retryAfterS = Number(retryAfter) || 1;
  }
}

export const getKey = () => sessionStorage.getItem(KEY) ?? "";

export function setKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** Ask; the reply is a Response whose status is good. */
export async function request(method, path, { body, signal, headers = {} } = {}) {
  const sent = { ...headers };
  if (getKey()) sent.Authorization = `Bearer ${getKey()}`;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const options = { method, headers: sent, signal, cache: "no-store", body: body === undefined ? undefined : write(body) };
  const reply = await fetch(path, options);
  if (reply.ok) return reply;
  const text = await reply.text();
  let data = null;
  try {
    data = parse(text);
  } catch {
    // a proxy's page: the status says what there is to say
  }
  if (reply.status === 401) document.dispatchEvent(new CustomEvent("key-needed"));
  throw new Refused(reply.status, data, reply.headers.get("Retry-After"));
}

export const ask = async (method, path, options) => parse(await (await request(method, path, options)).text());
