//! Kubernetes objects: their names, and how they are written.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fault::Fault;

/// The namespace of the gateway.
pub(super) const NAMESPACE: &str = "ledgerline";
/// The gateway's workload, its service and its `Gateway`.
pub(super) const GATEWAY: &str = "ledgerline-gateway";

/// An object of a namespace.
pub(super) fn object(
    namespace: &str,
    api_version: &str,
    kind: &str,
    name: &str,
    spec: Value,
) -> Value {
    json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "labels": { "app.kubernetes.io/part-of": "ledgerline" },
            "name": name,
            "namespace": namespace,
        },
        "spec": spec,
    })
}

/// The longest name that every kind of object takes.
const MAX_NAME: usize = 63;
const HASH_CHARS: usize = 8;

/// The name of an object that belongs to a host, or to anything else that is a DNS name: the name itself;
/// where it is too long, as much of it as fits and a hash.
pub(super) fn object_name(text: &str) -> String {
    if text.len() <= MAX_NAME {
        return text.to_owned();
    }
    let head: String = text.chars().take(MAX_NAME - HASH_CHARS - 1).collect();
    let hash: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    let hash: String = hash.chars().take(HASH_CHARS).collect();
    format!("{}-{hash}", head.trim_end_matches(['.', '-']))
}

/// Documents of one file.
pub(super) fn yaml(documents: &[Value]) -> Result<String, Fault> {
    let mut text = String::new();
    for document in documents {
        if !text.is_empty() {
            text.push_str("---\n");
        }
        let document = serde_saphyr::to_string(document).map_err(|error| {
            Fault::NoAnswer(format!("error: cannot be written as YAML: {error}"))
        })?;
        text.push_str(&document);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_enough_and_stay_apart() {
        assert_eq!(object_name("api.openai.com"), "api.openai.com");
        let long = |end: &str| object_name(&format!("{}.{end}.example", "x".repeat(60)));
        assert_ne!(long("a"), long("b"));
        for name in
            [long("a"), object_name(&format!("{}.{}.example", "x".repeat(53), "y".repeat(20)))]
        {
            assert!(name.len() <= MAX_NAME, "{name}");
            assert!(!name.contains(".-") && !name.contains("--"), "{name}");
        }
    }
}
