// Names an agent as README.md says for each SDK of JavaScript. Prints one JSON line per call.
const { Anthropic } = require("@anthropic-ai/sdk");
const { OpenAI } = require("openai");

async function main() {
  await new OpenAI({ defaultHeaders: { "x-agent-id": "sales" } }).models.list();
  console.log(JSON.stringify({ call: "openai" }));
  await new Anthropic({ defaultHeaders: { "x-agent-id": "sales" } }).messages.create({
    model: "simulated-1",
    max_tokens: 64,
    messages: [{ role: "user", content: "What is the ledger for?" }],
  });
  console.log(JSON.stringify({ call: "anthropic" }));
}

main();
