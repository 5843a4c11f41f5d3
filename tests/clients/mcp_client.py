"""Calls an MCP server with the real SDK, by the protocol of 2026-07-28. Where to, the environment says: MCP_URL.
Prints one JSON line per call: what the SDK made of it."""

import asyncio
import json
import os

from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference


async def main():
    async with Client(os.environ["MCP_URL"]) as client:
        for call in (
            list_tools,
            good_tool,
            traced_tool,
            failing_tool,
            resource,
            prompt,
            unknown_prompt,
            unknown_method,
        ):
            print(json.dumps({"call": call.__name__, "got": await call(client)}))


async def list_tools(client):
    return [tool.name for tool in (await client.list_tools()).tools]


async def good_tool(client):
    result = await client.call_tool("weather", {"city": "Paris"})
    return [result.is_error, result.content[0].text]


async def traced_tool(client):
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    result = await client.call_tool("weather", {"city": "Rome"}, meta=trace)
    return [result.is_error, result.content[0].text]


async def failing_tool(client):
    result = await client.call_tool("storm", {"city": "Paris"})
    return [result.is_error, result.content[0].text]


async def resource(client):
    return (await client.read_resource("notes://paris")).contents[0].text


async def prompt(client):
    result = await client.get_prompt("forecast", {"city": "Paris"})
    return result.messages[0].content.text


async def unknown_prompt(client):
    return await refused(client.get_prompt("nothing"))


async def unknown_method(client):
    reference = PromptReference(type="ref/prompt", name="forecast")
    return await refused(client.complete(reference, {"name": "city", "value": "P"}))


async def refused(call):
    try:
        return str(await call)
    except MCPError as error:
        return error.error.code


if __name__ == "__main__":
    asyncio.run(main())
