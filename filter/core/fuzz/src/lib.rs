//! What must hold for every body, however odd.

use std::{cell::OnceCell, rc::Rc};

use ledgerline_core::{
    digest::{Digest, Reading},
    mask::{MAX_HELD, Masker, PLACEHOLDER, Rules, Syntax},
    stream::{Kind, Said, Stream},
};

thread_local! {
    static RULES: OnceCell<Rc<Rules>> = const { OnceCell::new() };
}

/// The built-in rules and one of an operator's.
pub fn rules() -> Rc<Rules> {
    RULES.with(|rules| Rc::clone(rules.get_or_init(|| Rc::new(operators_rules()))))
}

fn operators_rules() -> Rules {
    let own = [("ticket".to_owned(), "TKT-[0-9]{4,12}".to_owned())];
    Rules::new(PLACEHOLDER, &["kunde".to_owned()], &["reset_password".to_owned()], &own)
        .expect("rules that a person would write")
}

/// Masks `input` behind its first two bytes, which say how it comes in chunks.
///
/// # Panics
/// If the output depends on the chunks, if it grows by more than what stands in place of secrets,
/// or if more is held back than the masker promises.
pub fn check(input: &[u8], syntax: &Syntax) {
    let Some((sizes, body)) = input.split_first_chunk::<2>() else { return };
    let whole = mask(body, syntax, &[body.len().max(1)]);
    let chunked = mask(body, syntax, &sizes.map(|size| usize::from(size) % 41 + 1));
    assert_eq!(whole, chunked, "the same bytes in other chunks");
    let most = body.len() + whole.replaced * (PLACEHOLDER.len() + MAX_QUOTES);
    assert!(whole.view.len() <= most, "{} bytes of {}", whole.view.len(), body.len());
}

/// The masked view of `body` in one chunk.
///
/// # Panics
/// As [`check`].
pub fn view(body: &[u8], syntax: &Syntax) -> Vec<u8> {
    mask(body, syntax, &[body.len().max(1)]).view
}

/// A number becomes a string: two quotes, with as many backslashes before each as those of its name.
const MAX_QUOTES: usize = 2 * 17;

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    view: Vec<u8>,
    replaced: usize,
}

fn mask(body: &[u8], syntax: &Syntax, sizes: &[usize]) -> Outcome {
    let mut view = Vec::new();
    let mut masker = Masker::new(rules(), syntax.clone());
    let mut rest = body;
    for size in sizes.iter().cycle() {
        let (chunk, later) = rest.split_at(rest.len().min(*size));
        masker.push(chunk, &mut |bytes| view.extend_from_slice(bytes));
        rest = later;
        assert!(masker.held() <= body.len() - rest.len(), "more is held than was pushed");
        assert!(masker.held() <= MAX_HELD, "{} bytes are held", masker.held());
        if rest.is_empty() {
            break;
        }
    }
    masker.finish(&mut |bytes| view.extend_from_slice(bytes));
    assert_eq!(masker.held(), 0, "something is held at the end");
    let replaced = masker.masked().counts().values().sum::<u64>() as usize;
    Outcome { view, replaced }
}

/// Frames `input` behind its first two bytes, which say how it comes in chunks.
///
/// # Panics
/// If events, their names, what they say or their chain depend on the chunks; if a stream that
/// breaks off has other links than the whole; or if more is said than was pushed.
pub fn check_stream(kind: u8, input: &[u8]) {
    let Some((sizes, body)) = input.split_first_chunk::<2>() else { return };
    let kinds = [
        Kind::Sse,
        Kind::Ndjson,
        Kind::Eventstream,
        Kind::Websocket,
        Kind::Grpc,
        Kind::GrpcWeb,
        Kind::GrpcWebText,
        Kind::Connect,
    ];
    let Some(kind) = kinds.get(usize::from(kind) % kinds.len()) else { return };
    let sizes = sizes.map(|size| usize::from(size) % 41 + 1);
    let whole = frame(*kind, body, &[body.len().max(1)], true);
    assert_eq!(whole, frame(*kind, body, &sizes, true), "the same bytes in other chunks");
    let most = body.len() + whole.replaced * (PLACEHOLDER.len() + MAX_QUOTES);
    assert!(whole.said.len() <= most, "{} bytes of {}", whole.said.len(), body.len());
    let start = frame(*kind, &body[..body.len() / 2], &sizes, false);
    assert!(whole.links.starts_with(&start.links), "a beginning has other links");
}

#[derive(Debug, PartialEq, Eq)]
struct Framed {
    said: Vec<u8>,
    names: Vec<Vec<u8>>,
    links: Vec<Digest>,
    chain: Option<Digest>,
    is_broken: bool,
    replaced: usize,
}

fn frame(kind: Kind, body: &[u8], sizes: &[usize], complete: bool) -> Framed {
    let reading = Reading { rules: rules(), key: None };
    let mut stream = Stream::new(kind, &reading, true);
    let (mut content, mut names) = (Vec::new(), Vec::new());
    let mut said = |said: Said<'_>| match said {
        Said::Content(piece) => content.extend_from_slice(piece),
        Said::End { name } => names.push(name.to_vec()),
    };
    let mut rest = body;
    for size in sizes.iter().cycle() {
        let (chunk, later) = rest.split_at(rest.len().min(*size));
        stream.push(chunk, &mut said);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    stream.finish(complete, &mut said);
    // Server-sent events that broke off at a CR: the event is over, whether an LF belongs to it nobody knows.
    let ahead = names.len() as u64 - stream.events();
    let is_at_return = kind == Kind::Sse && !complete && body.ends_with(b"\r");
    assert!(ahead == 0 || (ahead, is_at_return) == (1, true), "an end for each event");
    let replaced = stream.masked().map_or(0, |masked| masked.counts().values().sum::<u64>());
    Framed {
        said: content,
        names,
        links: stream.event_hashes().to_vec(),
        chain: stream.chain(),
        is_broken: stream.is_broken(),
        replaced: replaced as usize,
    }
}
