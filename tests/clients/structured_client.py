"""Calls OpenAI with its own SDK and with what only looks like a secret: schemas with a `password` among their
properties, counts, log probabilities asked for. Where to, the environment says. Prints one JSON line per call."""

import json

from openai import OpenAI

PROPERTIES = {
    "user": {"type": "string"},
    "password": {"type": "string", "minLength": 8, "pattern": "^[!-~]+$", "description": "The new password."},
    "api_key": {"type": ["string", "null"], "title": "Key", "default": None},
    "token": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]},
    "credentials": {"$ref": "#/$defs/credentials"},
}
SCHEMA = {
    "type": "object",
    "properties": PROPERTIES,
    "required": list(PROPERTIES),
    "additionalProperties": False,
    "$defs": {"credentials": {"type": "object", "properties": {"secret": {"type": "string", "enum": ["a", "b"]}}}},
}
TOOL = {"name": "sign_up", "description": "Signs up.", "parameters": SCHEMA, "strict": True}
QUESTION = {
    "model": "simulated-1",
    "max_completion_tokens": 64,
    "messages": [
        {"role": "system", "content": "The password must be at least eight characters long. Use ${DB_PASSWORD}."},
        {"role": "user", "content": "for token in tokens: total += token.cost; key = keys[i]; password = get_password()"},
    ],
}


def main():
    client = OpenAI(max_retries=0)
    for call in (structured, tools, log_probabilities, responses):
        call(client)
        print(json.dumps({"call": call.__name__}))


def structured(client):
    schema = {"name": "account", "schema": SCHEMA, "strict": True}
    client.chat.completions.create(**QUESTION, response_format={"type": "json_schema", "json_schema": schema})


def tools(client):
    client.chat.completions.create(**QUESTION, tools=[{"type": "function", "function": TOOL}])


def log_probabilities(client):
    said = [{"token": "Hello", "logprob": -0.3, "bytes": [72]}, {"token": " world", "logprob": -1.5, "bytes": None}]
    client.chat.completions.create(
        **QUESTION, logprobs=True, top_logprobs=2, extra_body={"metadata": {"seen": json.dumps(said)}}
    )


def responses(client):
    client.responses.create(
        model="simulated-1",
        input=[{"role": "user", "content": "nextPageToken, resume_token and progressToken turn pages."}],
        text={"format": {"type": "json_schema", "name": "account", "schema": SCHEMA, "strict": True}},
        extra_body={"metadata": {"nextPageToken": "CAUQAA", "sequence_token": "49", "has_api_key": "true"}},
    )


if __name__ == "__main__":
    main()
