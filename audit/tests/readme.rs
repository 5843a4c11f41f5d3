//! What README.md shows is what the code takes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path};

use ledgerline_core::{Config, Entry, config::Settings};

/// The fenced blocks of README.md in the given language.
fn blocks(language: &str) -> Vec<String> {
    let readme = fs::read_to_string(
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../README.md"),
    )
    .unwrap();
    let fence = format!("```{language}\n");
    let mut parts = readme.split(&fence);
    parts.next();
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_json_blocks_are_an_entry_and_a_configuration() {
    let blocks = blocks("json");
    let [entry, configuration] = &*blocks else {
        panic!("{} JSON blocks, two expected", blocks.len())
    };
    let read: Entry<'_> = serde_json::from_str(entry).unwrap();
    let mut written = Vec::new();
    read.write_to(&mut written);
    assert_eq!(String::from_utf8(written).unwrap(), entry.trim_end());
    Config::try_from(Settings::from_json(configuration.as_bytes()).unwrap()).unwrap();
}

#[test]
fn the_configuration_table_names_every_key() {
    let readme = fs::read_to_string(
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../README.md"),
    )
    .unwrap();
    let one_host = br#"{"hosts":[{"hosts":["*"],"call":"deny","mask_outbound":true,
        "secret_to_wrong_host":"deny"}]}"#;
    let settings = serde_json::to_value(Settings::from_json(one_host).unwrap()).unwrap();
    for (section, keys) in settings.as_object().unwrap() {
        let keys = keys.get(0).unwrap_or(keys);
        for key in keys.as_object().unwrap().keys() {
            let long = format!("`{section}.{key}`");
            let short = format!("`.{key}`");
            assert!(
                readme.contains(&long) || readme.contains(&short),
                "README.md does not explain {long}"
            );
        }
    }
}
