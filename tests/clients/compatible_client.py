"""Calls three providers that speak OpenAI's language, with OpenAI's SDK: Azure, Mistral and Groq. Where to
and with which key, the environment says: AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY, MISTRAL_BASE_URL,
GROQ_BASE_URL, OPENAI_API_KEY. Prints one JSON line per call: what the SDK made of it."""

import json
import os

from openai import AzureOpenAI, OpenAI

QUESTION = {
    "model": "simulated-1",
    "messages": [{"role": "user", "content": "What is the ledger for? Café, \N{CRAB}"}],
}


def main():
    clients = {
        "azure": AzureOpenAI(api_version="2024-10-21"),
        "mistral": OpenAI(base_url=os.environ["MISTRAL_BASE_URL"]),
        "groq": OpenAI(base_url=os.environ["GROQ_BASE_URL"]),
    }
    for name, client in clients.items():
        print(json.dumps({"call": name, "got": chat(client)}))
        print(json.dumps({"call": f"{name}_streamed", "got": chat_streamed(client)}))


def chat(client):
    answer = client.chat.completions.create(**QUESTION)
    return [answer.choices[0].message.content, answer.usage.total_tokens]


def chat_streamed(client):
    chunks = client.chat.completions.create(**QUESTION, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


if __name__ == "__main__":
    main()
