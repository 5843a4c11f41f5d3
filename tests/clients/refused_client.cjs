// Calls two providers with their own SDKs, each once and with its default retries, while the gateway refuses every call.
// Where to and with which key, the environment says. Prints one JSON line per call: what the SDK made of it.
const OpenAI = require("openai");
const Anthropic = require("@anthropic-ai/sdk");

const messages = [{ role: "user", content: "ping" }];
const calls = {
  openai: () => new OpenAI().chat.completions.create({ model: "simulated-1", messages }),
  anthropic: () => new Anthropic().messages.create({ model: "simulated-1", max_tokens: 9, messages }),
};

async function main() {
  for (const [call, ask] of Object.entries(calls)) {
    const status = await ask().then(() => null, (error) => error.status);
    console.log(JSON.stringify({ call, status }));
  }
}

main();
