"""Calls OpenAI with its own SDK for what is no chat. Where to and with which key, the environment says:
OPENAI_BASE_URL, OPENAI_API_KEY. Prints one JSON line per call: what the SDK made of it."""

import json

from openai import OpenAI

MODEL = "simulated-1"


def main():
    client = OpenAI()
    for call in (
        image,
        image_edit,
        transcription,
        moderation,
        background,
        background_completed,
        background_failed,
        background_cancelled,
        file,
        batch,
        batch_completed,
    ):
        print(json.dumps({"call": call.__name__, "got": call(client)}))


def image(client):
    return client.images.generate(model=MODEL, prompt="a ledger").usage.total_tokens


def image_edit(client):
    picture = ("ledger.png", b"\x89PNG\r\n\x1a\n", "image/png")
    return client.images.edit(model=MODEL, prompt="a hat", image=picture).usage.total_tokens


def transcription(client):
    return client.audio.transcriptions.create(model=MODEL, file=("call.mp3", b"ID3\r\n--")).text


def moderation(client):
    return client.moderations.create(model=MODEL, input="What is the ledger for?").id


def background(client):
    return client.responses.create(model=MODEL, input="What?", background=True).status


def background_completed(client):
    answer = client.responses.retrieve("resp_simulated")
    return [answer.output_text, answer.usage.total_tokens]


def background_failed(client):
    answer = client.responses.retrieve("resp_failed")
    return [answer.status, answer.error.code]


def background_cancelled(client):
    return client.responses.cancel("resp_simulated").status


def file(client):
    return client.files.create(file=("batch.jsonl", b"{}"), purpose="batch").id


def batch(client):
    return client.batches.create(
        input_file_id="file-simulated", endpoint="/v1/responses", completion_window="24h"
    ).status


def batch_completed(client):
    return client.batches.retrieve("batch_simulated").usage.total_tokens


if __name__ == "__main__":
    main()
