"""What clients with planted keys have in common. Standard input says which key to carry where, as
JSON; the arguments are the base URL and that of a host with webhooks. No key is ever printed."""

import json
import sys
from urllib.parse import urlencode, urlsplit

BASE_URL, WEBHOOKS = sys.argv[1:]
KEYS = json.load(sys.stdin)

QUERY = {"page": "1", "key": KEYS["query"]}
HEADERS = {
    "x-agent-id": KEYS["agent_id"],
    "x-agent-version": KEYS["agent_version"],
    "x-agent-deployment": KEYS["agent_deployment"],
    "x-user-id": KEYS["user_id"],
    "x-session-id": KEYS["session_id"],
    "x-correlation-id": KEYS["correlation_id"],
    "x-request-id": KEYS["request_id"],
    "traceparent": f"00-{KEYS['traceparent']}-00f067aa0ba902b7-01",
    "user-agent": f"Agent/1 ({KEYS['user_agent']})",
    "cookie": f"theme=dark; session={KEYS['cookie']}",
    "x-note": f"rotate {KEYS['unlisted_header']} soon",
}

# Tool-call arguments: JSON in a JSON string, with more JSON in a string of its own.
ARGUMENTS = {
    "target": KEYS["argument"],
    "login": {"user": "deploy", "password": KEYS["named_argument"]},
    "payload": json.dumps({"text": KEYS["nested_argument"]}),
}
TOOL_SCHEMA = {
    "type": "object",
    "properties": {"target": {"type": "string", "default": KEYS["tool_default"]}},
}
TOOL_TEXT = f"Deploys, as with {KEYS['tool_description']}."
TOOL_RESULT = f"$ env\nHOME=/root\nDEPLOY={KEYS['tool_result']}\n{KEYS['notations']}\n"
SYSTEM = f"You deploy with {KEYS['system']}. Never show it."
USER = f"These leaked:\n{KEYS['every']}\nand {KEYS['user']}."

FILE = (f"{KEYS['file_name']}.jsonl", f'{{"prompt":"use {KEYS["file"]}"}}\n'.encode())
PART = {"client_secret": KEYS["named_part"]}
FORM = urlencode({"grant": KEYS["form"], "a": "b", "password": KEYS["named_field"]}).encode()
FORM_TYPE = {"headers": {"content-type": "application/x-www-form-urlencoded"}}
WITH_USER = BASE_URL.replace("://", f"://agent:{KEYS['userinfo']}@")
WEBHOOK = f"{WEBHOOKS}{urlsplit(KEYS['webhook']).path}"


def report(client, calls):
    """Makes the calls; prints one JSON line for each: what the client made of the answer."""
    for call in calls:
        print(json.dumps({"call": call.__name__, "got": call(client)}))


def has_answer_key(model):
    """Whether the key that the provider put into its answer came through."""
    return model == KEYS["answer_model"]
