use proptest::prelude::*;

use super::*;
use crate::{
    digest::{Body, End},
    key::Key,
    mask::{PLACEHOLDER, Syntax},
};

mod naive;

/// All that can be seen of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    /// What each event says, and its name.
    events: Vec<(Vec<u8>, Vec<u8>)>,
    links: Vec<Digest>,
    chain: Option<Digest>,
    count: u64,
    is_broken: bool,
    masked: u64,
}

fn see(kind: Kind, reading: &Reading, chunks: &[&[u8]], complete: bool) -> Seen {
    let mut stream = Stream::new(kind, reading, true);
    let (mut events, mut content) = (Vec::new(), Vec::new());
    let mut said = |said: Said<'_>| match said {
        Said::Content(piece) => {
            assert!(!piece.is_empty());
            content.extend_from_slice(piece);
        }
        Said::End { name } => events.push((std::mem::take(&mut content), name.to_vec())),
    };
    chunks.iter().for_each(|chunk| stream.push(chunk, &mut said));
    stream.finish(complete, &mut said);
    // An event is heard as soon as it is dispatched; whether its bytes are at their end is another
    // matter, if they end with CR.
    let ahead = events.len() as u64 - stream.events();
    assert!(ahead == 0 || (ahead, kind, complete) == (1, Kind::Sse, false));
    events.truncate(events.len() - ahead as usize);
    assert_eq!(stream.is_cut(), events.len() > kind.max_listed());
    let masked = stream.masked().map_or(0, |masked| masked.counts().values().sum());
    let links = stream.event_hashes().to_vec();
    let (chain, count, is_broken) = (stream.chain(), stream.events(), stream.is_broken());
    Seen { events, links, chain, count, is_broken, masked }
}

/// What is to be seen by the definition of the chain, of events that are known whole.
fn expected(kind: Kind, reading: &Reading, events: &[naive::Event]) -> Seen {
    let hash = |bytes: &[u8]| match &reading.key {
        Some(key) => Digest(key.sign(bytes)),
        None => Digest::of(bytes),
    };
    let mut last = hash(format!("ledgerline.stream.v1:{}", kind.as_str()).as_bytes());
    let mut links = Vec::new();
    for event in events {
        last = hash(&[&last.0[..], &event.bytes].concat());
        links.push(last);
    }
    let events: Vec<_> =
        events.iter().map(|event| (event.says.clone(), event.name.clone())).collect();
    let (chain, count) = (links.last().copied(), links.len() as u64);
    links.truncate(kind.max_listed());
    Seen { events, links, chain, count, is_broken: false, masked: 0 }
}

fn readings() -> [Reading; 2] {
    let key = Key::new("k", &[7; 32]);
    [Reading::default(), Reading { key, ..Reading::default() }]
}

/// The bytes of a stream, cut in every place and at every one of its bytes, are seen as they are
/// as a whole, and each beginning of them as what a naive splitter makes of it.
fn check(kind: Kind, bytes: &[u8]) -> Seen {
    for reading in readings() {
        for complete in [true, false] {
            let whole = see(kind, &reading, &[bytes], complete);
            let wanted = expected(kind, &reading, &naive::events(kind, bytes, complete));
            assert_eq!(
                Seen { is_broken: false, ..whole.clone() },
                wanted,
                "{kind:?} {complete} {bytes:?}"
            );
            let singles: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(see(kind, &reading, &singles, complete), whole, "single bytes");
            for at in 0..=bytes.len() {
                let (head, tail) = bytes.split_at(at);
                assert_eq!(see(kind, &reading, &[head, tail], complete), whole, "cut at {at}");
                let start = see(kind, &reading, &[head], false);
                assert_eq!(start.links, whole.links[..start.links.len()], "broken off at {at}");
                let wanted = expected(kind, &reading, &naive::events(kind, head, false));
                assert_eq!(Seen { is_broken: false, ..start }, wanted, "broken off at {at}");
            }
        }
    }
    see(kind, &Reading::default(), &[bytes], true)
}

fn events(kind: Kind, bytes: &[u8]) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let seen = check(kind, bytes);
    seen.events.into_iter().map(|(says, name)| (text(says), text(name))).collect()
}

fn pairs<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> Vec<(String, String)> {
    pairs.into_iter().map(|(says, name)| (says.to_owned(), name.to_owned())).collect()
}

#[test]
fn the_media_type_says_how_a_stream_is_divided() {
    for (content_type, kind) in [
        ("text/event-stream", Some(Kind::Sse)),
        (" Text/Event-Stream ;charset=utf-8", Some(Kind::Sse)),
        ("application/x-ndjson", Some(Kind::Ndjson)),
        ("application/jsonl; a=b", Some(Kind::Ndjson)),
        ("application/vnd.amazon.eventstream", Some(Kind::Eventstream)),
        ("application/grpc", Some(Kind::Grpc)),
        ("application/grpc+proto", Some(Kind::Grpc)),
        ("application/grpc-web", Some(Kind::GrpcWeb)),
        ("application/grpc-web+proto", Some(Kind::GrpcWeb)),
        ("application/grpc-web-text", Some(Kind::GrpcWebText)),
        ("application/grpc-web-text+proto", Some(Kind::GrpcWebText)),
        ("application/grpc-websocket", None),
        ("application/connect+proto", Some(Kind::Connect)),
        ("application/connect+json", Some(Kind::Connect)),
        ("application/proto", None),
        ("text/event-stream, text/event-stream", Some(Kind::Sse)),
        ("TEXT/EVENT-STREAM;charset=\"UTF-8\"", Some(Kind::Sse)),
        ("text/event-stream charset=utf-8", Some(Kind::Sse)),
        ("application/json, text/event-stream", Some(Kind::Sse)),
        ("application/json; profile=\"a, text/event-stream\"", None),
        ("application/json-seq", Some(Kind::Ndjson)),
        ("application/geo+json-seq", Some(Kind::Ndjson)),
        ("application/json", None),
        ("text/event-streams", None),
        ("", None),
    ] {
        assert_eq!(Kind::of(content_type.as_bytes()), kind, "{content_type}");
    }
}

#[test]
fn server_sent_events_are_read_as_browsers_do() {
    for (stream, wanted) in [
        ("data: a\n\ndata: b\n\n", vec![("a", ""), ("b", "")]),
        ("event: message_stop\ndata: {}\n\n", vec![("{}", "message_stop")]),
        ("data: a\r\n\r\ndata: b\r\n\r\n", vec![("a", ""), ("b", "")]),
        ("data: a\r\rdata: b\r\r", vec![("a", ""), ("b", "")]),
        ("data: a\r\r\n\ndata: b\n\r", vec![("a", ""), ("b", "")]),
        ("\u{feff}data: a\n\n\u{feff}data: b\n\n", vec![("a", "")]),
        ("data: a\ndata:  b\ndata\ndata:\n\n", vec![("a\n b\n\n", "")]),
        ("data\n\n", vec![("", "")]),
        (": keep-alive\n\n: more\ndata:a\n\n", vec![("a", "")]),
        ("event: lost\n\ndata: a\n\n", vec![("a", "")]),
        (
            "event: a\nevent: b\nid: 1\nretry: 5\ndata: c\n\ndata: d\n\n",
            vec![("c", "b"), ("d", "")],
        ),
        ("event: a\nevent\ndata: c\n\n", vec![("c", "")]),
        ("datas: a\ndat: a\n data: a\ndata : a\nDATA: a\n\n", vec![]),
        ("\n\n\r\n", vec![]),
        ("data: a\n\ndata: at the end\n", vec![("a", ""), ("at the end", "")]),
        ("data: a\r\n\r\nevent: error\r\ndata: b\r\n", vec![("a", ""), ("b", "error")]),
        ("data: a\r\rdata: b\r", vec![("a", ""), ("b", "")]),
        ("data: a\n\ndata: b", vec![("a", ""), ("b", "")]),
        ("data: a\n\ndata", vec![("a", ""), ("", "")]),
        ("data: a\nda", vec![("a", "")]),
        ("data: a\nevent: b", vec![("a", "b")]),
        ("data: a\n: comment", vec![("a", "")]),
        ("data: a\n\n: comment\nevent: lost\n", vec![("a", "")]),
        ("data: ::\n\n", vec![("::", "")]),
        ("data: a\n\n{\"b\":1}", vec![("a", ""), ("{\"b\":1}", "")]),
        ("data: a\n\n{\n \"b\": 1\n}\n", vec![("a", ""), ("{\n \"b\": 1\n}", "")]),
        ("data: a\r\n\r\n[1]\r\n\r\ndata: c\r\n\r\n", vec![("a", ""), ("[1]", ""), ("c", "")]),
        ("event: x\n{}\n\ndata: c\r\r", vec![("{}", "x"), ("c", "")]),
        ("data: a\n{}\n\n", vec![("a", "")]),
        (": a\n{\n: b\n\n", vec![("{\n: b", "")]),
    ] {
        assert_eq!(events(Kind::Sse, stream.as_bytes()), pairs(wanted), "{stream:?}");
    }
    let long = format!("event: {}\ndata: a\n\n", "x".repeat(100));
    assert_eq!(events(Kind::Sse, long.as_bytes()), pairs([("a", &*"x".repeat(64))]));
}

#[test]
fn lines_are_events_unless_they_are_blank() {
    for (stream, wanted) in [
        ("{\"a\":1}\n{\"b\":2}\n", vec!["{\"a\":1}", "{\"b\":2}"]),
        ("{}\r\n\r\n \t\n  {}\r\n", vec!["{}\r", "{}\r"]),
        ("{}\n[1,\"last\"]", vec!["{}", "[1,\"last\"]"]),
        ("\u{1e}{}\n\u{1e}[1]\n\u{1e}\n", vec!["{}", "[1]"]),
        ("\n\n", vec![]),
        ("", vec![]),
    ] {
        let wanted = wanted.into_iter().map(|says| (says, ""));
        assert_eq!(events(Kind::Ndjson, stream.as_bytes()), pairs(wanted), "{stream:?}");
    }
}

#[test]
fn messages_of_a_websocket_are_joined_and_unmasked() {
    use naive::websocket_frame as frame;
    let key = Some([1, 200, 3, 77]);
    let stream = [
        frame(true, 1, None, b"{\"type\":\"response.create\"}"),
        frame(false, 1, key, b"in two "),
        frame(true, 9, key, b"ping"),
        frame(true, 0, key, b"pieces"),
        frame(true, 10, None, b""),
        frame(true, 2, None, &[0xff; 300]),
        frame(true, 1, key, b""),
        frame(true, 8, None, b"\x03\xe8bye"),
    ];
    let seen = check(Kind::Websocket, &stream.concat());
    let says: Vec<&[u8]> = seen.events.iter().map(|(says, _)| says.as_slice()).collect();
    assert_eq!(says, [&b"{\"type\":\"response.create\"}"[..], b"in two pieces", &[0xff; 300], b""]);
    let long = frame(true, 2, key, &b"0123456789".repeat(7_000));
    let seen = see(Kind::Websocket, &Reading::default(), &[&long], true);
    assert_eq!(seen.events[0].0.len(), 70_000);
}

#[test]
fn a_compressed_message_is_hashed_and_not_looked_into() {
    let mut first = naive::websocket_frame(false, 1, Some([9; 4]), b"abc");
    first[0] |= 0x40;
    let stream = [first, naive::websocket_frame(true, 0, None, b"def")].concat();
    assert_eq!(events(Kind::Websocket, &stream), pairs([("", "")]));
}

#[test]
fn what_may_not_come_ends_the_framing() {
    use naive::websocket_frame as frame;
    let text = |is_last, opcode| frame(is_last, opcode, None, b"a");
    let with = |bits: u8, opcode| {
        let mut bytes = frame(true, opcode, None, b"a");
        bytes[0] |= bits;
        bytes
    };
    for bad in [
        text(true, 0),
        text(true, 3),
        text(true, 11),
        text(false, 9),
        with(0x20, 1),
        with(0x10, 1),
        with(0x40, 9),
        frame(true, 9, None, &[0; 126]),
        [text(false, 1), text(true, 2)].concat(),
        [text(false, 1), with(0x40, 0)].concat(),
        vec![0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
    ] {
        let stream = [text(true, 1), bad, text(true, 1)].concat();
        let seen = check(Kind::Websocket, &stream);
        assert_eq!((seen.count, seen.is_broken), (1, true), "{stream:?}");
    }
}

#[test]
fn frames_of_an_event_stream_are_named_by_their_headers() {
    use naive::eventstream_frame as frame;
    let stream = [
        frame(&[(":event-type", "chunk"), (":message-type", "event")], b"{\"bytes\":\"eyJ9\"}"),
        frame(&[], b""),
        frame(&[(":exception-type", "throttlingException")], b"{\"message\":\"slow\"}"),
        frame(&[(":message-type", "error"), (":error-code", "500")], b""),
    ]
    .concat();
    let wanted = [
        ("{\"bytes\":\"eyJ9\"}", "chunk"),
        ("", ""),
        ("{\"message\":\"slow\"}", "exception:throttlingException"),
        ("", "exception:500"),
    ];
    assert_eq!(events(Kind::Eventstream, &stream), pairs(wanted));
    let broken = [&stream[..], b"{\"message\":\"no frame\"}", &stream].concat();
    let seen = check(Kind::Eventstream, &broken);
    assert_eq!((seen.count, seen.is_broken), (4, true));
}

#[test]
fn messages_of_grpc_are_hashed_and_say_nothing() {
    let stream = b"\0\0\0\0\x03abc\x01\0\0\0\0\0\0\0\0\x02d";
    assert_eq!(events(Kind::Grpc, stream), pairs([("", ""), ("", "")]));
    for nonsense in [&b"HTTP/1.1"[..], b"\x02\0\0\0\0"] {
        let stream = [b"\0\0\0\0\x01a", nonsense].concat();
        let seen = check(Kind::Grpc, &stream);
        assert_eq!((seen.count, seen.is_broken), (1, true), "{nonsense:?}");
    }
}

#[test]
fn blocks_are_linked_by_hand() {
    let reading = Reading::default();
    let mut stream = Stream::new(Kind::Chunked, &reading, false);
    stream.push(b"of no matter", &mut |said| panic!("{said:?}"));
    stream.link(Digest::of(b"a"));
    stream.link(Digest::of(b"ab"));
    let events = [b"a".as_slice(), b"ab"].map(|prefix| naive::Event {
        bytes: Digest::of(prefix).0.to_vec(),
        ..naive::Event::default()
    });
    assert_eq!(stream.chain(), expected(Kind::Chunked, &reading, &events).chain);
    assert!(stream.takes_view() && stream.event_hashes().is_empty() && !stream.is_cut());
}

#[test]
fn secrets_in_frames_are_masked_before_they_are_hashed_or_said() {
    use naive::{eventstream_frame, websocket_frame};
    let token = format!("sk-{}-{}", "proj", "Ab3_".repeat(12));
    let (secret, view) = (format!("a {token}"), format!("a {PLACEHOLDER}"));
    let (first, second) = secret.as_bytes().split_at(9);
    let join = |first: &[u8], second: &[u8]| {
        [
            websocket_frame(false, 1, Some([5, 6, 7, 8]), first),
            websocket_frame(true, 0, Some([1, 2, 3, 4]), second),
            websocket_frame(true, 2, None, secret.as_bytes()),
        ]
        .concat()
    };
    let stream = join(first, second);
    let headers = [(":event-type", "chunk")];
    let frame = eventstream_frame(&headers, secret.as_bytes());
    let header = &frame[..frame.len() - 4 - secret.len()];
    let text = [b"\x01", view.as_bytes()].concat();
    let binary = [b"\x02", view.as_bytes()].concat();
    for (kind, bytes, wanted) in [
        (Kind::Websocket, &stream, vec![text, binary]),
        (Kind::Eventstream, &frame, vec![[header, view.as_bytes()].concat()]),
    ] {
        let reading = Reading::default();
        let whole = see(kind, &reading, &[bytes], true);
        let singles: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(see(kind, &reading, &singles, true), whole);
        let wanted: Vec<_> = wanted
            .into_iter()
            .map(|bytes| naive::Event { bytes, ..naive::Event::default() })
            .collect();
        assert_eq!(whole.links, expected(kind, &reading, &wanted).links, "{kind:?}");
        assert_eq!(whole.masked, whole.count);
        assert!(whole.events.iter().all(|(says, _)| says == view.as_bytes()), "{whole:?}");
    }
}

/// The digest of a body in frames, the same for every cut and for single bytes.
fn digest(kind: Kind, bytes: &[u8]) -> Digest {
    let of = |chunks: &[&[u8]]| {
        let reading = Reading::default();
        let (mut body, mut stream) = (Body::default(), Stream::new(kind, &reading, false));
        body.open(&reading, Syntax::Opaque);
        chunks.iter().for_each(|chunk| body.push_frames(chunk, &mut stream, &mut |_| {}));
        body.finish_frames(End::Complete, &mut stream, &mut |_| {});
        assert_eq!(body.bytes(), bytes.len() as u64);
        body.digest().unwrap()
    };
    let whole = of(&[bytes]);
    assert_eq!(of(&bytes.chunks(1).collect::<Vec<_>>()), whole, "single bytes");
    for at in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(of(&[head, tail]), whole, "cut at {at}");
    }
    whole
}

/// A frame or message of a kind, whose payload is this.
fn framed(kind: Kind, payload: &[u8]) -> Vec<u8> {
    match kind {
        Kind::Eventstream => naive::eventstream_frame(&[(":event-type", "chunk")], payload),
        Kind::Websocket => [
            naive::websocket_frame(false, 1, Some([7, 0, 9, 200]), &payload[..payload.len() / 2]),
            naive::websocket_frame(true, 9, None, b"ping"),
            naive::websocket_frame(true, 0, None, &payload[payload.len() / 2..]),
        ]
        .concat(),
        Kind::GrpcWebText => naive::base64(&naive::grpc_message(0, payload)),
        _ => naive::grpc_message(0, payload),
    }
}

const FRAMED: [Kind; 6] = [
    Kind::Eventstream,
    Kind::Websocket,
    Kind::Grpc,
    Kind::GrpcWeb,
    Kind::GrpcWebText,
    Kind::Connect,
];

#[test]
fn frames_without_a_secret_have_the_digest_of_their_bytes() {
    for kind in FRAMED {
        let stream = [framed(kind, b"{\"a\":1}"), framed(kind, b""), framed(kind, b"b")].concat();
        assert_eq!(digest(kind, &stream), Digest::of(&stream), "{kind:?}");
        let cut = &stream[..stream.len() - 1];
        assert_eq!(digest(kind, cut), Digest::of(cut), "{kind:?}");
    }
}

#[test]
fn no_digest_of_frames_depends_on_a_secret() {
    let token = |letters: &str| format!("sk-{}-{}", "proj", letters.repeat(12));
    for kind in FRAMED {
        let stream = |token: &str| {
            let secret = framed(kind, format!("{{\"content\":\"{token} and\"}}").as_bytes());
            [framed(kind, b"before"), secret, framed(kind, b"behind")].concat()
        };
        let [one, other] = ["Ab3_", "x9Yz"].map(|letters| stream(&token(letters)));
        assert_eq!(one.len(), other.len());
        let found = digest(kind, &one);
        assert_eq!(found, digest(kind, &other), "{kind:?}");
        assert_ne!(found, Digest::of(&one), "{kind:?}");
        assert_ne!(found, digest(kind, &stream("another text of that length")), "{kind:?}");
    }
}

#[test]
fn a_masked_event_is_in_the_digest_by_its_link() {
    let token = format!("sk-{}-{}", "proj", "Ab3_".repeat(12));
    for kind in [Kind::Eventstream, Kind::Websocket, Kind::Grpc] {
        let parts = [framed(kind, b"before"), framed(kind, token.as_bytes()), framed(kind, b"x")];
        let links = see(kind, &Reading::default(), &[&parts.concat()], true).links;
        let expected = [&parts[0][..], &links[1].0, &parts[2]].concat();
        assert_eq!(digest(kind, &parts.concat()), Digest::of(&expected), "{kind:?}");
    }
    // In base64 it is the messages themselves.
    let part = |payload: &[u8]| naive::grpc_message(0, payload);
    let parts = [part(b"before"), part(token.as_bytes())];
    let text = naive::base64(&parts.concat());
    let links = see(Kind::GrpcWebText, &Reading::default(), &[&text], true).links;
    let expected = [&parts[0][..], &links[1].0].concat();
    assert_eq!(digest(Kind::GrpcWebText, &text), Digest::of(&expected));
}

#[test]
fn a_masked_event_that_broke_off_is_in_the_digest_by_what_would_be_its_link() {
    let token = format!("sk-{}-{}", "proj", "Ab3_".repeat(12));
    let text = format!("{token} and more");
    let link_0 = Digest::of(b"ledgerline.stream.v1:grpc").0;
    let head = (text.len() as u32 + 9).to_be_bytes();
    let stream = [&b"\0"[..], &head, text.as_bytes()].concat();
    let view = [&b"\0"[..], &head, format!("{PLACEHOLDER} and more").as_bytes()].concat();
    let link = Digest::of(&[&link_0[..], &view].concat());
    assert_eq!(digest(Kind::Grpc, &stream), Digest::of(&link.0));
    for kind in FRAMED {
        let [one, other] = ["Ab3_", "x9Yz"].map(|letters| {
            let token = format!("sk-{}-{}", "proj", letters.repeat(12));
            let mut stream = framed(kind, format!("{token} and more, much more").as_bytes());
            stream.truncate(stream.len() - 6);
            stream
        });
        assert_eq!(digest(kind, &one), digest(kind, &other), "{kind:?}");
    }
}

#[test]
fn what_is_no_frame_is_masked_as_a_text() {
    let token = |letters: &str| format!("sk-{}-{}", "proj", letters.repeat(12));
    let nonsense = [0x80 | 0x0b, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9];
    for kind in [Kind::Eventstream, Kind::Websocket, Kind::Grpc, Kind::Connect] {
        let start = [framed(kind, b"before"), nonsense.to_vec()].concat();
        let stream = [&start[..], format!(" a {}, b", token("Ab3_")).as_bytes()].concat();
        let view = [&start[..], format!(" a {PLACEHOLDER}, b").as_bytes()].concat();
        assert_eq!(digest(kind, &stream), Digest::of(&view), "{kind:?}");
        assert!(see(kind, &Reading::default(), &[&stream], true).is_broken);
        assert_eq!(see(kind, &Reading::default(), &[&stream], true).masked, 1);
    }
    // In the middle of a message in which something was replaced.
    let begun = naive::websocket_frame(false, 1, None, token("Ab3_").as_bytes());
    let stream = [&begun[..], b"\x83\x01", b"rest"].concat();
    let link_0 = Digest::of(b"ledgerline.stream.v1:websocket").0;
    let link = Digest::of(&[&link_0[..], b"\x01", PLACEHOLDER.as_bytes()].concat());
    let expected = Digest::of(&[&link.0[..], b"\x83\x01rest"].concat());
    assert_eq!(digest(Kind::Websocket, &stream), expected);
}

/// What the framer says beside events, the same for every cut.
fn told<T: PartialEq + std::fmt::Debug>(kind: Kind, bytes: &[u8], ask: impl Fn(&Stream) -> T) -> T {
    let told = |chunks: &[&[u8]]| {
        let mut stream = Stream::new(kind, &Reading::default(), false);
        chunks.iter().for_each(|chunk| stream.push(chunk, &mut |_| {}));
        ask(&stream)
    };
    let whole = told(&[bytes]);
    for at in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(told(&[head, tail]), whole, "cut at {at}");
    }
    assert_eq!(told(&bytes.chunks(1).collect::<Vec<_>>()), whole);
    whole
}

#[test]
fn a_close_frame_tells_its_code() {
    use naive::websocket_frame as frame;
    let text = || frame(true, 1, None, b"{}");
    for (stream, code) in [
        (frame(true, 8, None, b"\x03\xf3busy"), Some(1011)),
        (frame(true, 8, Some([1, 2, 3, 4]), b"\x03\xe8"), Some(1000)),
        (frame(true, 8, None, b""), Some(1005)),
        (frame(true, 8, Some([9; 4]), b""), Some(1005)),
        (frame(true, 8, None, b"\x03"), Some(1005)),
        ([text(), frame(true, 8, None, b"\x0f\xa1")].concat(), Some(4001)),
        ([frame(false, 1, None, b"half"), frame(true, 8, None, b"\x03\xf0")].concat(), Some(1008)),
        (
            [frame(true, 8, None, b"\x03\xf0"), frame(true, 8, None, b"\x03\xe8")].concat(),
            Some(1008),
        ),
        ([vec![0xc1, 3], b"abc".to_vec(), frame(true, 8, None, b"\x03\xf5")].concat(), Some(1013)),
        (text(), None),
        (frame(true, 9, None, b"\x03\xf0"), None),
        (frame(true, 8, None, b"\x03\xf0 and more")[..5].to_vec(), None),
        ([frame(true, 3, None, b"bad"), frame(true, 8, None, b"\x03\xe8")].concat(), None),
    ] {
        let found = told(Kind::Websocket, &stream, Stream::close_code);
        assert_eq!(found, code, "{stream:?}");
    }
}

#[test]
fn the_last_message_tells_how_a_call_ended() {
    let message = naive::grpc_message;
    let web = |trailers: &str| message(0x80, trailers.as_bytes());
    let connect = |json: &str| message(2, json.as_bytes());
    let first = message(0, b"abc");
    for (kind, stream, status) in [
        (Kind::GrpcWeb, web("grpc-status: 0\r\n"), Some(0)),
        (Kind::GrpcWeb, web("grpc-status:8\r\ngrpc-message:slow\r\n"), Some(8)),
        (Kind::GrpcWeb, web("x-a: b\r\nGRPC-Status: 14"), Some(14)),
        (
            Kind::GrpcWeb,
            web(&format!("grpc-message: {}\ngrpc-status: 13\n", "x".repeat(90))),
            Some(13),
        ),
        (Kind::GrpcWeb, web("x-grpc-status: 1\r\n"), None),
        (Kind::GrpcWeb, web("grpc-status: many\r\n"), None),
        (Kind::GrpcWeb, web(""), None),
        (Kind::GrpcWeb, message(0x81, b"grpc-status: 0\r\n"), None),
        (Kind::GrpcWeb, message(0, b"grpc-status: 8\r\n"), None),
        (Kind::GrpcWebText, web("grpc-status: 8\r\n"), Some(8)),
        (Kind::Grpc, message(0, b"grpc-status: 8\r\n"), None),
        (Kind::Connect, connect("{}"), Some(0)),
        (Kind::Connect, connect(r#"{"metadata":{"error":["no"]}}"#), Some(0)),
        (
            Kind::Connect,
            connect(r#"{"error":{"code":"resource_exhausted","message":"x"}}"#),
            Some(8),
        ),
        (Kind::Connect, connect(r#"{"error":{"message":"x","code":"unavailable"}}"#), Some(14)),
        (Kind::Connect, connect(r#"{"error":{"code":"of_its_own"}}"#), Some(2)),
        (Kind::Connect, connect(r#"{"error":{}}"#), Some(2)),
        (Kind::Connect, connect(""), Some(0)),
        (Kind::Connect, message(3, b"{}"), None),
        (Kind::Connect, message(0, br#"{"error":{"code":"internal"}}"#), None),
    ] {
        let stream = [&first[..], &stream].concat();
        let wire = match kind {
            // Each message by itself, as a server writes it.
            Kind::GrpcWebText => {
                [naive::base64(&stream[..first.len()]), naive::base64(&stream[first.len()..])]
                    .concat()
            }
            _ => stream.clone(),
        };
        assert_eq!(told(kind, &wire, Stream::grpc_status), status, "{kind:?} {stream:?}");
        assert_eq!(told(kind, &wire, Stream::events), 2);
    }
}

#[test]
fn what_was_not_looked_into_is_said() {
    let compressed = [vec![0xc1, 3], b"abc".to_vec()].concat();
    for (kind, stream, scan) in [
        (Kind::Websocket, framed(Kind::Websocket, b"a"), Some(Scan::Json)),
        (Kind::Websocket, compressed, Some(Scan::Opaque)),
        (Kind::Eventstream, framed(Kind::Eventstream, b"a"), Some(Scan::Json)),
        (Kind::Grpc, framed(Kind::Grpc, b"a"), Some(Scan::Text)),
        (Kind::Connect, naive::grpc_message(1, b"a"), Some(Scan::Opaque)),
        (Kind::Sse, b"data: a".to_vec(), None),
    ] {
        assert_eq!(told(kind, &stream, Stream::scan), scan, "{kind:?}");
    }
}

#[test]
fn no_more_links_are_listed_than_an_entry_holds() {
    let stream = b"data: a\n\n".repeat(MAX_LISTED_EVENTS + 1);
    let seen = see(Kind::Sse, &Reading::default(), &[&stream], true);
    assert_eq!((seen.links.len(), seen.count), (MAX_LISTED_EVENTS, MAX_LISTED_EVENTS as u64 + 1));
    let mut all = Stream::new(Kind::Sse, &Reading::default(), true).listing(1000);
    all.push(&stream, &mut |_| {});
    let last = all.event_hashes().last().copied();
    assert_eq!((all.event_hashes().len(), last), (MAX_LISTED_EVENTS + 1, all.chain()));
}

/// Streams of a kind as a server may send them.
fn valid(kind: Kind) -> BoxedStrategy<Vec<u8>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let part = match kind {
        Kind::Sse => prop::sample::select(vec![
            "data: {\"a\":1}\n",
            "data\n",
            "data:\r",
            "event: message_start\n",
            "event:ping\r\n",
            ": comment\n",
            "id: 1\n",
            "data: [DONE]\r\n",
            "\n",
            "\r\n",
            "\r",
            "\n\n",
            "retry: 3\n",
            "x",
            "\u{feff}",
            "data: é\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec())
        .boxed(),
        Kind::Ndjson => {
            prop::sample::select(vec!["{\"a\":1}", "[]", "\n", "\r\n", " ", "\t", "\"é\"", "\n\n"])
                .prop_map(|text| text.as_bytes().to_vec())
                .boxed()
        }
        Kind::Eventstream => ("[a-z]{0,9}", bytes(), any::<bool>())
            .prop_map(|(name, payload, is_event)| {
                let title = if is_event { ":event-type" } else { ":exception-type" };
                naive::eventstream_frame(&[("a", "b"), (title, &name)], &payload)
            })
            .boxed(),
        Kind::Websocket => {
            (any::<bool>(), any::<[u8; 4]>(), prop::collection::vec(bytes(), 1..4), any::<bool>())
                .prop_map(|(is_text, key, pieces, is_masked)| {
                    let last = pieces.len() - 1;
                    let frames = pieces.iter().enumerate().map(|(index, piece)| {
                        let opcode = if index > 0 {
                            0
                        } else if is_text {
                            1
                        } else {
                            2
                        };
                        let mut frame = naive::websocket_frame(
                            index == last,
                            opcode,
                            is_masked.then_some(key),
                            piece,
                        );
                        frame.extend(naive::websocket_frame(true, 9, None, b"ping"));
                        frame
                    });
                    frames.collect::<Vec<_>>().concat()
                })
                .boxed()
        }
        Kind::GrpcWebText => (0_u8..2, bytes())
            .prop_map(|(flag, message)| naive::base64(&naive::grpc_message(flag << 7, &message)))
            .boxed(),
        _ => (0_u8..4, bytes())
            .prop_map(move |(flag, message)| {
                let flag = if kind == Kind::Connect { flag } else { flag & 1 };
                naive::grpc_message(flag, &message)
            })
            .boxed(),
    };
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat()).boxed()
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Sse,
        Kind::Ndjson,
        Kind::Eventstream,
        Kind::Websocket,
        Kind::Grpc,
        Kind::GrpcWeb,
        Kind::GrpcWebText,
        Kind::Connect,
    ])
}

/// A valid stream, or one with some bytes changed, or nonsense.
fn streams() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    kinds().prop_flat_map(|kind| {
        let change = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
        let damaged = (valid(kind), change).prop_map(|(mut bytes, change)| {
            if let Some((at, byte)) = change
                && !bytes.is_empty()
            {
                *at.get_mut(&mut bytes) = byte;
            }
            bytes
        });
        let nonsense = prop::collection::vec(any::<u8>(), 0..60);
        (Just(kind), prop_oneof![4 => damaged, 1 => nonsense])
    })
}

proptest! {
    #[test]
    fn any_stream_is_divided_as_the_naive_splitter_does(
        (kind, bytes) in streams(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        complete: bool,
        keyed: bool,
    ) {
        let reading = &readings()[usize::from(keyed)];
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let seen = see(kind, reading, &chunks, complete);
        let wanted = expected(kind, reading, &naive::events(kind, &bytes, complete));
        prop_assert_eq!(Seen { is_broken: false, ..seen }, wanted);
    }

    #[test]
    fn a_stream_that_broke_off_has_the_first_links_of_the_whole(
        (kind, bytes) in streams(),
        cut: prop::sample::Index,
    ) {
        let reading = Reading::default();
        let whole = see(kind, &reading, &[&bytes], true);
        let start = see(kind, &reading, &[&bytes[..cut.index(bytes.len() + 1)]], false);
        prop_assert_eq!(&start.links[..], &whole.links[..start.links.len()]);
        prop_assert_eq!(&start.events[..], &whole.events[..start.events.len()]);
    }
}
