"""An agent of the OpenAI Agents SDK with one tool. Where to and with which key, the environment says:
OPENAI_BASE_URL, OPENAI_API_KEY. Prints one JSON line: what the agent said, and with what its tool was called."""

import json

from agents import Agent, Runner, function_tool, set_tracing_disabled

CITIES = []


@function_tool
def weather(city: str) -> str:
    CITIES.append(city)
    return "sunny"


def main():
    # Traces would go to api.openai.com whatever the base URL is.
    set_tracing_disabled(True)
    agent = Agent(name="weatherman", model="simulated-1", tools=[weather])
    result = Runner.run_sync(agent, "What is the weather?")
    print(json.dumps({"call": "run", "got": [result.final_output, CITIES]}))


if __name__ == "__main__":
    main()
