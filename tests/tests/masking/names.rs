//! Fields that are secret by their names, whatever their values are.

use std::rc::Rc;

use ledgerline_core::mask::{PLACEHOLDER, Rules, Syntax};

use crate::position::Encoding;
use crate::stream::Stream;

/// Names of secrets, as a program would write them.
const SECRET: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "api_key",
    "apikey",
    "x_api_key",
    "xi_api_key",
    "x_goog_api_key",
    "openai_api_key",
    "access_token",
    "refresh_token",
    "id_token",
    "auth_token",
    "bearer_token",
    "token",
    "client_secret",
    "secret_key",
    "aws_secret_access_key",
    "aws_access_key_id",
    "aws_session_token",
    "private_key",
    "credentials",
    "authorization",
    "proxy_authorization",
    "cookie",
    "set_cookie",
    "csrf_token",
    "x_csrf_token",
    "x_vault_token",
    "x_shopify_access_token",
    "cf_access_client_secret",
    "dd_api_key",
    "dd_application_key",
    "db_password",
    "database_password",
    "new_password",
    "password2",
    "mysql_pwd",
    "connect.sid",
    "phpsessid",
    "connection_string",
];

/// Names that only look like those.
const PLAIN: &[&str] = &[
    "max_tokens",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "token_count",
    "max_completion_tokens",
    "cache_read_input_tokens",
    "next_page_token",
    "page_token",
    "session",
    "session_id",
    "tokens",
    "token_type",
    "author",
    "public_key",
    "keyboard",
    "key",
    "monkey",
    "secretary_name",
    "stop_token",
    "bytes",
    "content",
    "role",
];

/// Values, and what becomes of them; `*` is the placeholder.
const VALUES: &[(&str, &str)] = &[
    (r#""plain""#, r#""*""#),
    (r#""""#, r#""""#),
    (r#""with \"quotes\" and a \\ in it""#, r#""*""#),
    (r#""ends with a backslash\\""#, r#""*""#),
    (r#""\n\t\u00e9 é, } ] : \" ""#, r#""*""#),
    ("123456", r#""*""#),
    ("true", "true"),
    ("false", "false"),
    ("null", "null"),
    ("{}", "{}"),
    ("[]", "[]"),
    (r#"["a","",null,[true,"b"]]"#, r#"["*","",null,[true,"*"]]"#),
    // A member of an object has a name of its own, and a look.
    (r#"{"a":"x","b":{"c":[-2,"y"]},"d":""}"#, r#"{"a":"x","b":{"c":[-2,"y"]},"d":""}"#),
    (
        r#"{"a":"kX7pQ2mZt9LwB4","b":{"c":[-2,"Zt3mKW9xpLq7"],"name":"tls-cert-1"},"d":""}"#,
        r#"{"a":"*","b":{"c":[-2,"*"],"name":"tls-cert-1"},"d":""}"#,
    ),
    (r#"[{"a":"} ]"},"z"]"#, r#"[{"a":"} ]"},"*"]"#),
    (r#"{ "a" : "x" , "b" : 1 }"#, r#"{ "a" : "x" , "b" : 1 }"#),
];

/// Numbers that count or measure, unless they are a password's.
const NUMBERS: &[&str] = &["0", "7", "-1.5", "6.02e+23", "-1E-9"];

#[test]
fn a_secrets_name_masks_any_value_in_any_spelling_at_any_depth() {
    let mut failures = Failures::default();
    for name in SECRET {
        for spelling in spellings(name) {
            for (value, expected) in VALUES {
                for depth in 0..4 {
                    // The rest of the line tells whether the masker found the end of the value.
                    let body = document(&spelling, value, depth);
                    failures.check(&Syntax::Json, &body, &document(&spelling, expected, depth));
                }
            }
        }
    }
    failures.report();
}

#[test]
fn a_number_is_a_password_under_the_name_of_one_and_a_count_under_others() {
    let mut failures = Failures { every_split: true, ..Failures::default() };
    for name in SECRET {
        let is_password = ["pass", "pwd"].iter().any(|word| name.contains(word));
        for number in NUMBERS {
            for (open, close) in [("", ""), ("[", "]"), ("{\"a\":", "}")] {
                let is_masked = is_password && open != "{\"a\":";
                let wanted = if is_masked { "\"*\"" } else { number };
                let body = document(name, &format!("{open}{number}{close}"), 0);
                let wanted = document(name, &format!("{open}{wanted}{close}"), 0);
                failures.check(&Syntax::Json, &body, &wanted);
            }
        }
    }
    failures.report();
}

#[test]
fn a_secrets_value_is_masked_across_every_split() {
    let mut failures = Failures { every_split: true, ..Failures::default() };
    for name in ["apiKey", "X-API-KEY", "db_password"] {
        for (value, expected) in VALUES {
            for depth in 0..4 {
                failures.check(
                    &Syntax::Json,
                    &document(name, value, depth),
                    &document(name, expected, depth),
                );
            }
        }
    }
    failures.report();
}

#[test]
fn the_end_of_the_body_may_cut_a_secret_off() {
    let mut failures = Failures { every_split: true, ..Failures::default() };
    for (body, expected) in [
        (r#"{"password":"abc"#, r#"{"password":"*"#),
        (r#"{"password":"abc\"#, r#"{"password":"*"#),
        (r#"{"password":"abc\\\"#, r#"{"password":"*"#),
        (r#"{"password":123"#, r#"{"password":"*""#),
        (r#"{"password":"#, r#"{"password":"#),
        (r#"{"password":""#, r#"{"password":""#),
        (r#"{"password":[["b"#, r#"{"password":[["*"#),
        (r#"{"password":{"a":["kX7pQ2mZt9"#, r#"{"password":{"a":["*"#),
    ] {
        failures.check(&Syntax::Json, body, expected);
    }
    failures.report();
}

#[test]
fn a_name_that_counts_or_turns_pages_masks_nothing() {
    let mut failures = Failures::default();
    for name in PLAIN {
        for spelling in spellings(name) {
            for (value, _) in VALUES {
                for depth in 0..4 {
                    let body = document(&spelling, value, depth);
                    failures.check(&Syntax::Json, &body, &body);
                }
            }
        }
    }
    failures.report();
}

#[test]
fn space_around_the_colon_is_no_hiding_place() {
    let mut failures = Failures { every_split: true, ..Failures::default() };
    for space in ["", " ", "  ", "\t", "\n  ", " \r\n\t "] {
        for colon in [format!(":{space}"), format!("{space}:"), format!("{space}:{space}")] {
            for (value, expected) in VALUES {
                let body = format!("{{\"a\":1,\"api_key\"{colon}{value},\"b\":2}}");
                let expected = format!("{{\"a\":1,\"api_key\"{colon}{expected},\"b\":2}}");
                failures.check(&Syntax::Json, &body, &expected);
            }
        }
    }
    failures.report();
}

#[test]
fn names_are_looked_for_in_any_text() {
    let mut failures = Failures { every_split: true, ..Failures::default() };
    for (body, expected) in [
        (r#"data: {"api_key":"x"}"#, r#"data: {"api_key":"*"}"#),
        (
            "{\"a\":1}\n{\"api_key\":\"x\"}\n{\"token\":\"y\"}\n",
            "{\"a\":1}\n{\"api_key\":\"*\"}\n{\"token\":\"*\"}\n",
        ),
        (r#"He said: {"password": "x", "n": 1}."#, r#"He said: {"password": "*", "n": 1}."#),
        ("Cookie: a=b; _gitlab_session=0a1b2c; c=d", "Cookie: a=b; _gitlab_session=*; c=d"),
        (r#"{"password":"a","password":"b"}"#, r#"{"password":"*","password":"*"}"#),
    ] {
        failures.check(&Syntax::Json, body, expected);
        failures.check(&Syntax::Text, body, expected);
    }
    failures.report();
}

#[test]
fn what_a_model_says_about_tokens_stays() {
    let mut failures = Failures { every_split: true, ..Failures::default() };
    for body in [
        r#"{"logprobs":{"content":[{"token":" the","logprob":-0.31,"bytes":[32,116],"top_logprobs":[{"token":" a","logprob":-1.5}]}]}}"#,
        r#"{"token": "Hello", "logprob": -0.01}"#,
        r#"{"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":0}}}"#,
        r#"{"usage":{"input_tokens":12,"output_tokens":3,"cache_creation":{"ephemeral_5m_input_tokens":0}}}"#,
        r#"{"max_tokens":1024,"max_completion_tokens":9,"nextPageToken":"CAUQAA","session":"abc"}"#,
        r##"{"type":"function","function":{"name":"log_in","parameters":{"type":"object","properties":{"password":{"type":"string","description":"The password."},"api_key":{"type":["string","null"],"title":"Key"},"token":{"$ref":"#/x","format":"uuid","pattern":"^a"}},"required":["password"]}}}"##,
    ] {
        failures.check(&Syntax::Json, body, body);
        let nested = format!("{{\"a\":\"{}\"}}", Encoding::Json.apply(body));
        failures.check(&Syntax::Json, &nested, &nested);
    }
    failures.report();
}

#[test]
fn fields_of_a_query_and_of_a_form_are_masked_by_name() {
    let mut failures = Failures { every_split: true, ..Failures::default() };
    for name in [
        "key",
        "sig",
        "signature",
        "hmac",
        "X-Amz-Signature",
        "X-Amz-Credential",
        "X-Goog-Signature",
        "AWSAccessKeyId",
        "access_token",
        "apiKey",
        "client_secret",
        "X-Amz-Security-Token",
    ] {
        // Of these names, a value has to look like what they are said to hold.
        let is_weak = ["key", "sig", "signature", "hmac"].contains(&name);
        for value in ["abc", "a%20b%2Fc%3D", "a+b", "%2541", "1", "0f1e2d3c4b5a6978"] {
            let is_masked = !is_weak || value.len() > 12;
            for (before, after) in [("a=1&", ""), ("a=1&", "&b=2"), ("", "&b=2"), ("", "")] {
                let expected = format!("{before}{name}=*{after}");
                failures.check(&Syntax::Form, &format!("{before}{name}={value}{after}"), &expected);
            }
            for (before, after) in [
                ("https://a.example/b?", "&c=1"),
                ("https://a.example/b?c=1&", ""),
                ("see <https://a.example/b?", "> "),
                ("GET /b?", " HTTP/1.1"),
                ("{\"url\":\"https://a.example/b?c=1&", "\",\"d\":1}"),
                (r#"{"a":"{\"url\":\"https://a.example/b?"#, r#"\",\"d\":1}"}"#),
                ("a href='/b?x=1&amp;", "&amp;c=1'"),
                (r#"{"url":"/b?x=1\u0026"#, r#"\u0026c=1"}"#),
                ("u=https%3A%2F%2Fa.example%2Fb%3F", "%26c=1"),
                ("https%3A%2F%2Fa.example%2Fb%3Fc%3D1%26", "%26d%3D1"),
            ] {
                // Within an encoded URL the value is encoded once more.
                let value = if before.contains("%3F") {
                    value.replace('%', "%25").replace('+', "%2B")
                } else {
                    value.to_owned()
                };
                let equals = if before.contains("%3F") { "%3D" } else { "=" };
                let body = format!("{before}{name}{equals}{value}{after}");
                let wanted = format!("{before}{name}{equals}*{after}");
                failures.check(&Syntax::Text, &body, if is_masked { &wanted } else { &body });
            }
        }
    }
    for body in [
        "a=1&page=2&monkey=3",
        "https://a.example/?page_token=abc&max_tokens=4",
        "key=",
        "x=1&key=&y=2",
    ] {
        failures.check(&Syntax::Form, body, body);
    }
    failures.report();
}

#[test]
fn parts_of_a_multipart_body_are_masked_by_name() {
    let mut failures = Failures { every_split: true, ..Failures::default() };
    let syntax = Syntax::Multipart((*b"b-1").into());
    for value in ["x", "two\r\nlines", "--b-2", "a\r\n--b", "{\"a\":1}", "\r\n"] {
        for disposition in [
            "name=\"password\"",
            "name=api_key",
            "NAME=\"clientSecret\"; filename=\"a.txt\"",
            "filename=\"x.pem\"; name=\"private-key\"",
        ] {
            let body = |value: &str| {
                format!(
                    "--b-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b-1\r\ncontent-disposition: form-data; {disposition}\r\nContent-Type: text/plain\r\n\r\n{value}\r\n--b-1\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n--b-1--\r\n"
                )
            };
            failures.check(&syntax, &body(value), &body("*"));
        }
    }
    failures.report();
}

#[test]
fn the_operators_names_and_rules_count_too() {
    let own = [("ticket".to_owned(), "TKT-[0-9]{4,8}".to_owned())];
    let rules =
        Rules::new("-gone-", &["Kunden-Nr".to_owned()], &["reset_password".to_owned()], &own);
    let rules = Rc::new(rules.expect("good rules"));
    let mut stream = Stream::new(&rules, &Syntax::Json);
    let body = br#"{"kundenNr":7,"reset_password":"x","password":"y","t":"see TKT-12345678."}"#;
    let expected =
        br#"{"kundenNr":"-gone-","reset_password":"x","password":"-gone-","t":"see -gone-."}"#;
    if let Some((split, view)) = stream.first_wrong(body, expected) {
        panic!("{split}: {}", String::from_utf8_lossy(&view));
    }
    let counts = stream.counts(body);
    assert_eq!(counts.get("ticket"), Some(&1));
    assert_eq!(counts.get("name"), Some(&2));
}

/// `name` as people and programs spell it.
fn spellings(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split('_').collect();
    let capital = |word: &&str| word[..1].to_uppercase() + &word[1..];
    let pascal: String = words.iter().map(capital).collect();
    let camel = pascal[..1].to_lowercase() + &pascal[1..];
    let train: Vec<String> = words.iter().map(capital).collect();
    let mut all = vec![
        name.to_owned(),
        words.join("-"),
        words.join(" "),
        words.join("."),
        camel,
        pascal,
        train.join("-"),
        name.to_uppercase(),
        words.join("-").to_uppercase(),
    ];
    all.sort();
    all.dedup();
    all
}

/// An object with a field in the middle, as a string within strings `depth` times.
fn document(name: &str, value: &str, depth: usize) -> String {
    let object = format!("{{\"first\":\"a\",\"{name}\":{value},\"last\":[1,\"b\"]}}");
    (0..depth).fold(object, |inner, _| {
        format!("{{\"n\":0,\"arguments\":\"{}\",\"m\":\"c\"}}", Encoding::Json.apply(&inner))
    })
}

#[derive(Default)]
struct Failures {
    rules: Rc<Rules>,
    every_split: bool,
    tried: usize,
    found: Vec<String>,
}

impl Failures {
    fn check(&mut self, syntax: &Syntax, body: &str, expected: &str) {
        self.tried += 1;
        let expected = expected.replace('*', PLACEHOLDER);
        let mut stream = Stream::new(&self.rules, syntax);
        let wrong = if self.every_split {
            stream.first_wrong(body.as_bytes(), expected.as_bytes())
        } else {
            let view = stream.view(body.as_bytes(), &[]).to_vec();
            (view != expected.as_bytes()).then(|| ("whole".to_owned(), view))
        };
        // These values are no fakes of anything, and may be shown.
        let tell = |(split, view): (String, Vec<u8>)| {
            format!(
                "{syntax:?}, {split}\n   body {body}\n   want {expected}\n   got  {}",
                String::from_utf8_lossy(&view)
            )
        };
        self.found.extend(wrong.map(tell));
    }

    fn report(self) {
        println!("{} of {} bodies as expected", self.tried - self.found.len(), self.tried);
        let some: Vec<&str> = self.found.iter().take(30).map(String::as_str).collect();
        assert!(self.found.is_empty(), "{} wrong:\n{}", self.found.len(), some.join("\n"));
    }
}
