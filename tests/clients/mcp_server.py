"""An MCP server of the protocol of 2026-07-28, with the real SDK: one good tool, one that fails, a resource, and a prompt.
Prints the port on which it listens, and stays."""

import socket

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

server = MCPServer("simulated")


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
    # The gateway passes the public name of the server on, which is not its address.
    names = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = server.streamable_http_app(transport_security=names)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
