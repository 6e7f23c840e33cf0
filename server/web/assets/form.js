// A form made of a JSON Schema: the arguments of a prompt, the answer of a tool.

import { make } from "./dom.js";
import { parse, write } from "./json.js";

let numFields = 0;

/** A value that cannot be read; `element` is where it stands. */
export class FieldError extends Error {
  constructor(element, message) {
    super(message);
    this.element = element;
  }
}

/** A field for values of a schema: {element, read(), }. `read` throws a FieldError. */
export function field(schema, label, initial = schema.default) {
  const id = `field-${++numFields}`;
  const made = choose(schema, label, initial, id);
  const hint = schema.description ?? describe(schema);
  if (made.isGroup) {
    const legend = make("legend", {}, label, " ", make("small", {}, hint));
    return { element: make("fieldset", {}, legend, made.element), read: made.read };
  }
  made.element.id = id;
  const name = make("label", { for: id }, label, " ", make("small", {}, hint));
  return { element: make("div", { class: "field" }, name, made.element), read: made.read };
}

function choose(schema, label, initial, id) {
  if ("const" in schema) return options([schema.const], initial);
  if (Array.isArray(schema.enum)) return options(schema.enum, initial);
  if (isOptional(schema)) return optional(schema, label, initial);
  switch (schema.type) {
    case "string": return text(schema, initial);
    case "integer": case "number": return number(schema, label, initial);
    case "boolean": return options([false, true], initial ?? false);
    case "null": return options([null], null);
    case "array": return schema.items ? list(schema, label, initial) : json(label, initial);
    case "object": return schema.properties ? record(schema, initial) : json(label, initial);
  }
  return json(label, initial);
}

function text(schema, initial) {
  const element = make("textarea", { rows: 1, maxlength: schema.maxLength, spellcheck: "false" });
  element.value = initial ?? "";
  return { element, read: () => element.value };
}

function number(schema, label, initial) {
  const element = make("input", { type: "text", inputmode: schema.type === "integer" ? "numeric" : "decimal", autocomplete: "off" });
  element.value = initial === undefined ? "" : String(initial);
  const read = () => {
    const given = element.value.trim();
    const isRight = schema.type === "integer" ? /^-?\d+$/.test(given) : given !== "" && Number.isFinite(Number(given));
    if (!isRight) throw new FieldError(element, `${label}: ${given ? `${given} is no` : "write a"} ${schema.type === "integer" ? "whole number" : "number"}`);
    const value = Number(given);
    if (schema.minimum !== undefined && value < schema.minimum) throw new FieldError(element, `${label}: at least ${schema.minimum}`);
    if (schema.maximum !== undefined && value > schema.maximum) throw new FieldError(element, `${label}: at most ${schema.maximum}`);
    return schema.type === "integer" && !Number.isSafeInteger(value) ? BigInt(given) : value;
  };
  return { element, read };
}

function options(values, initial) {
  const element = make("select", {}, ...values.map((value, index) => make("option", { value: index }, shown(value))));
  element.selectedIndex = Math.max(0, values.indexOf(initial));
  return { element, read: () => values[element.selectedIndex] };
}

function json(label, initial) {
  const element = make("textarea", { rows: 2, spellcheck: "false", class: "code" });
  element.value = initial === undefined ? "" : write(initial, 2);
  const read = () => {
    try {
      return parse(element.value);
    } catch {
      throw new FieldError(element, `${label}: write a value as JSON: "a text", 3, [1, 2], {"a": 1}, null`);
    }
  };
  return { element, read };
}

function isOptional(schema) {
  return schema.anyOf?.length === 2 && schema.anyOf.some((each) => each.type === "null");
}

function optional(schema, label, initial) {
  const inner = schema.anyOf.find((each) => each.type !== "null");
  const given = make("input", { type: "checkbox" });
  given.checked = initial !== null && initial !== undefined;
  const value = field(inner, "value", initial ?? undefined);
  const show = () => (value.element.hidden = !given.checked);
  given.addEventListener("change", show);
  show();
  const element = make("div", {}, make("label", { class: "check" }, given, "give one"), value.element);
  return { element, isGroup: true, read: () => (given.checked ? value.read() : null) };
}

function list(schema, label, initial) {
  const items = [];
  const rows = make("ol", { class: "items" });
  const add = (value) => {
    const item = field(schema.items, `${label} ${items.length + 1}`, value);
    const remove = make("button", { type: "button", "aria-label": `remove ${label} ${items.length + 1}`, click: () => {
      items.splice(items.indexOf(item), 1);
      row.remove();
      more.focus();
    } }, "×");
    const row = make("li", {}, item.element, remove);
    items.push(item);
    rows.append(row);
    return item;
  };
  const more = make("button", { type: "button", click: () => add().element.querySelector("input, textarea, select")?.focus() }, "Add");
  const least = Array.isArray(initial) ? initial : Array(schema.minItems ?? 0).fill(undefined);
  least.forEach((value) => add(value));
  return { element: make("div", {}, rows, more), isGroup: true, read: () => items.map((item) => item.read()) };
}

function record(schema, initial) {
  const fields = Object.entries(schema.properties).map(([name, each]) => [name, field(each, name, initial?.[name] ?? each.default)]);
  const read = () => Object.fromEntries(fields.map(([name, each]) => [name, each.read()]));
  return { element: make("div", {}, ...fields.map(([, each]) => each.element)), isGroup: true, read };
}

const shown = (value) => (typeof value === "string" ? value : write(value));

function describe(schema) {
  const { type, minimum, maximum, maxLength } = schema;
  if (minimum !== undefined && maximum !== undefined) return `${type}, ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${type}, at least ${minimum}`;
  if (maximum !== undefined) return `${type}, at most ${maximum}`;
  if (maxLength !== undefined) return `${type}, up to ${maxLength} characters`;
  if (type !== undefined) return type;
  return "const" in schema || schema.enum ? "" : isOptional(schema) ? "optional" : "JSON";
}
