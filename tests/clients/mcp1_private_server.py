"""An MCP server of the protocol of 2025-11-25, with the real SDK, whose tools have a password among their arguments,
tell their progress and answer by a schema. Prints the port on which it listens, and stays."""

import socket

import uvicorn
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import BaseModel

# The gateway passes the public name of the server on, which is not its address.
names = TransportSecuritySettings(enable_dns_rebinding_protection=False)
server = FastMCP("simulated", transport_security=names)


class Account(BaseModel):
    user: str
    password_length: int
    token: str | None
    next_page_token: str


@server.tool()
async def deploy(steps: int, context: Context) -> int:
    for step in range(steps):
        await context.report_progress(step + 1, steps, f"step {step + 1}")
    return steps


@server.tool()
def sign_up(user: str, password: str) -> Account:
    return Account(user=user, password_length=len(password), token=None, next_page_token="CAUQAA")


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    app = server.streamable_http_app()
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
