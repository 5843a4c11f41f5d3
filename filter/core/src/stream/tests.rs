use proptest::prelude::*;

use super::*;
use crate::{key::Key, mask::PLACEHOLDER};

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
    assert_eq!(events.len() as u64, stream.events());
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
        ("application/grpc-web-text", None),
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
        ("data: a\n\ndata: not dispatched\n", vec![("a", "")]),
        ("data: ::\n\n", vec![("::", "")]),
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
        Kind::Grpc | Kind::Chunked => (0_u8..2, bytes())
            .prop_map(|(flag, message)| {
                [&[flag][..], &(message.len() as u32).to_be_bytes(), &message].concat()
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
