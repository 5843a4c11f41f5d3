// Calls OpenAI with Node's own fetch. Where to and with which key, the environment says:
// OPENAI_BASE_URL, OPENAI_API_KEY. Prints one JSON line per call: what came back.

const base = process.env.OPENAI_BASE_URL;
const headers = {
  "authorization": `Bearer ${process.env.OPENAI_API_KEY}`,
  "content-type": "application/json",
};
const question = { model: "simulated-1", messages: [{ role: "user", content: "Café, 🦀" }] };

async function chat() {
  const body = JSON.stringify(question);
  const answer = await fetch(`${base}/chat/completions`, { method: "POST", headers, body });
  return (await answer.json()).choices[0].message.content;
}

async function chat_streamed() {
  const body = JSON.stringify({ ...question, stream: true });
  const answer = await fetch(`${base}/chat/completions`, { method: "POST", headers, body });
  let text = "";
  for (const line of (await answer.text()).split("\n")) {
    if (line.startsWith("data: {")) {
      text += JSON.parse(line.slice("data: ".length)).choices[0].delta.content ?? "";
    }
  }
  return text;
}

// A body without a known length goes out in chunks.
async function chat_uploaded_as_a_stream() {
  const body = new Blob([JSON.stringify(question)]).stream();
  const upload = { method: "POST", headers, body, duplex: "half" };
  const answer = await fetch(`${base}/chat/completions`, upload);
  return (await answer.json()).choices[0].message.content;
}

async function models() {
  const answer = await fetch(`${base}/models`, { headers });
  return (await answer.json()).data[0].id;
}

for (const call of [chat, chat_streamed, chat_uploaded_as_a_stream, models]) {
  console.log(JSON.stringify({ call: call.name, got: await call() }));
}
