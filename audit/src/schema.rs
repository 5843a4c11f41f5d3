//! `ledgerline schema`: the JSON Schema of the configuration and of the entry.

use clap::ValueEnum;
use ledgerline_core::{Entry, config::Settings};

use crate::{fault::Fault, say::say_json};

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Subject {
    /// The filter's configuration
    Config,
    /// One entry of a ledger
    Entry,
}

pub(crate) fn run(subject: Subject) -> Result<(), Fault> {
    let schema = match subject {
        Subject::Config => schemars::schema_for!(Settings),
        Subject::Entry => schemars::schema_for!(Entry<'static>),
    };
    say_json(&format!("{:#}", schema.as_value()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_name_the_keys_and_only_the_entry_is_open_to_later_ones() {
        let config = schemars::schema_for!(Settings).to_value();
        assert!(config["properties"]["identity"].is_object());
        assert_eq!(config["additionalProperties"], false);
        let entry = schemars::schema_for!(Entry<'static>).to_value();
        let required: Vec<_> = entry["required"].as_array().unwrap().iter().collect();
        assert!(required.contains(&&"timestamp".into()) && required.contains(&&"outcome".into()));
        assert!(entry["additionalProperties"].is_null());
    }
}
