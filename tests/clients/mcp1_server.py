"""An MCP server of the protocol of 2025-11-25, with the real SDK: one good tool, one that fails, a resource, and a prompt.
Prints the port on which it listens, and stays. With `--sse` it speaks the transport of 2024, two connections."""

import socket
import sys

import uvicorn
from mcp.server.fastmcp import FastMCP
from mcp.server.transport_security import TransportSecuritySettings

# The gateway passes the public name of the server on, which is not its address.
names = TransportSecuritySettings(enable_dns_rebinding_protection=False)
server = FastMCP("simulated", transport_security=names)


@server.tool()
def weather(city: str) -> str:
    return f"sunny in {city}"


@server.tool()
def storm(city: str) -> str:
    raise ValueError(f"no instruments in {city}")


@server.resource("notes://paris")
def notes() -> str:
    return "bring an umbrella"


@server.prompt()
def forecast(city: str) -> str:
    return f"What will the weather be in {city}?"


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    app = server.sse_app() if "--sse" in sys.argv else server.streamable_http_app()
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
