"""Calls Gemini with Google's own SDK. Where to and with which key, the environment says:
GOOGLE_GEMINI_BASE_URL, GEMINI_API_KEY. Prints one JSON line per call: what the SDK made of it."""

import json

from google import genai
from google.genai import types

PARAMETERS = types.Schema(
    type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}
)
WEATHER = types.FunctionDeclaration(name="weather", description="Weather", parameters=PARAMETERS)
QUESTION = {"model": "simulated-1", "contents": "What is the ledger for? Café, \N{CRAB}"}


def main():
    client = genai.Client()
    for call in (generate, generate_streamed, tool, embed, cache, interaction):
        print(json.dumps({"call": call.__name__, "got": call(client)}))


def generate(client):
    answer = client.models.generate_content(**QUESTION)
    return [answer.text, answer.usage_metadata.total_token_count]


def generate_streamed(client):
    text, tokens = "", None
    for answer in client.models.generate_content_stream(**QUESTION):
        text += answer.text
        tokens = answer.usage_metadata.total_token_count
    return [text, tokens]


def tool(client):
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[WEATHER])])
    answer = client.models.generate_content(**QUESTION, config=config)
    return [answer.function_calls[0].name, answer.function_calls[0].args]


def embed(client):
    return client.models.embed_content(**QUESTION).embeddings[0].values


def cache(client):
    config = types.CreateCachedContentConfig(contents="What is the ledger for?", ttl="300s")
    return client.caches.create(model="simulated-1", config=config).usage_metadata.total_token_count


def interaction(client):
    answer = client.interactions.create(model="simulated-1", input="What is the ledger for?")
    return [answer.status, answer.usage.total_tokens]


if __name__ == "__main__":
    main()
