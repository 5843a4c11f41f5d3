"""Names an agent as README.md says for each SDK of Python: in code, or with the argument `environment` by variables alone.
Prints one JSON line per call."""

import json
import sys

import boto3
from anthropic import Anthropic
from google import genai
from openai import OpenAI

MESSAGES = [{"role": "user", "content": "What is the ledger for?"}]


def main():
    named = (openai, anthropic, google, bedrock)
    by_variables = (openai_by_variable, anthropic_by_variable)
    for call in by_variables if sys.argv[1:] == ["environment"] else named:
        call()
        print(json.dumps({"call": call.__name__}))


def openai():
    OpenAI(default_headers={"x-agent-id": "sales"}).models.list()


def anthropic():
    ask(Anthropic(default_headers={"x-agent-id": "sales"}))


def google():
    client = genai.Client(http_options={"headers": {"x-agent-id": "sales"}})
    client.models.generate_content(model="simulated-1", contents="What is the ledger for?")


def bedrock():
    def name(request, **_):
        request.headers["x-agent-id"] = "sales"

    client = boto3.client("bedrock-runtime")
    client.meta.events.register("before-send", name)
    content = [{"text": "Please tell me what the ledger is for."}]
    client.converse(
        modelId="anthropic.simulated-1-v1:0", messages=[{"role": "user", "content": content}]
    )


def openai_by_variable():
    OpenAI().models.list()


def anthropic_by_variable():
    ask(Anthropic())


def ask(client):
    client.messages.create(model="simulated-1", max_tokens=64, messages=MESSAGES)


if __name__ == "__main__":
    main()
