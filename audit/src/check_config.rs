//! `ledgerline check-config`: does this configuration load?
//!
//! The filter compiles its configuration when Envoy starts, far from the person who wrote it. Here
//! the same code answers at once. The file may be the configuration itself or a manifest around it:
//! an Envoy bootstrap, an EnvoyFilter, a WasmPlugin or an EnvoyExtensionPolicy, where it is found by its
//! surroundings.

use std::{fs, path::Path};

use ledgerline_core::{Config, config::Settings};
use serde_json::Value;

use crate::fault::Fault;

pub(crate) fn run(file: &Path) -> Result<(), Fault> {
    let text = fs::read_to_string(file).map_err(|error| Fault::io(file, &error))?;
    let name = file.display();
    let documents = parse(&text)
        .map_err(|error| Fault::Refused(format!("{name}: refused: {}", error.trim_end())))?;
    let found = configurations(&documents);
    for Found { place, settings } in &found {
        load(settings)
            .map_err(|error| Fault::Refused(format!("{name}: refused: {place}{error}")))?;
    }
    anstream::println!("{name}: OK, {} configuration(s) checked", found.len());
    Ok(())
}

/// The documents of a file of JSON or YAML.
pub(crate) fn parse(text: &str) -> Result<Vec<Value>, String> {
    // JSON has its own parser, because its messages count lines and columns in the JSON itself.
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(text)
            .map(|value| vec![value])
            .map_err(|error| error.to_string());
    }
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
    Ok(if documents.is_empty() { vec![Value::Object(Default::default())] } else { documents })
}

/// Compiles a configuration, as the filter would.
pub(crate) fn load(settings: &Value) -> Result<Config, String> {
    let settings =
        Settings::from_json(settings.to_string().as_bytes()).map_err(|error| error.to_string())?;
    Config::check(settings).map_err(|error| error.to_string())
}

/// A configuration and where it stands: empty for a whole file, else a path that ends in `: `.
pub(crate) struct Found {
    pub(crate) place: String,
    pub(crate) settings: Value,
}

/// The configurations in documents, which may be manifests.
pub(crate) fn configurations(documents: &[Value]) -> Vec<Found> {
    let mut found = Vec::new();
    for document in documents {
        collect(document, "", &mut found);
    }
    if found.is_empty() {
        let whole = |document: &Value| Found { place: String::new(), settings: document.clone() };
        found.extend(documents.iter().map(whole));
    }
    found
}

/// Looks for the configuration of a plugin named `ledgerline`, at any depth.
fn collect(value: &Value, place: &str, found: &mut Vec<Found>) {
    let child =
        |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
    match value {
        Value::Object(object) => {
            // Envoy's PluginConfig, the one of Envoy Gateway, and Istio's WasmPlugin.
            let envoys = object.contains_key("vm_config").then_some("configuration");
            let gateways = object.contains_key("code").then_some("config");
            for key in envoys.into_iter().chain(gateways).chain(["pluginConfig"]) {
                if let Some(settings) = object.get(key) {
                    found.push(Found {
                        place: format!("{}: ", child(key)),
                        settings: unwrapped(settings),
                    });
                }
            }
            object.iter().for_each(|(key, value)| collect(value, &child(key), found));
        }
        Value::Array(values) => {
            let numbered = values.iter().enumerate();
            numbered.for_each(|(index, value)| collect(value, &format!("{place}[{index}]"), found));
        }
        _ => {}
    }
}

/// Takes off the wrapper in which Envoy wants a message of any type: a Struct, or a StringValue
/// that holds JSON.
fn unwrapped(settings: &Value) -> Value {
    if settings.get("@type").is_none() {
        return settings.clone();
    }
    match settings.get("value") {
        Some(Value::String(json)) => {
            serde_json::from_str(json).unwrap_or(Value::String(json.clone()))
        }
        Some(value) => value.clone(),
        None => Value::Object(Default::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<usize, String> {
        let found = configurations(&parse(text)?);
        for Found { place, settings } in &found {
            load(settings).map_err(|error| format!("{place}{error}"))?;
        }
        Ok(found.len())
    }

    #[test]
    fn configurations_are_found_alone_and_inside_manifests() {
        for text in [
            "{}",
            "",
            "# nothing but a comment\n",
            "endpoint: { form: host }\n",
            "kind: WasmPlugin\nspec:\n  pluginConfig:\n    endpoint: { form: host }\n",
            "spec:\n  wasm:\n  - code: { type: Image }\n    config: { endpoint: { form: host } }\n",
            "filters:\n- config:\n    vm_config: {}\n    configuration: { '@type': x/google.protobuf.Struct, value: {} }\n",
            "config: { vm_config: {}, configuration: { '@type': x/google.protobuf.StringValue, value: '{}' } }\n",
        ] {
            assert_eq!(check(text), Ok(1), "{text}");
        }
    }

    #[test]
    fn a_refusal_names_the_place_in_the_manifest() {
        let manifest = "spec:\n- pluginConfig:\n    endpoint: { form: url }\n";
        let error = check(manifest).unwrap_err();
        assert!(
            error.starts_with("spec[0].pluginConfig: endpoint.form: unknown variant `url`"),
            "{error}"
        );
        assert!(check("endpont: {}\n").unwrap_err().starts_with("endpont: unknown field"));
        assert!(check("{\"a\": ").unwrap_err().contains("line 1 column 6"));
        assert!(check("a: [b\n").is_err());
    }
}
