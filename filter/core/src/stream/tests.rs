use super::*;

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
