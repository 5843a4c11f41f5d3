"""Calls OpenAI with its own SDK, with a key in every position that the SDK has; see planted.py."""

import json

from openai import OpenAI

from planted import (
    ARGUMENTS,
    BASE_URL,
    FILE,
    FORM,
    FORM_TYPE,
    HEADERS,
    KEYS,
    PART,
    QUERY,
    SYSTEM,
    TOOL_RESULT,
    TOOL_SCHEMA,
    TOOL_TEXT,
    USER,
    WEBHOOK,
    WITH_USER,
    has_answer_key,
    report,
)

QUESTION = {
    "model": KEYS["model"],
    "user": KEYS["end_user"],
    "metadata": {"ticket": KEYS["metadata"]},
}
CALL = {"name": "deploy", "arguments": json.dumps(ARGUMENTS)}
TOOL = {"name": "deploy", "description": TOOL_TEXT, "parameters": TOOL_SCHEMA}
CHAT = {
    **QUESTION,
    "messages": [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": USER},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": CALL}]},
        {"role": "tool", "tool_call_id": "c", "content": TOOL_RESULT},
    ],
    "tools": [{"type": "function", "function": TOOL}],
}
RESPONSE = {
    **QUESTION,
    "instructions": SYSTEM,
    "input": [
        {"role": "user", "content": USER},
        {"type": "function_call", "call_id": "c", **CALL},
        {"type": "function_call_output", "call_id": "c", "output": TOOL_RESULT},
    ],
    "tools": [{"type": "function", "strict": False, **TOOL}],
}


def main():
    client = OpenAI(
        api_key=KEYS["api_key"],
        base_url=f"{BASE_URL}/v1",
        default_headers=HEADERS,
        default_query=QUERY,
        max_retries=0,
    )
    calls = (chat, chat_streamed, responses, responses_streamed, models, upload, form, webhook)
    report(client, calls)


def chat(client):
    answer = client.chat.completions.create(**CHAT)
    return [answer.choices[0].message.content, has_answer_key(answer.model)]


def chat_streamed(client):
    chunks = list(client.chat.completions.create(**CHAT, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return [text, all(has_answer_key(chunk.model) for chunk in chunks)]


def responses(client):
    answer = client.responses.create(**RESPONSE)
    return [answer.output_text, has_answer_key(answer.model)]


def responses_streamed(client):
    events = list(client.responses.create(**RESPONSE, stream=True))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    return [text, has_answer_key(events[-1].response.model)]


def models(client):
    below = client.with_options(base_url=f"{WITH_USER}/{KEYS['base_path']}/v1")
    return len(list(below.models.list()))


def upload(client):
    return bool(client.files.create(file=FILE, purpose="batch", extra_body=PART))


def form(client):
    return bool(client.post("/oauth/token", content=FORM, options=FORM_TYPE, cast_to=object))


def webhook(client):
    hook = client.with_options(base_url=WEBHOOK)
    return bool(hook.post("", body={"content": "deployed"}, cast_to=object))


if __name__ == "__main__":
    main()
