"""Calls an MCP server with the real SDK, by the protocol of 2025-11-25. Where to, the environment says: MCP_URL.
With `--sse` it takes the transport of 2024. Prints one JSON line per call: what the SDK made of it."""

import asyncio
import json
import os
import sys

from mcp import ClientSession, McpError, types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client


async def main():
    connect = sse_client if "--sse" in sys.argv else streamable_http_client
    async with connect(os.environ["MCP_URL"]) as (reading, writing, *_):
        async with ClientSession(reading, writing) as session:
            for call in (
                initialize,
                list_tools,
                good_tool,
                traced_tool,
                failing_tool,
                resource,
                prompt,
                unknown_prompt,
                unknown_method,
            ):
                print(json.dumps({"call": call.__name__, "got": await call(session)}))


async def initialize(session):
    return (await session.initialize()).protocolVersion


async def list_tools(session):
    return [tool.name for tool in (await session.list_tools()).tools]


async def good_tool(session):
    result = await session.call_tool("weather", {"city": "Paris"})
    return [result.isError, result.content[0].text]


async def traced_tool(session):
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    result = await session.call_tool("weather", {"city": "Rome"}, meta=trace)
    return [result.isError, result.content[0].text]


async def failing_tool(session):
    result = await session.call_tool("storm", {"city": "Paris"})
    return [result.isError, result.content[0].text]


async def resource(session):
    return (await session.read_resource("notes://paris")).contents[0].text


async def prompt(session):
    result = await session.get_prompt("forecast", {"city": "Paris"})
    return result.messages[0].content.text


async def unknown_prompt(session):
    return await refused(session.get_prompt("nothing"))


async def unknown_method(session):
    reference = types.PromptReference(type="ref/prompt", name="forecast")
    return await refused(session.complete(reference, {"name": "city", "value": "P"}))


async def refused(call):
    try:
        return str(await call)
    except McpError as error:
        return error.error.code


if __name__ == "__main__":
    asyncio.run(main())
