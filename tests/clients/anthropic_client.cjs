// Calls Anthropic with its own SDK. Where to and with which key, the environment says:
// ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY. Prints one JSON line per call: what the SDK made of it.

const { Anthropic, APIError } = require("@anthropic-ai/sdk");

const question = asking("tell me what the ledger is for: Café, 🦀");
const input_schema = { type: "object", properties: { city: { type: "string" } } };
const tools = [{ name: "weather", input_schema }];
const client = new Anthropic();

const calls = {
  async message() {
    const answer = await client.messages.create(question);
    return [answer.content[0].text, answer.usage.output_tokens];
  },

  async message_streamed() {
    const answer = await client.messages.stream(question).finalMessage();
    return [answer.content[0].text, answer.usage.output_tokens];
  },

  async message_closed_early() {
    for await (const event of await client.messages.create({ ...question, stream: true })) {
      return event.type;
    }
  },

  async message_throttled_once() {
    return (await client.messages.create(asking("throttle me once"))).content[0].text;
  },

  async tool_use() {
    const answer = await client.messages.create({ ...question, tools });
    return [answer.stop_reason, answer.content[0].name, answer.content[0].input];
  },

  async tool_use_streamed() {
    const answer = await client.messages.stream({ ...question, tools }).finalMessage();
    return [answer.stop_reason, answer.content[0].name, answer.content[0].input];
  },

  async overloaded() {
    const types = [];
    try {
      const asked = { ...asking("break off with an error"), stream: true };
      for await (const event of await client.messages.create(asked)) {
        types.push(event.type);
      }
      return types;
    } catch (error) {
      if (error instanceof APIError) {
        return error.error.error.type;
      }
      throw error;
    }
  },

  async count_tokens() {
    const { model, messages } = question;
    return (await client.messages.countTokens({ model, messages })).input_tokens;
  },

  async batch() {
    const requests = [{ custom_id: "first", params: question }];
    return (await client.messages.batches.create({ requests })).processing_status;
  },

  async models() {
    const ids = [];
    for await (const one of client.models.list()) {
      ids.push(one.id);
    }
    return ids;
  },
};

function asking(words) {
  const messages = [{ role: "user", content: `Please ${words}.` }];
  return { model: "simulated-1", max_tokens: 64, messages };
}

async function main() {
  for (const [call, run] of Object.entries(calls)) {
    console.log(JSON.stringify({ call, got: await run() }));
  }
}

main();
