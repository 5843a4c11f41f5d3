"""Calls OpenAI with its own SDK. Where to and with which key, the environment says:
OPENAI_BASE_URL, OPENAI_API_KEY. Prints one JSON line per call: what the SDK made of it."""

import json

from openai import APIError, OpenAI

QUESTION = [{"role": "user", "content": "What is the ledger for? Café, \N{CRAB}"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}
TOOL = {"type": "function", "name": "weather", "parameters": PARAMETERS, "strict": False}


def main():
    client = OpenAI()
    for call in (
        chat,
        chat_streamed,
        chat_streamed_with_usage,
        chat_tool,
        chat_tool_streamed,
        chat_broken,
        chat_closed_early,
        chat_closed_at_its_end,
        chat_choices,
        chat_choices_closed_after_the_first,
        chat_throttled_once,
        responses,
        responses_streamed,
        responses_tool,
        responses_tool_streamed,
        responses_failed,
        responses_failed_streamed,
        responses_broken,
        embeddings,
        models,
    ):
        print(json.dumps({"call": call.__name__, "got": call(client)}))


def chat(client):
    answer = client.chat.completions.create(model="simulated-1", messages=QUESTION)
    return [answer.choices[0].message.content, answer.usage.total_tokens]


def chat_streamed(client):
    return chat_events(client)


def chat_streamed_with_usage(client):
    return chat_events(client, stream_options={"include_usage": True})


def chat_tool(client):
    answer = client.chat.completions.create(
        model="simulated-1", messages=QUESTION, tools=[CHAT_TOOL]
    )
    function = answer.choices[0].message.tool_calls[0].function
    return [function.name, function.arguments]


def chat_tool_streamed(client):
    name, arguments = "", ""
    for chunk in client.chat.completions.create(
        model="simulated-1", messages=QUESTION, tools=[CHAT_TOOL], stream=True
    ):
        for call in chunk.choices[0].delta.tool_calls or []:
            name += call.function.name or ""
            arguments += call.function.arguments
    return [name, arguments]


def chat_broken(client):
    return refused(lambda: chat_events(client, messages=asking("break off with an error")))


def chat_closed_early(client):
    stream = client.chat.completions.create(model="simulated-1", messages=QUESTION, stream=True)
    first = next(stream)
    stream.close()
    return first.object


def chat_closed_at_its_end(client):
    return chat_events(client, messages=asking("keep the line open"))


def chat_choices(client):
    texts = ["", ""]
    for chunk in client.chat.completions.create(
        model="simulated-1", messages=QUESTION, stream=True, n=2
    ):
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    return texts


def chat_choices_closed_after_the_first(client):
    for chunk in client.chat.completions.create(
        model="simulated-1", messages=asking("keep the line open"), stream=True, n=2
    ):
        if chunk.choices[0].index == 1:
            return chunk.object


def chat_throttled_once(client):
    answer = client.chat.completions.create(
        model="simulated-1", messages=asking("throttle me once")
    )
    return answer.choices[0].message.content


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


def responses_tool(client):
    answer = client.responses.create(model="simulated-1", input="Weather?", tools=[TOOL])
    return [answer.output[0].name, answer.output[0].arguments]


def responses_tool_streamed(client):
    last = last_event(client, input="Weather?", tools=[TOOL])
    return [last.response.output[0].name, last.response.output[0].arguments]


def responses_failed(client):
    answer = client.responses.create(model="simulated-1", input="fail behind a good status")
    return [answer.status, answer.error.code]


def responses_failed_streamed(client):
    last = last_event(client, input="fail behind a good status")
    return [last.response.status, last.response.error.code]


def responses_broken(client):
    return refused(lambda: last_event(client, input="break off with an error").type)


def embeddings(client):
    answer = client.embeddings.create(model="simulated-1", input="one entry per call")
    return answer.data[0].embedding


def models(client):
    return [model.id for model in client.models.list()]


def chat_events(client, messages=QUESTION, **more):
    text, tokens = "", None
    for chunk in client.chat.completions.create(
        model="simulated-1", messages=messages, stream=True, **more
    ):
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
        if chunk.usage:
            tokens = chunk.usage.total_tokens
    return [text, tokens]


def last_event(client, **question):
    *_, last = client.responses.create(model="simulated-1", stream=True, **question)
    return last


def asking(words):
    return [{"role": "user", "content": f"Please {words}."}]


def refused(call):
    """The name of the SDK's own error; what came instead, if none was raised."""
    try:
        return call()
    except APIError as error:
        return type(error).__name__


if __name__ == "__main__":
    main()
