//! Streams divided in the most obvious way: all bytes at hand, one function per kind.

use super::Kind;

#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    /// What the link covers.
    pub(super) bytes: Vec<u8>,
    pub(super) says: Vec<u8>,
    pub(super) name: Vec<u8>,
}

/// The whole events of a stream without secrets.
pub(super) fn events(kind: Kind, bytes: &[u8], complete: bool) -> Vec<Event> {
    let mut events = Vec::new();
    match kind {
        Kind::Sse => sse(bytes, complete, &mut events),
        Kind::Ndjson => ndjson(bytes, complete, &mut events),
        Kind::Eventstream => drop(eventstream(bytes, &mut events)),
        Kind::Websocket => drop(websocket(bytes, &mut events)),
        Kind::Grpc => drop(grpc(bytes, 0, &mut events)),
        Kind::GrpcWeb => drop(grpc(bytes, 0x80, &mut events)),
        Kind::GrpcWebText => drop(grpc(&unbase64(bytes), 0x80, &mut events)),
        Kind::Connect => drop(grpc(bytes, 2, &mut events)),
        Kind::Chunked => {}
    }
    events
}

/// The lines of a text, each with its end; the last one has none.
fn lines(bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    let (mut lines, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.iter().position(|byte| b"\r\n".contains(byte)) {
        let end = if rest[at..].starts_with(b"\r\n") { 2 } else { 1 };
        lines.push((&rest[..at], &rest[at..at + end]));
        rest = &rest[at + end..];
    }
    lines.push((rest, b""));
    lines
}

fn sse(bytes: &[u8], complete: bool, events: &mut Vec<Event>) {
    let mut event = Event::default();
    let mut data: Vec<&[u8]> = Vec::new();
    let (mut taken, mut is_bare) = (0, false);
    for (index, (line, end)) in lines(bytes).into_iter().enumerate() {
        taken += line.len() + end.len();
        event.bytes.extend_from_slice(line);
        event.bytes.extend_from_slice(end);
        let line =
            if index == 0 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match (line, field) {
            ([], _) if end.is_empty() => {}
            _ if end.is_empty() && !complete => {}
            ([first, ..], _) if is_bare || data.is_empty() && b"{[".contains(first) => {
                is_bare = true;
                data.push(line);
            }
            ([], _) if data.is_empty() => event.name.clear(),
            ([], _) => {
                // Nobody knows whether a line feed would have followed.
                let is_known = end != b"\r" || taken < bytes.len() || complete;
                event.says = std::mem::take(&mut data).join(&b'\n');
                is_bare = false;
                let event = std::mem::take(&mut event);
                events.extend(is_known.then_some(event));
            }
            (_, b"data") => data.push(value),
            (_, b"event") => event.name = value[..value.len().min(64)].to_vec(),
            _ => {}
        }
    }
    if complete && !data.is_empty() {
        event.says = data.join(&b'\n');
        events.push(event);
    }
}

fn ndjson(bytes: &[u8], complete: bool, events: &mut Vec<Event>) {
    let mut event = Event::default();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        event.bytes.extend_from_slice(line);
        let is_whole = complete || line.ends_with(b"\n");
        let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x1e;
        if let Some(start) = line.iter().position(|byte| !is_space(byte)).filter(|_| is_whole) {
            event.says = line.strip_suffix(b"\n").unwrap_or(line)[start..].to_vec();
            events.push(std::mem::take(&mut event));
        }
    }
}

fn grpc(mut bytes: &[u8], last: u8, events: &mut Vec<Event>) -> Option<()> {
    while let [flags, a, b, c, d, ..] = bytes {
        if flags & !(1 | last) != 0 {
            return None;
        }
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (message, rest) = bytes.split_at_checked(5 + length)?;
        events.push(Event { bytes: message.to_vec(), ..Event::default() });
        bytes = rest;
    }
    Some(())
}

/// What is in base64, padded wherever it was cut into pieces.
fn unbase64(text: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits) = (Vec::new(), String::new());
    for character in text {
        match DIGITS.iter().position(|digit| digit == character) {
            Some(value) => bits.push_str(&format!("{value:06b}")),
            None if *character == b'=' => bits.clear(),
            None => {}
        }
        if let Some((byte, rest)) = bits.split_at_checked(8) {
            bytes.push(u8::from_str_radix(byte, 2).unwrap());
            bits = rest.to_owned();
        }
    }
    bytes
}

/// In base64, with padding.
pub(super) fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for group in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| u32::from(*group.get(at).unwrap_or(&0)));
        let number = a << 16 | b << 8 | c;
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { digit } else { b'=' });
        }
    }
    text
}

/// A message with its flags.
pub(super) fn grpc_message(flags: u8, message: &[u8]) -> Vec<u8> {
    [&[flags][..], &(message.len() as u32).to_be_bytes(), message].concat()
}

fn eventstream(mut bytes: &[u8], events: &mut Vec<Event>) -> Option<()> {
    loop {
        let word = |at| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        let (total, headers) = (word(0)? as usize, word(4)? as usize);
        if word(8)? != crc32(&bytes[..8]) || headers + 16 > total || total > 32 << 20 {
            return None;
        }
        let (frame, rest) = bytes.split_at_checked(total)?;
        let name = name(&frame[12..12 + headers]);
        let says = frame[12 + headers..total - 4].to_vec();
        events.push(Event { bytes: frame[..total - 4].to_vec(), says, name });
        bytes = rest;
    }
}

/// Of headers that are strings only, as the tests write them.
fn name(mut headers: &[u8]) -> Vec<u8> {
    let (mut event, mut prefix) = (Vec::new(), &b""[..]);
    while let [length, rest @ ..] = headers {
        let Some((title, rest)) = rest.split_at_checked(usize::from(*length)) else { break };
        let [7, high, low, rest @ ..] = rest else { break };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        match title {
            b":event-type" => event = value.to_vec(),
            b":exception-type" | b":error-code" => {
                (event, prefix) = (value.to_vec(), b"exception:");
            }
            b":message-type" if value == b"exception" || value == b"error" => {
                prefix = b"exception:";
            }
            _ => {}
        }
        headers = rest;
    }
    [prefix, &event].concat()
}

fn websocket(mut bytes: &[u8], events: &mut Vec<Event>) -> Option<()> {
    let mut message: Option<(bool, Event)> = None;
    loop {
        let [first, second] = *bytes.first_chunk()?;
        let (length, start) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
            length => (u64::from(length), 2),
        };
        let mut payload = bytes.get(start..)?;
        let mut key = [0; 4];
        if second & 0x80 != 0 {
            (key, payload) = payload.split_first_chunk().map(|(key, rest)| (*key, rest))?;
        }
        let (payload, rest) = payload.split_at_checked(usize::try_from(length).ok()?)?;
        bytes = rest;
        let (is_last, rsv1, opcode) = (first & 0x80 != 0, first & 0x40 != 0, first & 0x0f);
        match opcode {
            _ if first & 0x30 != 0 => return None,
            8..=10 if is_last && !rsv1 && length <= 125 => continue,
            1 | 2 if message.is_none() => {
                message = Some((rsv1, Event { bytes: vec![opcode], ..Event::default() }));
            }
            0 if message.is_some() && !rsv1 => {}
            _ => return None,
        }
        let (is_compressed, event) = message.as_mut()?;
        let plain: Vec<u8> =
            payload.iter().zip(key.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        event.bytes.extend_from_slice(&plain);
        if !*is_compressed {
            event.says.extend_from_slice(&plain);
        }
        if is_last {
            events.extend(message.take().map(|(_, event)| event));
        }
    }
}

/// A frame as RFC 6455 writes it, with the shortest length that fits.
pub(super) fn websocket_frame(
    is_last: bool,
    opcode: u8,
    key: Option<[u8; 4]>,
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = vec![opcode | if is_last { 0x80 } else { 0 }];
    let mask_bit = if key.is_some() { 0x80 } else { 0 };
    match payload.len() {
        length @ ..=125 => frame.push(mask_bit | length as u8),
        length @ ..=0xffff => {
            frame.push(mask_bit | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(mask_bit | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    let key = key.inspect(|key| frame.extend(key)).unwrap_or_default();
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A frame with headers that are strings.
pub(super) fn eventstream_frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    for (title, value) in headers {
        written.push(title.len() as u8);
        written.extend(title.bytes());
        written.push(7);
        written.extend((value.len() as u16).to_be_bytes());
        written.extend(value.bytes());
    }
    let total = (16 + written.len() + payload.len()) as u32;
    let mut frame = [total.to_be_bytes(), (written.len() as u32).to_be_bytes()].concat();
    frame.extend(crc32(&frame).to_be_bytes());
    frame.extend(written);
    frame.extend(payload);
    frame.extend(crc32(&frame).to_be_bytes());
    frame
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
