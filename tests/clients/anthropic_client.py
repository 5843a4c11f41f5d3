"""Calls Anthropic with its own SDK. Where to and with which key, the environment says:
ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY. Prints one JSON line per call: what the SDK made of it."""

import json

from anthropic import Anthropic, APIError

QUESTION = {
    "model": "simulated-1",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "What is the ledger for? Café, \N{CRAB}"}],
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"name": "weather", "input_schema": SCHEMA}]


def main():
    client = Anthropic()
    for call in (
        message,
        message_streamed,
        message_closed_early,
        message_throttled_once,
        tool_use,
        tool_use_streamed,
        overloaded,
        count_tokens,
        batch,
        models,
    ):
        print(json.dumps({"call": call.__name__, "got": call(client)}))


def message(client):
    answer = client.messages.create(**QUESTION)
    return [answer.content[0].text, answer.usage.output_tokens]


def message_streamed(client):
    with client.messages.stream(**QUESTION) as stream:
        text = "".join(stream.text_stream)
        return [text, stream.get_final_message().usage.output_tokens]


def message_closed_early(client):
    with client.messages.create(**QUESTION, stream=True) as stream:
        return next(iter(stream)).type


def message_throttled_once(client):
    answer = client.messages.create(**asking("throttle me once"))
    return answer.content[0].text


def tool_use(client):
    answer = client.messages.create(**QUESTION, tools=TOOLS)
    return [answer.stop_reason, answer.content[0].name, answer.content[0].input]


def tool_use_streamed(client):
    with client.messages.stream(**QUESTION, tools=TOOLS) as stream:
        answer = stream.get_final_message()
        return [answer.stop_reason, answer.content[0].name, answer.content[0].input]


def overloaded(client):
    try:
        stream = client.messages.create(**asking("break off with an error"), stream=True)
        return [event.type for event in stream]
    except APIError as error:
        return error.body["error"]["type"]


def count_tokens(client):
    question = {key: QUESTION[key] for key in ("model", "messages")}
    return client.messages.count_tokens(**question).input_tokens


def batch(client):
    request = {"custom_id": "first", "params": QUESTION}
    return client.messages.batches.create(requests=[request]).processing_status


def models(client):
    return [model.id for model in client.models.list()]


def asking(words):
    return {**QUESTION, "messages": [{"role": "user", "content": f"Please {words}."}]}


if __name__ == "__main__":
    main()
