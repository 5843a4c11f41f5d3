"""Calls Anthropic with its own SDK. Where to and with which key, the environment says:
ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY. Prints one JSON line per call: what the SDK made of it."""

import json

from anthropic import Anthropic

QUESTION = {
    "model": "simulated-1",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "What is the ledger for? Café, \N{CRAB}"}],
}


def main():
    client = Anthropic()
    for call in (message, message_streamed, models):
        print(json.dumps({"call": call.__name__, "got": call(client)}))


def message(client):
    answer = client.messages.create(**QUESTION)
    return [answer.content[0].text, answer.usage.output_tokens]


def message_streamed(client):
    with client.messages.stream(**QUESTION) as stream:
        text = "".join(stream.text_stream)
        return [text, stream.get_final_message().usage.output_tokens]


def models(client):
    return [model.id for model in client.models.list()]


if __name__ == "__main__":
    main()
