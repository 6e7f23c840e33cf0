// JSON whose whole numbers stay exact: those that a browser cannot count to are BigInts.

export function parse(text) {
  return JSON.parse(text, (key, value, context) => {
    const isRough = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
    return isRough && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context.source) : value;
  });
}

/** Write a value; `indent` spaces for each level, 0 for one line. */
export function write(value, indent = 0, before = "\n") {
  if (typeof value === "bigint") return String(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = before + " ".repeat(indent);
  const isList = Array.isArray(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const parts = entries.map(([name, each]) => {
    const text = write(each, indent, inner);
    return isList ? text : `${JSON.stringify(name)}:${indent ? " " : ""}${text}`;
  });
  const [open, close] = isList ? "[]" : "{}";
  if (parts.length === 0) return open + close;
  return indent ? open + inner + parts.join("," + inner) + before + close : open + parts.join(",") + close;
}
