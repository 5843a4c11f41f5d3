"""Calls an MCP server with the real SDK and with what a masker might harm: progress, schemas with a password in
them, answers by a schema. Where to, the environment says: MCP_URL. Prints one JSON line per call."""

import asyncio
import json
import os

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main():
    async with streamable_http_client(os.environ["MCP_URL"]) as (reading, writing, _):
        async with ClientSession(reading, writing) as session:
            await session.initialize()
            for call in (schema, progress, structured):
                print(json.dumps({"call": call.__name__, "got": await call(session)}))


async def schema(session):
    tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    return tools["sign_up"].inputSchema["properties"]["password"]


async def progress(session):
    seen = []

    async def note(done, total, message):
        seen.append([done, total, message])

    result = await session.call_tool("deploy", {"steps": 3}, progress_callback=note)
    return [result.isError, result.structuredContent, seen]


async def structured(session):
    result = await session.call_tool("sign_up", {"user": "ada", "password": "correct-horse-9"})
    return [result.isError, result.structuredContent]


if __name__ == "__main__":
    asyncio.run(main())
