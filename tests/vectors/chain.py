#!/usr/bin/env python3
"""The hash chain of a stream, and the hash of a body in frames, a second time: for auditors who do
not want to trust the first.

    python3 chain.py sse stream.txt                the number of events, and the chain
    python3 chain.py sse stream.txt --key-hex 6b…  the same with the operator's key
    python3 chain.py sse stream.txt --aborted      of a stream that broke off
    python3 chain.py sse stream.txt --list         every link
    python3 chain.py grpc body.bin --body          the hash of the body

    link 0 = H("ledgerline.stream.v1:" + kind)
    link i = H(link i-1 + event i)       H is SHA-256, or HMAC-SHA-256 with the key

It needs nothing but Python's own library and finds no secret: a stream of text must be the gateway's
view, with the mark in place of every secret. Of frames the bytes as they crossed are needed, and each
secret in them has to be named with `--secret`. `--vectors` writes stream.json, which the tests
compare with the filter's own code.
"""

import argparse, base64, hashlib, hmac, json, pathlib, re, struct, zlib

KINDS = ["sse", "ndjson", "eventstream", "websocket", "grpc", "grpc_web", "grpc_web_text", "connect", "chunked"]
MARK = b"***REDACTED***"


def digest(key, data):
    return hmac.digest(key, data, "sha256") if key else hashlib.sha256(data).digest()


def mask(payload, secrets):
    for secret in secrets:
        payload = payload.replace(secret, MARK)
    return payload


def chain(kind, stream, key=None, complete=True, secrets=()):
    """The links of all whole events."""
    link, links = digest(key, b"ledgerline.stream.v1:" + kind.encode()), []
    for event in events(kind, stream, key, complete, secrets):
        link = digest(key, link + event)
        links.append(link.hex())
    return links


def events(kind, stream, key, complete, secrets):
    if kind == "chunked":
        return chunked(stream, key)
    if kind in ("sse", "ndjson"):
        return globals()[kind](stream, complete)
    return (event for part, _, event, _ in frames(kind, stream, secrets) if part == "whole")


def body(kind, stream, key=None, secrets=()):
    """The hash of a body: of frames, with the link in place of each in which something is secret."""
    if kind in ("sse", "ndjson", "chunked"):
        return digest(key, stream).hex()
    link, hashed, masked = digest(key, b"ledgerline.stream.v1:" + kind.encode()), b"", False
    for part, crossed, event, is_masked in frames(kind, stream, secrets):
        masked = masked or is_masked
        if part in ("whole", "begun"):
            link = digest(key, link + event)
        hashed += crossed if not is_masked else event if part == "rest" else link
    return digest(key, stream if kind == "grpc_web_text" and not masked else hashed).hex()


def frames(kind, stream, secrets):
    """All bytes of a stream in parts, in order: ("whole", bytes, event, whether something in it is
    secret) for an event, "begun" for one that has no end, "other" for what is none, and "rest" from
    the first bytes that are no frame on."""
    if kind == "grpc_web_text":
        yield from grpc(unbase64(stream), secrets, 0x80)
    elif kind in ("eventstream", "websocket"):
        yield from globals()[kind](stream, secrets)
    else:
        yield from grpc(stream, secrets, {"grpc": 0, "grpc_web": 0x80, "connect": 2}[kind])


def rest(stream, secrets):
    view = mask(stream, secrets)
    return "rest", stream, view, view != stream


def sse(stream, complete):
    """All lines up to and with the blank line behind at least one `data` line."""
    start, has_data = 0, False
    for line in re.finditer(rb"([^\r\n]*)(\r\n|\n|\r|$)", stream):
        text = line[1].removeprefix(b"\xef\xbb\xbf") if line.start() == 0 else line[1]
        if text:
            has_data = has_data or text.split(b":")[0] == b"data"
        elif has_data and line[2]:
            # Of a stream that broke off behind a CR nobody knows whether an LF would have followed.
            if line[2] != b"\r" or line.end() < len(stream) or complete:
                yield stream[start : line.end()]
            start, has_data = line.end(), False
    if complete and has_data:
        yield stream[start:]


def ndjson(stream, complete):
    """All lines up to and with one that holds more than white space."""
    event = b""
    for line in re.findall(rb"[^\n]*\n|[^\n]+$", stream):
        event += line
        if line.strip(b" \t\n\f\r\x1e") and (line.endswith(b"\n") or complete):
            yield event
            event = b""


def eventstream(stream, secrets):
    """Frames; the event is without the last four bytes."""
    while len(stream) >= 12:
        total, headers, checksum = struct.unpack(">III", stream[:12])
        if zlib.crc32(stream[:8]) != checksum or not headers + 16 <= total <= 32 << 20:
            yield "other", stream[:12], b"", False
            yield rest(stream[12:], secrets)
            return
        payload = stream[12 + headers : total - 4]
        view = mask(payload, secrets)
        part = "whole" if len(stream) >= total else "begun"
        yield part, stream[:total], stream[: 12 + headers] + view, view != payload
        stream = stream[total:]
    yield "other", stream, b"", False


def websocket(stream, secrets):
    """The opcode of each message in a byte, and the payload of all its frames, unmasked."""
    message, compressed, crossed = None, False, b""

    def event():
        view = message[:1] + (message[1:] if compressed else mask(message[1:], secrets))
        return view, view != message

    while len(stream) >= 2:
        first, length, start = stream[0], stream[1] & 0x7F, 2
        if length == 126:
            length, start = int.from_bytes(stream[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(stream[2:10], "big"), 10
        key = b"\0\0\0\0"
        if stream[1] & 0x80:
            key, start = stream[start : start + 4], start + 4
        if len(stream) < start:
            break
        last, rsv1, reserved, opcode = first & 0x80, first & 0x40, first & 0x30, first & 0x0F
        control = opcode in (8, 9, 10) and last and not rsv1 and length <= 125
        begins = opcode in (1, 2) and message is None
        goes_on = opcode == 0 and message is not None and not rsv1
        if reserved or length >= 1 << 63 or not (control or begins or goes_on):
            if message is not None:
                yield "begun", crossed, *event()
            yield "other", stream[:start], b"", False
            yield rest(stream[start:], secrets)
            return
        is_whole = len(stream) >= start + length
        hidden = stream[start : start + length]
        payload = bytes(byte ^ key[index % 4] for index, byte in enumerate(hidden))
        frame, stream = stream[: start + length], stream[start + length :]
        if begins:
            message, compressed = bytes([opcode]), bool(rsv1)
        crossed += frame
        if not control:
            message += payload
        if not control and last and is_whole:
            yield "whole", crossed, *event()
            message = None
        if message is None:
            if control:
                yield "other", crossed, b"", False
            crossed = b""
    if message is not None:
        yield "begun", crossed + stream, *event()
    else:
        yield "other", stream, b"", False


def grpc(stream, secrets, last):
    """Five bytes, flags and the length, and so many bytes of message."""
    while len(stream) >= 5:
        if stream[0] & ~(1 | last):
            yield "other", stream[:5], b"", False
            yield rest(stream[5:], secrets)
            return
        end = 5 + int.from_bytes(stream[1:5], "big")
        payload = stream[5:end]
        view = payload if stream[0] & 1 else mask(payload, secrets)
        part = "whole" if len(stream) >= end else "begun"
        yield part, stream[:end], stream[:5] + view, view != payload
        stream = stream[end:]
    yield "other", stream, b"", False


def unbase64(text):
    """What is in base64, padded wherever it was cut into pieces."""
    pieces = re.findall(rb"[^=]+", re.sub(rb"[^A-Za-z0-9+/=]", b"", text))
    return b"".join(base64.b64decode(piece[: len(piece) // 4 * 4 + 4] + b"=" * (-len(piece) % 4)) for piece in pieces)


def chunked(stream, key):
    """The digest of everything up to each full 64 KiB."""
    for end in range(65536, len(stream) + 1, 65536):
        yield digest(key, stream[:end])


def frame(headers, payload):
    """A frame of an event stream with headers that are strings."""
    pack = lambda text: struct.pack(">H", len(text)) + text
    written = b"".join(bytes([len(n)]) + n + b"\7" + pack(v) for n, v in headers.items())
    prelude = struct.pack(">II", 16 + len(written) + len(payload), len(written))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + written + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def message(first, payload, key=b""):
    """A frame of a WebSocket, hidden under the key if there is one."""
    size, bit = len(payload), 0x80 if key else 0
    length = bytes([bit | size]) if size < 126 else struct.pack(">BH", bit | 126, size)
    hidden = bytes(byte ^ (key or b"\0")[index % 4 if key else 0] for index, byte in enumerate(payload))
    return bytes([first]) + length + key + hidden


def grpc_message(flags, payload):
    return struct.pack(">BI", flags, len(payload)) + payload


# A secret by its name, so that no key has to stand here.
SECRET = b"hunter2 and its kin"


def samples():
    """Streams of each kind, and whether they came to their end."""
    yield "sse", b"data: a\n\ndata: b\n\n", True
    yield "sse", b"", True
    yield "sse", b"\xef\xbb\xbfevent: message_start\r\ndata: {}\r\n\r\n: ping\r\n\r\ndata: {}\r\n\r\n", True
    yield "sse", b"data: a\r\rdata: b\ndata\n\r", True
    yield "sse", b"data: a\r\rdata: b\ndata\n\r", False
    for complete in [True, False]:
        yield "sse", b"event: lost\n\ndata: [DONE]\n\ndata: no blank line\n", complete
    yield "sse", b"data: a\r\n\r\nevent: error\r\ndata: no line end", True
    yield "sse", b"data: a\r\rdata: b\r", True
    yield "sse", b"data: a\n\ndata", True
    yield "sse", b"data: a\n\n: no data\nid: 1", True
    yield "sse", b"data: {\"key\":\"***REDACTED***\"}\n\n", True
    yield "ndjson", b'{"a":1}\n\n \r\n{"b":2}\r\n{"c":3}', True
    yield "ndjson", b'{"a":1}\n{"b":2}\n{"c":3}', False
    yield "ndjson", b'\x1e{"a":1}\n\x1e\n\x1e{"b":2}', True
    first = frame({b":event-type": b"chunk", b":message-type": b"event"}, b'{"bytes":"e30="}')
    last = frame({b":exception-type": b"throttlingException"}, b"{}")
    yield "eventstream", first + frame({}, b"") + last, True
    yield "eventstream", first + last[:-1], False
    yield "eventstream", first + b"this is no frame" + last, True
    hidden = message(0x81, b'{"type":"response.create"}', b"\x01\xc8\x03\x4d")
    parts = message(0x01, b"in two ") + message(0x89, b"ping") + message(0x80, b"parts", b"abcd")
    yield "websocket", hidden + parts + message(0x82, b"\xff" * 300) + message(0x88, b"\x03\xe8"), True
    yield "websocket", message(0xC1, b"\xaa\x56\x2a\x49\x2c\x06\x00") + message(0x81, b""), True
    yield "websocket", parts + message(0x83, b"reserved") + parts, True
    yield "websocket", b"\x82\x7f" + struct.pack(">Q", 3) + b"abc" + parts[:-1], False
    yield "grpc", b"\0\0\0\0\3abc\1\0\0\0\0\0\0\0\0\2d", True
    web = grpc_message(0, b"abc") + grpc_message(0x80, b"grpc-status: 8\r\n")
    yield "grpc_web", web, True
    yield "grpc_web_text", base64.b64encode(web[:8]) + base64.b64encode(web[8:]), True
    yield "connect", grpc_message(0, b"abc") + grpc_message(2, b'{"error":{"code":"unavailable"}}'), True
    yield "connect", grpc_message(0, b"abc") + grpc_message(4, b"no flag of Connect's"), True
    secret = b'{"password":"' + SECRET + b'","a":1}'
    for payload in [secret, secret[:-3]]:
        cut = len(payload) - len(secret) or None
        yield "eventstream", (first + frame({}, secret) + last + frame({}, secret))[: cut and cut - 4], True
        hidden = message(0x01, secret[:20], b"\1\2\3\4") + message(0x89, b"ping") + message(0x80, secret[20:], b"abcd")
        yield "websocket", (message(0x81, b"{}") + hidden + message(0x88, b"\3\xe8") + hidden)[:cut], True
        messages = grpc_message(0, b"abc") + grpc_message(0, secret) + grpc_message(1, secret) + grpc_message(0, secret)
        for kind in ["grpc", "grpc_web", "connect"]:
            yield kind, messages[:cut], True
        yield "grpc_web_text", base64.b64encode(messages[:cut]), True
    yield "eventstream", first + b"no frames: " + secret, True
    yield "websocket", message(0x01, secret) + message(0x83, b"reserved") + secret, True
    yield "chunked", b"less than a block", True
    yield "chunked", b"0123456789abcdef" * 10000, True


def vectors():
    """Each sample without a key and with one; `stream` stands there `repeat` times."""
    for kind, stream, complete in samples():
        repeat = 10000 if len(stream) > 65536 else 1
        for key in [None, bytes(range(32))]:
            secrets = [SECRET] if kind not in ("sse", "ndjson", "chunked") else []
            links = chain(kind, stream, key, complete, secrets)
            yield {
                "kind": kind,
                "stream": base64.b64encode(stream[: len(stream) // repeat]).decode(),
                "repeat": repeat,
                "key": key and key.hex(),
                "complete": complete,
                "secrets": [secret.decode() for secret in secrets],
                "links": links,
                "chunk_chain": links[-1] if links else None,
                "body_hash": body(kind, stream, key, secrets),
            }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", nargs="?", choices=KINDS)
    parser.add_argument("file", nargs="?", type=pathlib.Path)
    parser.add_argument("--key-hex", type=bytes.fromhex)
    parser.add_argument("--aborted", action="store_true", help="the stream broke off")
    parser.add_argument("--body", action="store_true", help="the hash of the body instead")
    parser.add_argument("--secret", action="append", default=[], type=str.encode, help="masked in frames")
    parser.add_argument("--list", action="store_true", help="every link, one per line")
    parser.add_argument("--vectors", action="store_true", help="write stream.json")
    options = parser.parse_intermixed_args()
    if options.vectors:
        lines = ",\n".join(json.dumps(vector) for vector in vectors())
        pathlib.Path(__file__).with_name("stream.json").write_text(f"[\n{lines}\n]\n")
        return
    if options.kind is None or options.file is None:
        parser.error("a kind and a file are needed")
    stream = options.file.read_bytes()
    links = chain(options.kind, stream, options.key_hex, not options.aborted, options.secret)
    if options.body:
        print(body(options.kind, stream, options.key_hex, options.secret))
    elif options.list:
        print("\n".join(links))
    else:
        print(len(links), links[-1] if links else "none")


if __name__ == "__main__":
    main()
