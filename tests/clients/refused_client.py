"""Calls three providers with their own SDKs, each once and with its default retries, while the gateway refuses every call.
Where to and with which key, the environment says. Prints one JSON line per call: what the SDK made of it."""

import json

import anthropic
import boto3
import openai
from botocore.exceptions import ClientError

MESSAGES = [{"role": "user", "content": "ping"}]


def main():
    for call in (with_openai, with_anthropic, with_bedrock, with_bedrock_legacy):
        print(json.dumps({"call": call.__name__, "status": call()}))


def with_openai():
    try:
        openai.OpenAI().chat.completions.create(model="simulated-1", messages=MESSAGES)
    except openai.APIStatusError as error:
        return error.status_code


def with_anthropic():
    try:
        anthropic.Anthropic().messages.create(model="simulated-1", max_tokens=9, messages=MESSAGES)
    except anthropic.APIStatusError as error:
        return error.status_code


def with_bedrock(**settings):
    config = boto3.session.Config(**settings)
    client = boto3.client("bedrock-runtime", config=config)
    try:
        client.converse(modelId="simulated-1", messages=[{"role": "user", "content": [{"text": "ping"}]}])
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def with_bedrock_legacy():
    return with_bedrock(retries={"mode": "legacy"})


main()
