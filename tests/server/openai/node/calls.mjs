// Calls every method of the official client for these endpoints; prints what came, by name, as JSON.
// Usage: node calls.mjs FOLDER_OF_NODE_MODULES BASE_URL
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, baseURL] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const { default: OpenAI, toFile } = await import(pathToFileURL(require.resolve("openai")));
const client = new OpenAI({ baseURL, apiKey: "EMPTY", maxRetries: 0 });

const ask = {
  model: "any",
  messages: [{ role: "user", content: "What is the capital of France?" }],
  temperature: 0,
  max_tokens: 100,
};
const parameters = {
  type: "object",
  properties: { a: { type: "integer", minimum: 0, maximum: 9 } },
  required: ["a"],
  additionalProperties: false,
};
const tool = { type: "function", function: { name: "twice", parameters } };
const named = { type: "function", function: { name: "twice" } };
const format = {
  type: "json_schema",
  json_schema: { name: "answer", strict: true, schema: parameters },
};
const found = {};

found.create = await client.chat.completions.create(ask);

found.chunks = [];
const stream = await client.chat.completions.create({
  ...ask,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) found.chunks.push(chunk);

const helper = client.chat.completions.stream({ ...ask, logprobs: true });
found.contents = [];
helper.on("content", (delta) => found.contents.push(delta));
found.helper = await helper.finalChatCompletion();

found.parsed = await client.chat.completions.parse({ ...ask, response_format: format });

const calls = client.chat.completions.stream({ ...ask, tools: [tool], tool_choice: named });
found.calls = await calls.finalChatCompletion();

found.given = [];
const runner = client.chat.completions.runTools({
  ...ask,
  tool_choice: named,
  tools: [
    {
      type: "function",
      function: {
        name: "twice",
        parameters,
        parse: JSON.parse,
        function: ({ a }) => {
          found.given.push(a);
          return String(2 * a);
        },
      },
    },
  ],
});
await runner.done();
found.run = runner.messages;

found.completion = await client.completions.create({ model: "m", prompt: "The", max_tokens: 3 });
found.pieces = "";
const pieces = await client.completions.create({ model: "m", prompt: "The", stream: true, seed: 1 });
for await (const chunk of pieces) found.pieces += chunk.choices[0].text;
found.embedding = await client.embeddings.create({ model: "m", input: ["a", "b"] });
found.models = [];
for await (const model of client.models.list()) found.models.push(model);
found.model = await client.models.retrieve(found.models[0].id);

const input = { model: "m", input: ask.messages, temperature: 0, max_output_tokens: 100 };
found.response = await client.responses.create(input);
found.deltas = "";
for await (const event of client.responses.stream(input)) {
  if (event.type === "response.output_text.delta") found.deltas += event.delta;
}
found.shaped = await client.responses.parse({
  ...input,
  text: { format: { type: "json_schema", name: "answer", strict: true, schema: parameters } },
});

const lines = ["a", "b"].map((custom_id) => {
  const body = { ...ask, max_tokens: 5 };
  return JSON.stringify({ custom_id, method: "POST", url: "/v1/chat/completions", body });
});
found.lines = lines;
const file = await toFile(Buffer.from(lines.join("\n")), "lines.jsonl");
found.file = await client.files.create({ file, purpose: "batch" });
found.retrieved = await client.files.waitForProcessing(found.file.id);
found.content = await (await client.files.content(found.file.id)).text();
found.batch = await client.batches.create({
  input_file_id: found.file.id,
  endpoint: "/v1/chat/completions",
  completion_window: "24h",
});
do {
  found.ended = await client.batches.retrieve(found.batch.id);
} while (["validating", "in_progress", "finalizing"].includes(found.ended.status));
found.output = await (await client.files.content(found.ended.output_file_id)).text();
found.listed = [];
for await (const batch of client.batches.list({ limit: 1 })) found.listed.push(batch.id);
found.files = [];
for await (const each of client.files.list({ limit: 1, purpose: "batch_output" })) {
  found.files.push(each.id);
}
try {
  await client.batches.cancel(found.batch.id);
} catch (error) {
  found.cancelled = { name: error.constructor.name, status: error.status };
}
found.deleted = await client.files.delete(found.file.id);

try {
  await client.chat.completions.create({ ...ask, n: 0 });
} catch (error) {
  found.error = { name: error.constructor.name, status: error.status, param: error.param };
}
console.log(JSON.stringify(found));
