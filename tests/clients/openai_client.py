"""Calls OpenAI with its own SDK. Where to and with which key, the environment says:
OPENAI_BASE_URL, OPENAI_API_KEY. Prints one JSON line per call: what the SDK made of it."""

import json

from openai import OpenAI

QUESTION = [{"role": "user", "content": "What is the ledger for? Café, \N{CRAB}"}]


def main():
    client = OpenAI()
    for call in (chat, chat_streamed, responses, responses_streamed, embeddings, models):
        print(json.dumps({"call": call.__name__, "got": call(client)}))


def chat(client):
    answer = client.chat.completions.create(model="simulated-1", messages=QUESTION)
    return [answer.choices[0].message.content, answer.usage.total_tokens]


def chat_streamed(client):
    text, tokens = "", None
    stream = client.chat.completions.create(
        model="simulated-1", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    for chunk in stream:
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
        if chunk.usage:
            tokens = chunk.usage.total_tokens
    return [text, tokens]


def responses(client):
    answer = client.responses.create(model="simulated-1", input="What is the ledger for?")
    return [answer.output_text, answer.usage.total_tokens]


def responses_streamed(client):
    text, tokens = "", None
    for event in client.responses.create(model="simulated-1", input="What?", stream=True):
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type == "response.completed":
            tokens = event.response.usage.total_tokens
    return [text, tokens]


def embeddings(client):
    answer = client.embeddings.create(model="simulated-1", input="one entry per call")
    return answer.data[0].embedding


def models(client):
    return [model.id for model in client.models.list()]


if __name__ == "__main__":
    main()
