use super::*;
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::json;

/// What was found, with the pieces of a string joined.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Text(String, bool),
    Number(u64),
    Negative(i64),
    OtherNumber,
    True,
    False,
    Null,
    Begin,
    End,
    Pieces(Vec<u8>),
}

type Found = Vec<(usize, Seen)>;

fn add(found: &mut Found, field: usize, value: Value<'_>) {
    let seen = match value {
        Value::Text { text, cut } => {
            assert!(text.len() <= MAX_VALUE_BYTES);
            Seen::Text(text.to_owned(), cut)
        }
        Value::Number(number) => Seen::Number(number),
        Value::Negative(number) => Seen::Negative(number),
        Value::OtherNumber => Seen::OtherNumber,
        Value::True => Seen::True,
        Value::False => Seen::False,
        Value::Null => Seen::Null,
        Value::Begin => Seen::Begin,
        Value::End => Seen::End,
        Value::Piece(piece) => {
            assert!(!piece.is_empty());
            if let Some((last, Seen::Pieces(pieces))) = found.last_mut()
                && *last == field
            {
                pieces.extend_from_slice(piece);
                return;
            }
            Seen::Pieces(piece.to_owned())
        }
    };
    found.push((field, seen));
}

/// Paths that are called by their index.
fn indexed<T: AsRef<str>>(table: &[T]) -> Paths<usize> {
    let table: Vec<_> = table.iter().enumerate().map(|(at, path)| (path.as_ref(), at)).collect();
    Paths::new(&table)
}

fn read<'c>(paths: &Paths<usize>, chunks: impl IntoIterator<Item = &'c [u8]>) -> Found {
    let mut found = Found::new();
    let mut reader = Reader::default();
    for chunk in chunks {
        reader.push(paths, chunk, &mut |field, value| add(&mut found, field, value));
        assert!(reader.capture.bytes().len() <= MAX_VALUE_BYTES + 1);
    }
    reader.finish(paths, &mut |field, value| add(&mut found, field, value));
    // The next document begins from a clean state.
    let mut clean = Found::new();
    reader.push(paths, b"7", &mut |field, value| add(&mut clean, field, value));
    reader.finish(paths, &mut |field, value| add(&mut clean, field, value));
    assert_eq!(clean, read_seven(paths));
    found
}

fn read_seven(paths: &Paths<usize>) -> Found {
    let field = paths.node(NodeId::ROOT).and_then(|node| node.scalar);
    field.map(|field| (field, Seen::Number(7))).into_iter().collect()
}

/// Reads `document` whole and in every split.
fn found<T: AsRef<str>>(table: &[T], document: impl AsRef<[u8]>) -> Found {
    let (paths, document) = (indexed(table), document.as_ref());
    let whole = read(&paths, [document]);
    assert_eq!(read(&paths, document.chunks(1)), whole, "single bytes of {document:?}");
    for at in 0..document.len().min(600) {
        let (head, tail) = document.split_at(at);
        assert_eq!(read(&paths, [head, tail]), whole, "split at {at} of {document:?}");
    }
    whole
}

fn text(text: &str) -> Seen {
    Seen::Text(text.to_owned(), false)
}

#[test]
fn scalars_are_found_where_they_were_asked_for() {
    let table = ["model", "usage.in", "choices[].reason", "[].method", "n", "deep.er.est", ""];
    for (document, expected) in [
        (r#"{"model":"m-1"}"#, vec![(0, text("m-1"))]),
        (r#" { "model" : "m-1" , "x" : [ 1 ] } "#, vec![(0, text("m-1"))]),
        (
            r#"{"usage":{"in":12,"model":"x"},"model":""}"#,
            vec![(1, Seen::Number(12)), (0, text(""))],
        ),
        (
            r#"{"choices":[{"reason":"stop"},{"reason":null},4,[{"reason":"x"}]]}"#,
            vec![(2, text("stop")), (2, Seen::Null)],
        ),
        (r#"[{"method":"a"},{"method":"b"}]"#, vec![(3, text("a")), (3, text("b"))]),
        (r#"{"n":true,"n":false}"#, vec![(4, Seen::True), (4, Seen::False)]),
        (r#"{"n":-32601}"#, vec![(4, Seen::Negative(-32601))]),
        (r#"{"n":-0}"#, vec![(4, Seen::Number(0))]),
        (r#"{"n":1.5}"#, vec![(4, Seen::OtherNumber)]),
        (r#"{"n":2.0}"#, vec![(4, Seen::Number(2))]),
        (r#"{"n":-2.00}"#, vec![(4, Seen::Negative(-2))]),
        (r#"{"n":2.01}"#, vec![(4, Seen::OtherNumber)]),
        (r#"{"n":2.0e1}"#, vec![(4, Seen::OtherNumber)]),
        (r#"{"n":1e3}"#, vec![(4, Seen::OtherNumber)]),
        (r#"{"n":18446744073709551615}"#, vec![(4, Seen::Number(u64::MAX))]),
        (r#"{"n":18446744073709551616}"#, vec![(4, Seen::OtherNumber)]),
        (r#"{"n":-9223372036854775809}"#, vec![(4, Seen::OtherNumber)]),
        (r#"{"deep":{"er":{"est":1,"er":{"est":2}},"est":3}}"#, vec![(5, Seen::Number(1))]),
        (r#"{"deep":{},"n":[{}],"choices":[],"model":1}"#, vec![(0, Seen::Number(1))]),
        (r#"{"a":"}]\"{","model":2}"#, vec![(0, Seen::Number(2))]),
        (r#"{"a":{"b":"}]\"{\\"},"model":2}"#, vec![(0, Seen::Number(2))]),
        (r#"{"model":{"model":"x"},"n":0}"#, vec![(4, Seen::Number(0))]),
        ("42", vec![(6, Seen::Number(42))]),
        (r#""text""#, vec![(6, text("text"))]),
        ("null ", vec![(6, Seen::Null)]),
        ("\u{feff}{\"n\":1}", vec![(4, Seen::Number(1))]),
    ] {
        assert_eq!(found(&table, document), expected, "{document}");
    }
}

#[test]
fn an_object_is_told_by_its_begin_and_end() {
    let table = ["error", "error{}", "error.type", "output[]{}", "{}"];
    for (document, expected) in [
        (r#"{"error":"x"}"#, vec![(4, Seen::Begin), (0, text("x")), (4, Seen::End)]),
        (
            r#"{"error":{"type":"t","a":{}}}"#,
            vec![
                (4, Seen::Begin),
                (1, Seen::Begin),
                (2, text("t")),
                (1, Seen::End),
                (4, Seen::End),
            ],
        ),
        (
            r#"{"output":[{},1,{"a":[{}]},[{}]]}"#,
            vec![
                (4, Seen::Begin),
                (3, Seen::Begin),
                (3, Seen::End),
                (3, Seen::Begin),
                (3, Seen::End),
                (4, Seen::End),
            ],
        ),
        (r#"{"error":[{}]}"#, vec![(4, Seen::Begin), (4, Seen::End)]),
    ] {
        assert_eq!(found(&table, document), expected, "{document}");
    }
}

#[test]
fn escapes_are_undone_in_names_and_values() {
    let table = ["model", "a\\.b/c"];
    for (document, expected) in [
        (r#"{"mod\u0065l":"a\"\\\/\b\f\n\r\tz"}"#, (0, text("a\"\\/\u{8}\u{c}\n\r\tz"))),
        (r#"{"model":"\u00e9\ud83d\ude00é"}"#, (0, text("\u{e9}\u{1f600}\u{e9}"))),
        (r#"{"model":"\ud83dx\ude00\ud83d"}"#, (0, text("\u{fffd}x\u{fffd}\u{fffd}"))),
        (r#"{"model":"\ud83d\ud83d\ude00"}"#, (0, text("\u{fffd}\u{1f600}"))),
        (r#"{"model":"\u12"}"#, (0, text("\u{fffd}"))),
        (r#"{"model":"\u12\n\u1G"}"#, (0, text("\u{fffd}\n\u{fffd}G"))),
        (r#"{"a.b\/c":"x"}"#, (1, text("x"))),
    ] {
        assert_eq!(found(&table, document), [expected], "{document}");
    }
    assert_eq!(found(&["m"], b"{\"m\":\"a\xff\"}"), [(0, text("a\u{fffd}"))]);
}

#[test]
fn a_long_text_is_cut_between_characters() {
    for (content, kept, cut) in [
        ("a".repeat(256), "a".repeat(256), false),
        ("a".repeat(257), "a".repeat(256), true),
        ("é".repeat(128), "é".repeat(128), false),
        (format!("a{}", "é".repeat(128)), format!("a{}", "é".repeat(127)), true),
        ("\\n".repeat(256), "\n".repeat(256), false),
        ("\\n".repeat(257), "\n".repeat(256), true),
        (format!("{}\\n", "a".repeat(256)), "a".repeat(256), true),
        (format!("{}\\ud83d\\ude00", "a".repeat(255)), "a".repeat(255), true),
    ] {
        let document = format!(r#"{{"m":"{content}","n":1}}"#);
        let expected = [(0, Seen::Text(kept, cut)), (1, Seen::Number(1))];
        assert_eq!(found(&["m", "n"], document), expected);
    }
    let document = [&b"{\"m\":\""[..], &[0xff; 256], b"\"}"].concat();
    assert_eq!(found(&["m"], document), [(0, Seen::Text("\u{fffd}".repeat(85), true))]);
}

#[test]
fn a_string_comes_in_pieces_where_that_was_asked_for() {
    let long = "QUJD".repeat(200);
    for (document, expected) in [
        (format!(r#"{{"b":"{long}"}}"#), vec![(0, Seen::Pieces(long.into())), (0, Seen::End)]),
        (
            r#"{"b":"a\/b\u0041\ud83d\ude00\\\ud83d"}"#.to_owned(),
            vec![(0, Seen::Pieces("a/bA\u{1f600}\\\u{fffd}".into())), (0, Seen::End)],
        ),
        (r#"{"b":""}"#.to_owned(), vec![(0, Seen::End)]),
        (r#"{"b":1}"#.to_owned(), vec![]),
        (r#"{"b":"ab"#.to_owned(), vec![(0, Seen::Pieces("ab".into()))]),
    ] {
        assert_eq!(found(&["b~"], &document), expected, "{document}");
    }
}

#[test]
fn documents_follow_each_other() {
    let one = [(0, Seen::Number(1)), (0, Seen::Number(2))];
    for document in [
        r#"{"n":1}{"n":2}"#,
        "{\"n\":1}\n\n{\"n\":2}\n",
        r#"12{"n":1}"x"{"n":2}"#,
        r#"[{"n":3}]{"n":1}null {"n":2}"#,
    ] {
        assert_eq!(found(&["n"], document), one, "{document}");
    }
    assert_eq!(found(&[""], "1 2"), [(0, Seen::Number(1)), (0, Seen::Number(2))]);
}

#[test]
fn what_is_no_json_yields_what_it_yields() {
    for (document, expected) in [
        ("[DONE]", None),
        (": comment", None),
        ("", None),
        ("{]{\"n\":1}", None),
        ("{\"a\"}{\"n\":1}", None),
        ("{\"a\":[}],\"n\":1}", None),
        ("{\"a\":[},\"n\":1}", Some(1)),
        ("{\"a\":nope,\"n\":1}", Some(1)),
        ("{\"n\":nope}", None),
        ("{\"n\":1", None),
        ("{\"n\":\"a", None),
        ("{\"n\":1,", Some(1)),
        ("{\"n\":1,}{\"n\":-}", Some(1)),
    ] {
        let expected: Found = expected.map(|n| (0, Seen::Number(n))).into_iter().collect();
        assert_eq!(found(&["n"], document), expected, "{document}");
    }
}

#[test]
fn a_broken_document_does_not_swallow_the_next() {
    let paths = indexed(&["n"]);
    for broken in ["{]", "{\"n\":\"", "[[[[", "{\"n", "{\"n\":\"\\ud83d", "tru", "{\"x\":{\"a\\"] {
        let mut found = Found::new();
        let mut reader = Reader::default();
        let mut take = |field, value: Value<'_>| add(&mut found, field, value);
        reader.push(&paths, broken.as_bytes(), &mut take);
        reader.finish(&paths, &mut take);
        reader.push(&paths, br#"{"n":"x"}"#, &mut take);
        assert_eq!(found, [(0, text("x"))], "{broken}");
    }
}

#[test]
fn depth_and_length_have_no_limit_and_no_cost() {
    let deep = format!("{{\"x\":{}1{},\"n\":5}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let objects = format!("{{\"x\":{}1{},\"n\":5}}", "{\"x\":".repeat(9999), "}".repeat(9999));
    let long = format!("{{\"x\":\"{}\",\"n\":5}}", "\\\"ab".repeat(2_500_000));
    let digits = format!("{{\"m\":{},\"n\":5}}", "9".repeat(1_000_000));
    let unclosed = "[".repeat(1_000_000);
    let name = format!("{{\"{}\":1,\"n\":5}}", "n".repeat(1_000_000));
    let paths = indexed(&["n", "m", "x.x.x"]);
    for (document, expected) in [
        (deep, vec![(0, Seen::Number(5))]),
        (objects, vec![(0, Seen::Number(5))]),
        (long, vec![(0, Seen::Number(5))]),
        (digits, vec![(1, Seen::OtherNumber), (0, Seen::Number(5))]),
        (unclosed, vec![]),
        (name, vec![(0, Seen::Number(5))]),
    ] {
        assert_eq!(read(&paths, [document.as_bytes()]), expected);
        assert_eq!(read(&paths, document.as_bytes().chunks(1000)), expected);
    }
}

#[test]
fn a_path_may_be_as_deep_as_the_bound() {
    let path = |depth: usize| vec!["a"; depth].join(".");
    let document = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let deepest = found(&[path(MAX_PATH_DEPTH)], document(MAX_PATH_DEPTH));
    assert_eq!(deepest, [(0, Seen::Number(1))]);
    let deeper = found(&[path(MAX_PATH_DEPTH + 1)], document(MAX_PATH_DEPTH + 1));
    assert_eq!(deeper, []);
}

#[test]
fn the_state_is_small() {
    assert!(size_of::<Reader>() <= 256, "{} bytes", size_of::<Reader>());
}

/// The same by walking the parsed document.
fn walk(value: &serde_json::Value, path: &str, table: &[String], found: &mut Found) {
    let field = |path: &str| table.iter().rposition(|entry| entry == path);
    let (scalar, pieces) = (field(path), field(&format!("{path}~")));
    let number = |number: &serde_json::Number| match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => Seen::Number(number),
        (_, Some(number)) => Seen::Negative(number),
        _ => match number.as_f64() {
            // As a float it is printed with a point, and one that is large with an exponent.
            Some(whole) if whole.fract() == 0.0 && number.to_string().ends_with(".0") => {
                if whole < 0.0 { Seen::Negative(whole as i64) } else { Seen::Number(whole as u64) }
            }
            _ => Seen::OtherNumber,
        },
    };
    let seen = match value {
        serde_json::Value::Null => Seen::Null,
        serde_json::Value::Bool(true) => Seen::True,
        serde_json::Value::Bool(false) => Seen::False,
        serde_json::Value::Number(value) => number(value),
        serde_json::Value::String(text) => {
            if let Some(field) = pieces {
                if !text.is_empty() {
                    found.push((field, Seen::Pieces(text.clone().into())));
                }
                found.push((field, Seen::End));
                return;
            }
            let end = (0..=MAX_VALUE_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap();
            let kept = if text.len() <= MAX_VALUE_BYTES { text } else { &text[..end] };
            Seen::Text(kept.to_owned(), kept.len() < text.len())
        }
        serde_json::Value::Array(elements) => {
            return elements
                .iter()
                .for_each(|element| walk(element, &format!("{path}[]"), table, found));
        }
        serde_json::Value::Object(members) => {
            let object = field(&format!("{path}{{}}"));
            found.extend(object.map(|field| (field, Seen::Begin)));
            // A name that is too long to be kept is none that anybody asked for.
            let known = members.iter().filter(|(name, _)| name.len() <= MAX_VALUE_BYTES);
            for (name, member) in known {
                let name = name.replace('.', "\\.");
                let below = if path.is_empty() { name } else { format!("{path}.{name}") };
                walk(member, &below, table, found);
            }
            found.extend(object.map(|field| (field, Seen::End)));
            return;
        }
    };
    found.extend(scalar.map(|field| (field, seen)));
}

/// A name that is sometimes escaped in JSON; without backslashes, which the walk could not tell from
/// those of a path.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[abc]", 1 => "[a-c.\"é\n]{1,3}", 1 => "z{250,260}"]
}

fn any_document() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|flag| json!(flag)),
        any::<u64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        (-100_i8..100).prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(|text| json!(text)),
        "[a-z\"\\\\\n\u{e9}\u{1f600}{}\\[\\]]{0,300}".prop_map(|text| json!(text)),
    ];
    scalar.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            proptest::collection::btree_map(any_name(), inner, 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn any_path() -> impl Strategy<Value = String> {
    let step = prop_oneof![2 => Just("[]".to_owned()), 5 => any_name().prop_map(|name| {
        format!(".{}", name.replace('.', "\\."))
    })];
    (vec(step, 0..5), prop_oneof![Just(""), Just("{}"), Just("~")]).prop_map(|(steps, way)| {
        let path = steps.concat();
        format!("{}{way}", path.strip_prefix('.').unwrap_or(&path))
    })
}

fn chunks<'b>(bytes: &'b [u8], cuts: &[Index]) -> Vec<&'b [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn check_splits(table: &[String], bytes: &[u8], cuts: &[Index]) -> Found {
    let paths = indexed(table);
    let whole = read(&paths, [bytes]);
    assert_eq!(read(&paths, chunks(bytes, cuts)), whole);
    assert_eq!(read(&paths, bytes.chunks(1)), whole);
    whole
}

const SOUP: &str = "([\\[\\]{}:, \n\"\\\\]|\"a\":|\"b\":|\\[\\{|\\}\\]|1|-2|true|\\\\u00|\\\\ud83d|é|aaaaaaaa){0,90}";

proptest! {
    #[test]
    fn random_documents_read_as_a_parser_reads_them(
        document in any_document(),
        table in vec(any_path(), 0..12),
        cuts in vec(any::<Index>(), 0..8),
    ) {
        let mut expected = Found::new();
        walk(&document, "", &table, &mut expected);
        let compact = serde_json::to_string(&document).unwrap();
        let pretty = serde_json::to_string_pretty(&document).unwrap();
        for json in [compact, pretty] {
            prop_assert_eq!(&check_splits(&table, json.as_bytes(), &cuts), &expected, "{}", json);
        }
    }

    #[test]
    fn soup_reads_the_same_in_any_split(
        soup in SOUP,
        table in vec("([ab]|\\[\\]|[ab]\\.[ab]|\\[\\]\\.[ab]|[ab]\\[\\])(\\{\\}|~)?", 0..8),
        cuts in vec(any::<Index>(), 0..8),
    ) {
        check_splits(&table, soup.as_bytes(), &cuts);
    }

    #[test]
    fn any_bytes_read_the_same_in_any_split(bytes: Vec<u8>, cuts in vec(any::<Index>(), 0..4)) {
        check_splits(&["".to_owned(), "a".to_owned()], &bytes, &cuts);
        let document = [b"{\"a\":\"", &*bytes, b"\",\"a\":[1]}"].concat();
        check_splits(&["a".to_owned()], &document, &cuts);
        check_splits(&["a~".to_owned()], &document, &cuts);
        check_splits(&["b".to_owned()], &document, &cuts);
    }
}
