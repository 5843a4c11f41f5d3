//! A chat as OpenAI's API has it: what is asked, the answer, and the answer as a stream of events.
//!
//! The filter reads what it knows the shape of, so the shapes are those of the real API: fields, order
//! and sizes. All of it is made once, and always the same.

use crate::provider::prose;

/// Asks for an answer in events, with the tokens used in one of them.
const STREAMED: &str = r#""stream":true,"stream_options":{"include_usage":true},"#;

/// What is said, word by word.
const WORDS: [&str; 8] = ["The", " open", " invoices", " of", " the", " quarter", " amount", " to"];

/// The API adds letters of its own, so that the size of an event tells nothing about the word in it.
const LETTERS: &str = "q7Zk2LxV9sBnT4mRw0YcJ8hGd";
const PADDED_BYTES: usize = 14;

const USAGE: &str = r#"{"prompt_tokens":231,"completion_tokens":196,"total_tokens":427,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":64,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#;

/// The body of a request, of `length` bytes.
pub(crate) fn request(length: usize) -> Vec<u8> {
    request_with("", length)
}

/// The same, with the wish for a stream.
pub(crate) fn streamed_request(length: usize) -> Vec<u8> {
    request_with(STREAMED, length)
}

fn request_with(wishes: &str, length: usize) -> Vec<u8> {
    let opening =
        format!(r#"{{"model":"gpt-5-mini",{wishes}"messages":[{{"role":"user","content":""#);
    let closing = r#""}]}"#;
    let prose = prose().take(length.saturating_sub(opening.len() + closing.len()));
    opening.bytes().chain(prose).chain(closing.bytes()).collect()
}

/// The body of an answer, of about 1 KiB.
pub(crate) fn answer() -> String {
    let content: String = prose().take(440).map(char::from).collect();
    format!(
        r#"{{"id":"chatcmpl-CZq3vN8sKx1mWb5tYd7RfJ2hLp0Ga","object":"chat.completion","created":1767225600,"model":"gpt-5-mini-2025-08-07","choices":[{{"index":0,"message":{{"role":"assistant","content":"{content}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{USAGE},"service_tier":"default","system_fingerprint":"fp_44709d6fcb"}}"#
    )
}

/// A streamed answer of `count` events, each with the blank line behind it.
pub(crate) fn events(count: usize) -> Vec<String> {
    let closing = [chunk(&choice("{}", r#""stop""#), "null", ""), chunk("", USAGE, ""), done()];
    let first = r#"{"role":"assistant","content":"","refusal":null}"#;
    let mut events = vec![chunk(&choice(first, "null"), "null", "")];
    let words = WORDS.iter().cycle().take(count.saturating_sub(1 + closing.len()));
    events.extend(words.map(|word| {
        let delta = format!(r#"{{"content":"{word}"}}"#);
        chunk(&choice(&delta, "null"), "null", word)
    }));
    events.extend(closing);
    events
}

fn choice(delta: &str, finish_reason: &str) -> String {
    format!(r#"{{"index":0,"delta":{delta},"finish_reason":{finish_reason}}}"#)
}

fn chunk(choices: &str, usage: &str, word: &str) -> String {
    let padding = LETTERS.get(..PADDED_BYTES.saturating_sub(word.len())).unwrap_or_default();
    format!(
        "data: {{\"id\":\"chatcmpl-CZq3vN8sKx1mWb5tYd7RfJ2hLp0Ga\",\"object\":\"chat.completion.chunk\",\
         \"created\":1767225600,\"model\":\"gpt-5-mini-2025-08-07\",\"service_tier\":\"default\",\
         \"system_fingerprint\":null,\"choices\":[{choices}],\"usage\":{usage},\
         \"obfuscation\":\"{padding}\"}}\n\n"
    )
}

fn done() -> String {
    "data: [DONE]\n\n".into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::burst;
    use serde_json::Value;

    #[test]
    fn every_event_but_the_last_is_json_of_the_size_that_the_api_sends() {
        let events = events(200);
        assert_eq!(events.len(), 200);
        let (last, chunks) = events.split_last().unwrap();
        assert_eq!(last, "data: [DONE]\n\n");
        for chunk in chunks {
            let json = chunk.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap();
            let json: Value = serde_json::from_str(json).unwrap();
            assert_eq!(json["object"], "chat.completion.chunk");
        }
        let is_usual = |chunk: &String| (250..=350).contains(&chunk.len());
        assert!(chunks[..198].iter().all(is_usual), "{} bytes", chunks[0].len());
    }

    #[test]
    fn bursts_are_a_mebibyte() {
        let bytes = burst().len();
        assert!((1 << 20..(1 << 20) + 512).contains(&bytes), "{bytes} bytes");
    }

    #[test]
    fn requests_have_the_length_that_was_asked_for() {
        for body in [request(1024), streamed_request(1024)] {
            assert!(serde_json::from_slice::<Value>(&body).is_ok());
            assert_eq!(body.len(), 1024);
        }
        assert!(serde_json::from_str::<Value>(&answer()).is_ok());
    }
}
