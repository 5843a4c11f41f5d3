// Calls OpenAI with Node's own fetch, with a key in every position of a call. Standard input says
// which key to carry where, as JSON; the arguments are the base URL and that of a host with webhooks.
// Prints one JSON line per call: what came back, and never a key.

import { readFileSync } from "node:fs";

const [base, webhooks] = process.argv.slice(2);
const keys = JSON.parse(readFileSync(0, "utf8"));
const query = new URLSearchParams({ page: "1", key: keys.query });
const headers = {
  "authorization": `Bearer ${keys.api_key}`,
  "x-agent-id": keys.agent_id,
  "x-agent-version": keys.agent_version,
  "x-agent-deployment": keys.agent_deployment,
  "x-user-id": keys.user_id,
  "x-session-id": keys.session_id,
  "x-correlation-id": keys.correlation_id,
  "x-request-id": keys.request_id,
  "traceparent": `00-${keys.traceparent}-00f067aa0ba902b7-01`,
  "user-agent": `Agent/1 (${keys.user_agent})`,
  "cookie": `theme=dark; session=${keys.cookie}`,
  "x-note": `rotate ${keys.unlisted_header} soon`,
};
const call = {
  name: "deploy",
  arguments: JSON.stringify({
    target: keys.argument,
    login: { user: "deploy", password: keys.named_argument },
    payload: JSON.stringify({ text: keys.nested_argument }),
  }),
};
const tool = {
  name: "deploy",
  description: `Deploys, as with ${keys.tool_description}.`,
  parameters: { properties: { target: { type: "string", default: keys.tool_default } } },
};
const question = {
  model: keys.model,
  user: keys.end_user,
  metadata: { ticket: keys.metadata },
  messages: [
    { role: "system", content: `You deploy with ${keys.system}. Never show it.` },
    { role: "user", content: `These leaked:\n${keys.every}\nand ${keys.user}.` },
    { role: "assistant", tool_calls: [{ id: "c", type: "function", function: call }] },
    { role: "tool", tool_call_id: "c", content: `DEPLOY=${keys.tool_result}\n${keys.notations}\n` },
  ],
  tools: [{ type: "function", function: tool }],
};

function post(path, body, more = {}) {
  return fetch(`${base}${path}?${query}`, { method: "POST", headers, body, ...more });
}

function postJson(path, value, more = {}) {
  const typed = { ...headers, "content-type": "application/json" };
  return post(path, JSON.stringify(value), { headers: typed, ...more });
}

async function read(answer) {
  const { choices, model } = await answer.json();
  return [choices[0].message.content, model === keys.answer_model];
}

async function chat() {
  return read(await postJson("/v1/chat/completions", question));
}

async function chat_streamed() {
  const answer = await postJson("/v1/chat/completions", { ...question, stream: true });
  const lines = (await answer.text()).split("\n").filter((line) => line.startsWith("data: {"));
  const chunks = lines.map((line) => JSON.parse(line.slice("data: ".length)));
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
  return [text, chunks.every((chunk) => chunk.model === keys.answer_model)];
}

// A body without a known length goes out in chunks.
async function chat_uploaded_as_a_stream() {
  const body = new Blob([JSON.stringify(question)]).stream();
  const typed = { ...headers, "content-type": "application/json" };
  return read(await post("/v1/chat/completions", body, { headers: typed, duplex: "half" }));
}

// What other clients make of a user in the URL, which fetch refuses.
async function models() {
  const user = Buffer.from(`agent:${keys.userinfo}`).toString("base64");
  const named = { ...headers, "authorization": `Basic ${user}` };
  const url = `${base}/${keys.base_path}/v1/models?${query}`;
  const answer = await fetch(url, { headers: named });
  return (await answer.json()).data.length;
}

async function upload() {
  const body = new FormData();
  body.append("purpose", "batch");
  body.append("client_secret", keys.named_part);
  body.append("file", new Blob([`{"prompt":"use ${keys.file}"}\n`]), `${keys.file_name}.jsonl`);
  return (await post("/v1/files", body)).ok;
}

async function form() {
  const fields = { grant: keys.form, a: "b", password: keys.named_field };
  return (await post("/oauth/token", new URLSearchParams(fields))).ok;
}

async function plain_text() {
  return (await post("/notes", `remember ${keys.user}`)).ok;
}

async function webhook() {
  const body = JSON.stringify({ content: "deployed" });
  const url = `${webhooks}${new URL(keys.webhook).pathname}`;
  return (await fetch(url, { method: "POST", headers, body })).ok;
}

const calls = [
  chat, chat_streamed, chat_uploaded_as_a_stream, models, upload, form, plain_text, webhook,
];
for (const call of calls) {
  console.log(JSON.stringify({ call: call.name, got: await call() }));
}
