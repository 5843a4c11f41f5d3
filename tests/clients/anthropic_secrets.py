"""Calls Anthropic with its own SDK, with a key in every position that the SDK has; see planted.py."""

from anthropic import Anthropic

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

CALL = {"type": "tool_use", "id": "c", "name": "deploy", "input": ARGUMENTS}
RESULT = {"type": "tool_result", "tool_use_id": "c", "content": TOOL_RESULT}
QUESTION = {
    "model": KEYS["model"],
    "max_tokens": 64,
    "system": SYSTEM,
    "messages": [
        {"role": "user", "content": USER},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [RESULT]},
    ],
    "tools": [{"name": "deploy", "description": TOOL_TEXT, "input_schema": TOOL_SCHEMA}],
    "metadata": {"user_id": KEYS["end_user"]},
    "extra_body": {"annotations": {"ticket": KEYS["metadata"]}},
}


def main():
    client = Anthropic(
        api_key=KEYS["api_key"],
        base_url=BASE_URL,
        default_headers=HEADERS,
        default_query=QUERY,
        max_retries=0,
    )
    report(client, (message, message_streamed, models, upload, form, webhook))


def message(client):
    answer = client.messages.create(**QUESTION)
    return [answer.content[0].text, has_answer_key(answer.model)]


def message_streamed(client):
    with client.messages.stream(**QUESTION) as stream:
        text = "".join(stream.text_stream)
        return [text, has_answer_key(stream.get_final_message().model)]


def models(client):
    below = client.with_options(base_url=f"{WITH_USER}/{KEYS['base_path']}")
    return len(list(below.models.list()))


def upload(client):
    return bool(client.beta.files.upload(file=FILE, extra_body=PART))


def form(client):
    return bool(client.post("/oauth/token", content=FORM, options=FORM_TYPE, cast_to=object))


def webhook(client):
    hook = client.with_options(base_url=WEBHOOK)
    return bool(hook.post("", body={"content": "deployed"}, cast_to=object))


if __name__ == "__main__":
    main()
