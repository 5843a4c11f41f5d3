#!/usr/bin/env python3
"""The hash chain of a stream, a second time: for auditors who do not want to trust the first.

    python3 chain.py sse stream.txt                the number of events, and the chain
    python3 chain.py sse stream.txt --key-hex 6b…  the same with the operator's key
    python3 chain.py sse stream.txt --aborted      of a stream that broke off
    python3 chain.py sse stream.txt --list         every link

    link 0 = H("ledgerline.stream.v1:" + kind)
    link i = H(link i-1 + event i)       H is SHA-256, or HMAC-SHA-256 with the key

It needs nothing but Python's own library and masks nothing: the stream must be the gateway's view,
with the mark in place of every secret. `--vectors` writes stream.json, which the tests compare with
the filter's own code.
"""

import argparse, base64, hashlib, hmac, json, pathlib, re, struct, zlib

KINDS = ["sse", "ndjson", "eventstream", "websocket", "grpc", "chunked"]


def digest(key, data):
    return hmac.digest(key, data, "sha256") if key else hashlib.sha256(data).digest()


def chain(kind, stream, key=None, complete=True):
    """The links of all whole events."""
    link, links = digest(key, b"ledgerline.stream.v1:" + kind.encode()), []
    events = chunked(stream, key) if kind == "chunked" else globals()[kind](stream, complete)
    for event in events:
        link = digest(key, link + event)
        links.append(link.hex())
    return links


def sse(stream, complete):
    """All lines up to and with the blank line behind at least one `data` line."""
    start, has_data = 0, False
    for line in re.finditer(rb"([^\r\n]*)(\r\n|\n|\r)", stream):
        text = line[1].removeprefix(b"\xef\xbb\xbf") if line.start() == 0 else line[1]
        if text:
            has_data = has_data or text.split(b":")[0] == b"data"
        elif has_data:
            # Of a stream that broke off behind a CR nobody knows whether an LF would have followed.
            if line[2] != b"\r" or line.end() < len(stream) or complete:
                yield stream[start : line.end()]
            start, has_data = line.end(), False


def ndjson(stream, complete):
    """All lines up to and with one that holds more than white space."""
    event = b""
    for line in re.findall(rb"[^\n]*\n|[^\n]+$", stream):
        event += line
        if line.strip(b" \t\n\f\r") and (line.endswith(b"\n") or complete):
            yield event
            event = b""


def eventstream(stream, complete):
    """Frames without their last four bytes, until something is no frame."""
    while len(stream) >= 12:
        total, headers, checksum = struct.unpack(">III", stream[:12])
        if zlib.crc32(stream[:8]) != checksum or not headers + 16 <= total <= 32 << 20:
            return
        if len(stream) < total:
            return
        yield stream[: total - 4]
        stream = stream[total:]


def websocket(stream, complete):
    """The opcode of each message in a byte, and the payload of all its frames, unmasked."""
    message, compressed = None, False
    while len(stream) >= 2:
        first, length, start = stream[0], stream[1] & 0x7F, 2
        if length == 126:
            length, start = int.from_bytes(stream[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(stream[2:10], "big"), 10
        key = b"\0\0\0\0"
        if stream[1] & 0x80:
            key, start = stream[start : start + 4], start + 4
        last, rsv1, reserved, opcode = first & 0x80, first & 0x40, first & 0x30, first & 0x0F
        control = opcode in (8, 9, 10) and last and not rsv1 and length <= 125
        begins = opcode in (1, 2) and message is None
        goes_on = opcode == 0 and message is not None and not rsv1
        if len(stream) < start + length or reserved or not (control or begins or goes_on):
            return
        masked = stream[start : start + length]
        payload = bytes(byte ^ key[index % 4] for index, byte in enumerate(masked))
        stream = stream[start + length :]
        if not control:
            message = (message or bytes([opcode])) + payload
            if last:
                yield message
                message = None


def grpc(stream, complete):
    """Five bytes, compressed or not and the length, and so many bytes of message."""
    while len(stream) >= 5 and stream[0] <= 1:
        end = 5 + int.from_bytes(stream[1:5], "big")
        if len(stream) < end:
            return
        yield stream[:end]
        stream = stream[end:]


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


def samples():
    """Streams of each kind, and whether they came to their end."""
    yield "sse", b"data: a\n\ndata: b\n\n", True
    yield "sse", b"", True
    yield "sse", b"\xef\xbb\xbfevent: message_start\r\ndata: {}\r\n\r\n: ping\r\n\r\ndata: {}\r\n\r\n", True
    yield "sse", b"data: a\r\rdata: b\ndata\n\r", True
    yield "sse", b"data: a\r\rdata: b\ndata\n\r", False
    yield "sse", b"event: lost\n\ndata: [DONE]\n\ndata: not dispatched\n", True
    yield "sse", b"data: {\"key\":\"***REDACTED***\"}\n\n", True
    yield "ndjson", b'{"a":1}\n\n \r\n{"b":2}\r\n{"c":3}', True
    yield "ndjson", b'{"a":1}\n{"b":2}\n{"c":3}', False
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
    yield "chunked", b"less than a block", True
    yield "chunked", b"0123456789abcdef" * 10000, True


def vectors():
    """Each sample without a key and with one; `stream` stands there `repeat` times."""
    for kind, stream, complete in samples():
        repeat = 10000 if len(stream) > 65536 else 1
        for key in [None, bytes(range(32))]:
            links = chain(kind, stream, key, complete)
            yield {
                "kind": kind,
                "stream": base64.b64encode(stream[: len(stream) // repeat]).decode(),
                "repeat": repeat,
                "key": key and key.hex(),
                "complete": complete,
                "links": links,
                "chunk_chain": links[-1] if links else None,
            }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", nargs="?", choices=KINDS)
    parser.add_argument("file", nargs="?", type=pathlib.Path)
    parser.add_argument("--key-hex", type=bytes.fromhex)
    parser.add_argument("--aborted", action="store_true", help="the stream broke off")
    parser.add_argument("--list", action="store_true", help="every link, one per line")
    parser.add_argument("--vectors", action="store_true", help="write stream.json")
    options = parser.parse_intermixed_args()
    if options.vectors:
        lines = ",\n".join(json.dumps(vector) for vector in vectors())
        pathlib.Path(__file__).with_name("stream.json").write_text(f"[\n{lines}\n]\n")
        return
    if options.kind is None or options.file is None:
        parser.error("a kind and a file are needed")
    links = chain(options.kind, options.file.read_bytes(), options.key_hex, not options.aborted)
    if options.list:
        print("\n".join(links))
    else:
        print(len(links), links[-1] if links else "none")


if __name__ == "__main__":
    main()
