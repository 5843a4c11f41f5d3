// Calls OpenAI with its own SDK. Where to and with which key, the environment says:
// OPENAI_BASE_URL, OPENAI_API_KEY. Prints one JSON line per call: what the SDK made of it.

const { OpenAI, APIError } = require("openai");

const model = "simulated-1";
const messages = [{ role: "user", content: "What is the ledger for? Café, 🦀" }];
const parameters = { type: "object", properties: { city: { type: "string" } } };
const chatTool = { type: "function", function: { name: "weather", parameters } };
const tool = { type: "function", name: "weather", parameters, strict: false };
const client = new OpenAI();

const calls = {
  async chat() {
    const answer = await client.chat.completions.create({ model, messages });
    return [answer.choices[0].message.content, answer.usage.total_tokens];
  },

  async chat_streamed() {
    return chatEvents({});
  },

  async chat_streamed_with_usage() {
    return chatEvents({ stream_options: { include_usage: true } });
  },

  async chat_tool() {
    const answer = await client.chat.completions.create({ model, messages, tools: [chatTool] });
    const called = answer.choices[0].message.tool_calls[0].function;
    return [called.name, called.arguments];
  },

  async chat_tool_streamed() {
    const question = { model, messages, tools: [chatTool], stream: true };
    let [name, args] = ["", ""];
    for await (const chunk of await client.chat.completions.create(question)) {
      for (const call of chunk.choices[0].delta.tool_calls ?? []) {
        name += call.function.name ?? "";
        args += call.function.arguments;
      }
    }
    return [name, args];
  },

  async chat_broken() {
    return refused(() => chatEvents({ messages: asking("break off with an error") }));
  },

  async chat_closed_early() {
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    for await (const chunk of stream) {
      return chunk.object;
    }
  },

  async chat_closed_at_its_end() {
    return chatEvents({ messages: asking("keep the line open") });
  },

  async chat_choices() {
    const texts = ["", ""];
    const question = { model, messages, stream: true, n: 2 };
    for await (const chunk of await client.chat.completions.create(question)) {
      texts[chunk.choices[0].index] += chunk.choices[0].delta.content ?? "";
    }
    return texts;
  },

  async chat_choices_closed_after_the_first() {
    const question = { model, messages: asking("keep the line open"), stream: true, n: 2 };
    for await (const chunk of await client.chat.completions.create(question)) {
      if (chunk.choices[0].index === 1) {
        return chunk.object;
      }
    }
  },

  async chat_throttled_once() {
    const question = { model, messages: asking("throttle me once") };
    return (await client.chat.completions.create(question)).choices[0].message.content;
  },

  async responses() {
    const answer = await client.responses.create({ model, input: "What is the ledger for?" });
    return [answer.output_text, answer.usage.total_tokens];
  },

  async responses_streamed() {
    let [text, tokens] = ["", null];
    for await (const event of await client.responses.create({ model, input: "What?", stream: true })) {
      if (event.type === "response.output_text.delta") {
        text += event.delta;
      }
      if (event.type === "response.completed") {
        tokens = event.response.usage.total_tokens;
      }
    }
    return [text, tokens];
  },

  async responses_tool() {
    const answer = await client.responses.create({ model, input: "Weather?", tools: [tool] });
    return [answer.output[0].name, answer.output[0].arguments];
  },

  async responses_tool_streamed() {
    const last = await lastEvent({ input: "Weather?", tools: [tool] });
    return [last.response.output[0].name, last.response.output[0].arguments];
  },

  async responses_failed() {
    const answer = await client.responses.create({ model, input: "fail behind a good status" });
    return [answer.status, answer.error.code];
  },

  async responses_failed_streamed() {
    const last = await lastEvent({ input: "fail behind a good status" });
    return [last.response.status, last.response.error.code];
  },

  async responses_broken() {
    return refused(async () => (await lastEvent({ input: "break off with an error" })).type);
  },

  async embeddings() {
    const answer = await client.embeddings.create({ model, input: "one entry per call" });
    return answer.data[0].embedding;
  },

  async models() {
    const ids = [];
    for await (const one of client.models.list()) {
      ids.push(one.id);
    }
    return ids;
  },
};

async function chatEvents(more) {
  let [text, tokens] = ["", null];
  const question = { model, messages, stream: true, ...more };
  for await (const chunk of await client.chat.completions.create(question)) {
    text += chunk.choices[0]?.delta.content ?? "";
    tokens = chunk.usage?.total_tokens ?? tokens;
  }
  return [text, tokens];
}

async function lastEvent(question) {
  let last;
  for await (const event of await client.responses.create({ model, stream: true, ...question })) {
    last = event;
  }
  return last;
}

function asking(words) {
  return [{ role: "user", content: `Please ${words}.` }];
}

// The name of the SDK's own error; what came instead, if none was thrown.
async function refused(call) {
  try {
    return await call();
  } catch (error) {
    if (error instanceof APIError) {
      return error.constructor.name;
    }
    throw error;
  }
}

async function main() {
  for (const [call, run] of Object.entries(calls)) {
    console.log(JSON.stringify({ call, got: await run() }));
  }
}

main();
