"""Calls Amazon Bedrock with Amazon's own SDK. Where to and with which key, the environment says:
AWS_ENDPOINT_URL_BEDROCK_RUNTIME, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. Prints one JSON line per
call: what the SDK made of it."""

import json

import boto3
from botocore.exceptions import EventStreamError

MODEL = "anthropic.simulated-1-v1:0"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": SCHEMA}}}]}


def main():
    client = boto3.client("bedrock-runtime")
    for call in (
        converse,
        converse_streamed,
        converse_tool,
        converse_tool_streamed,
        converse_throttled_once,
        converse_broken,
        invoke,
        invoke_streamed,
    ):
        print(json.dumps({"call": call.__name__, "got": call(client)}))


def converse(client):
    answer = client.converse(**asking("tell me what the ledger is for: Café, \N{CRAB}"))
    return [answer["output"]["message"]["content"][0]["text"], answer["usage"]["totalTokens"]]


def converse_streamed(client):
    events = list(client.converse_stream(**asking("tell me what it is for"))["stream"])
    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
    text = "".join(delta["delta"]["text"] for delta in deltas)
    return [text, events[-1]["metadata"]["usage"]["totalTokens"]]


def converse_tool(client):
    answer = client.converse(**asking("tell me the weather"), toolConfig=TOOLS)
    called = answer["output"]["message"]["content"][0]["toolUse"]
    return [called["name"], called["input"]]


def converse_tool_streamed(client):
    answer = client.converse_stream(**asking("tell me the weather"), toolConfig=TOOLS)
    starts = [event["contentBlockStart"] for event in answer["stream"] if "contentBlockStart" in event]
    return starts[0]["start"]["toolUse"]["name"]


def converse_throttled_once(client):
    answer = client.converse(**asking("throttle me once"))
    return answer["output"]["message"]["content"][0]["text"]


def converse_broken(client):
    try:
        return list(client.converse_stream(**asking("break off with an error"))["stream"])
    except EventStreamError as error:
        return error.response["Error"]["Code"]


def invoke(client):
    answer = client.invoke_model(modelId=MODEL, body=json.dumps(QUESTION))
    return json.loads(answer["body"].read())["content"][0]["text"]


def invoke_streamed(client):
    answer = client.invoke_model_with_response_stream(modelId=MODEL, body=json.dumps(QUESTION))
    events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    return [event["type"] for event in events if event["type"] != "content_block_delta"]


def asking(words):
    messages = [{"role": "user", "content": [{"text": f"Please {words}."}]}]
    return {"modelId": MODEL, "messages": messages}


QUESTION = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "What is the ledger for?"}],
}

if __name__ == "__main__":
    main()
