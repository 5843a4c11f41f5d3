//! `ledgerline check-config`: does this configuration load?
//!
//! The filter compiles its configuration when Envoy starts, far from the person who wrote it. Here
//! the same code answers at once. The file may be the configuration itself or a manifest around it:
//! an Envoy bootstrap, an EnvoyFilter, a WasmPlugin or an EnvoyExtensionPolicy, where it is found by its
//! surroundings. A file in which there is none is refused: `OK` about nothing would be believed.

use std::{collections::BTreeSet, fs, path::Path};

use ledgerline_core::{Config, config::Settings};
use serde_json::{Map, Value};

use crate::{
    fault::Fault,
    ledger::each_key_once,
    plain::{Shown, plain},
    say::say,
    yaml,
};

pub(crate) fn run(file: &Path) -> Result<(), Fault> {
    say(&format!("{}: OK, {}", file.shown(), check(file)?))
}

/// Checks every configuration in `file`, and says what was checked; one that does not load is a
/// [`Fault::Refused`] of one sentence with its place.
pub fn check(file: &Path) -> Result<String, Fault> {
    let text = fs::read_to_string(file).map_err(|error| Fault::io(file, &error))?;
    let name = file.shown();
    let refused =
        |problem: &str| Fault::Refused(format!("{name}: refused: {}", problem.trim_end()));
    let documents = parse(&text).map_err(|error| refused(&error))?;
    let Configurations { found, others } =
        configurations(&documents).map_err(|problem| refused(&problem))?;
    for Found { place, settings } in &found {
        load(settings).map_err(|error| refused(&format!("{}{error}", plain(place))))?;
    }
    let others = match others.len() {
        0 => String::new(),
        count => format!(", {count} of other plugins passed over: {}", plain(&list(&others))),
    };
    Ok(format!("{} configuration(s) checked{others}", found.len()))
}

/// The documents of a file of JSON or YAML.
pub(crate) fn parse(text: &str) -> Result<Vec<Value>, String> {
    // JSON has its own parser, because its messages count lines and columns in the JSON itself.
    if text.trim_start().starts_with(['{', '[']) && !text.contains("\n---") {
        return each_key_once(text.as_bytes())
            .and_then(|()| serde_json::from_str(text))
            .map(|value| vec![value])
            .map_err(|error| error.to_string());
    }
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| yaml::malformed(&error))?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
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

/// What is in documents.
pub(crate) struct Configurations {
    /// Invariant: at least one.
    pub(crate) found: Vec<Found>,
    /// What other plugins are called.
    others: BTreeSet<String>,
}

/// The configurations in documents, which may be manifests.
///
/// # Errors
/// If there is none, with what there is instead.
pub(crate) fn configurations(documents: &[Value]) -> Result<Configurations, String> {
    let mut search = Search::default();
    for document in documents {
        let kind = document.get("kind").and_then(Value::as_str).unwrap_or_default();
        let name = document.pointer("/metadata/name").and_then(Value::as_str);
        search.document(document, "", kind, &name.into_iter().collect::<Vec<_>>());
    }
    let Search { mut found, others } = search;
    if found.is_empty() {
        let settings = alone(documents, &others)?.clone();
        found.push(Found { place: String::new(), settings });
    }
    Ok(Configurations { found, others })
}

/// The one document that is a configuration itself.
fn alone<'a>(documents: &'a [Value], others: &BTreeSet<String>) -> Result<&'a Value, String> {
    let none = |text: &str| Err(format!("no Ledgerline configuration in it: {text}"));
    match documents {
        _ if !others.is_empty() => none(&format!(
            "its plugins are {}, and ours has `ledgerline` in its name, root id, image or file",
            list(others)
        )),
        [] => none("it is empty (for the defaults write {})"),
        [Value::Object(object)] => match what_else(object) {
            Some(what) => none(&what),
            None => documents.first().ok_or_else(String::new),
        },
        [_] => none("it is no object of keys and values"),
        [..] if documents.iter().any(is_manifest) => {
            none(&format!("it holds {} documents: {WANTED}", documents.len()))
        }
        [..] => none(&format!("it holds {} documents, a configuration is one", documents.len())),
    }
}

const WANTED: &str = "it is looked for in an Envoy bootstrap, an EnvoyFilter, a WasmPlugin, an \
    EnvoyExtensionPolicy, a ConfigMap with one of them, or by itself";

fn is_manifest(document: &Value) -> bool {
    document.as_object().is_some_and(|object| what_else(object).is_some())
}

/// What an object is that cannot be a configuration.
fn what_else(object: &Map<String, Value>) -> Option<String> {
    let has = |key: &str| object.contains_key(key);
    if has("topology") {
        return Some(
            "this is a policy for `ledgerline hosts`; ask ledgerline hosts check".to_owned(),
        );
    }
    if has("apiVersion") || has("kind") {
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or("manifest");
        return Some(format!("it is a {kind} without it; {WANTED}"));
    }
    let is_envoys = ["static_resources", "dynamic_resources", "admin", "node", "layered_runtime"];
    is_envoys.into_iter().any(has).then(|| format!("it is an Envoy bootstrap without it; {WANTED}"))
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Looks for the configuration of a plugin of ours, at any depth.
#[derive(Default)]
struct Search {
    found: Vec<Found>,
    others: BTreeSet<String>,
}

impl Search {
    /// A document, or one in a list of them. `names` are those of the objects around it.
    fn document(&mut self, document: &Value, place: &str, kind: &str, names: &[&str]) {
        if kind == "ConfigMap" {
            return self.config_map(document, place);
        }
        let spec = document.get("spec").filter(|_| kind == "WasmPlugin");
        if let Some(spec) = spec.filter(|spec| spec.get("pluginConfig").is_none()) {
            self.plugin(spec, &below(place, "spec"), "pluginConfig", names);
        }
        self.collect(document, place, names);
    }

    fn config_map(&mut self, map: &Value, place: &str) {
        let files = map.get("data").and_then(Value::as_object);
        for (name, text) in files.into_iter().flatten() {
            let documents = text.as_str().and_then(|text| parse(text).ok()).unwrap_or_default();
            let place = below(&below(place, "data"), name);
            documents.iter().for_each(|document| self.collect(document, &place, &[]));
        }
    }

    fn collect(&mut self, value: &Value, place: &str, names: &[&str]) {
        match value {
            Value::Object(object) => {
                // Envoy's PluginConfig, the one of Envoy Gateway, and Istio's WasmPlugin.
                if object.contains_key("vm_config") {
                    self.plugin(value, place, "configuration", names);
                } else if value.pointer("/code/type").is_some() {
                    self.plugin(value, place, "config", names);
                } else if object.contains_key("pluginConfig") {
                    self.plugin(value, place, "pluginConfig", names);
                }
                for (key, value) in object {
                    self.collect(value, &below(place, key), names);
                }
            }
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
                    let name = value.pointer("/metadata/name").and_then(Value::as_str);
                    let inner: Vec<_> = name.into_iter().collect();
                    let names = if inner.is_empty() { names } else { &inner };
                    self.document(value, &format!("{place}[{index}]"), kind, names);
                }
            }
            _ => {}
        }
    }

    /// A plugin of which nothing says whose it is counts as ours.
    fn plugin(&mut self, plugin: &Value, place: &str, key: &str, names: &[&str]) {
        let mut called: Vec<&str> = names.to_vec();
        names_of(plugin, key, &mut called);
        let is_ours = |name: &&str| name.to_ascii_lowercase().contains("ledgerline");
        if let Some(first) = called.first().filter(|_| !called.iter().any(is_ours)) {
            self.others.insert((*first).to_owned());
            return;
        }
        let settings = plugin.get(key).map(unwrapped).filter(|settings| !settings.is_null());
        let settings = settings.unwrap_or_else(|| Value::Object(Map::new()));
        self.found.push(Found { place: format!("{}: ", below(place, key)), settings });
    }
}

/// What a plugin is called, and where its code comes from.
fn names_of<'a>(value: &'a Value, settings: &str, names: &mut Vec<&'a str>) {
    const KEYS: [&str; 9] =
        ["name", "root_id", "rootID", "vm_id", "pluginName", "url", "uri", "filename", "image"];
    let Some(object) = value.as_object() else { return };
    for (key, value) in object.iter().filter(|(key, _)| *key != settings) {
        match value.as_str() {
            Some(name) if KEYS.contains(&key.as_str()) => names.push(name),
            _ => names_of(value, settings, names),
        }
    }
}

fn below(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
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
        let found = configurations(&parse(text)?)?.found;
        for Found { place, settings } in &found {
            load(settings).map_err(|error| format!("{place}{error}"))?;
        }
        Ok(found.len())
    }

    #[test]
    fn configurations_are_found_alone_and_inside_manifests() {
        for text in [
            "{}",
            "---\n{}\n---\n",
            "endpoint: { form: host }\n",
            "kind: WasmPlugin\nspec:\n  pluginConfig:\n    endpoint: { form: host }\n",
            "kind: WasmPlugin\nmetadata: { name: a }\nspec: { url: oci://r.example/ledgerline-filter }\n",
            "kind: List\nitems:\n- kind: WasmPlugin\n  metadata: { name: ledgerline }\n  spec: { pluginConfig: {} }\n",
            "spec:\n  wasm:\n  - code: { type: Image }\n    config: { endpoint: { form: host } }\n",
            "spec:\n  wasm:\n  - name: ledgerline\n    code: { type: Image, image: { url: r.example/f } }\n",
            "filters:\n- config:\n    vm_config: {}\n    configuration: { '@type': x/google.protobuf.Struct, value: {} }\n",
            "config: { vm_config: {}, configuration: { '@type': x/google.protobuf.StringValue, value: '{}' } }\n",
            "kind: ConfigMap\ndata:\n  envoy.yaml: |\n    admin: {}\n    a: { vm_config: {}, configuration: {} }\n",
            "- { name: waf, vm_config: {}, configuration: 7 }\n- { name: ledgerline, vm_config: {} }\n",
            "kind: Service\n---\nkind: WasmPlugin\nspec: { pluginConfig: {} }\n",
        ] {
            assert_eq!(check(text), Ok(1), "{text}");
        }
    }

    #[test]
    fn what_holds_no_configuration_is_not_ok() {
        for (text, problem) in [
            ("", "it is empty"),
            (" \n\t\n", "it is empty"),
            ("# nothing but a comment\n", "it is empty"),
            ("---\n", "it is empty"),
            ("---\n...\n---\n", "it is empty"),
            ("null\n", "it is empty"),
            ("~\n", "it is empty"),
            ("[]", "it is no object"),
            ("- a\n- b\n", "it is no object"),
            ("text\n", "it is no object"),
            ("7\n", "it is no object"),
            ("{}\n---\n{}\n", "2 documents, a configuration is one"),
            ("endpoint: {}\n---\nmask: {}\n", "2 documents, a configuration is one"),
            ("kind: Service\n---\nkind: Secret\n", "2 documents: it is looked for"),
            ("apiVersion: v1\nkind: Service\n", "a Service without it"),
            ("kind: ConfigMap\ndata: { a: 'b: c' }\n", "a ConfigMap without it"),
            ("kind: ConfigMap\n", "a ConfigMap without it"),
            ("static_resources: { listeners: [] }\n", "an Envoy bootstrap without it"),
            ("admin: {}\n", "an Envoy bootstrap without it"),
            ("topology: istio\nallow: []\n", "a policy for `ledgerline hosts`"),
            (
                "kind: WasmPlugin\nmetadata: { name: waf }\nspec: { pluginConfig: {} }\n",
                "its plugins are `waf`",
            ),
            ("- { name: waf, vm_config: {}, configuration: {} }\n", "its plugins are `waf`"),
            (
                "spec:\n  wasm:\n  - { name: auth, code: { type: HTTP }, config: {} }\n",
                "its plugins are `auth`",
            ),
        ] {
            let said = check(text).unwrap_err();
            assert!(said.contains(problem), "{text:?}: {said}");
        }
    }

    #[test]
    fn a_key_that_stands_there_twice_is_refused() {
        for text in [
            r#"{"hosts":[{"hosts":["a.b"],"call":"deny"}],"hosts":[]}"#,
            r#"{"endpoint":{"form":"host","form":"path"}}"#,
            "endpoint: { form: host }\nendpoint: {}\n",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
        for (text, said) in [
            (
                "mask: {}\nendpoint: { form: host }\nmask: {}\n",
                "`mask` stands there twice, again at line 3 column 1",
            ),
            (
                "endpoint:\n  form: host\n  form: path\n",
                "`form` stands there twice, again at line 3 column 3",
            ),
            ("{}\n---\na: 1\na: 2\n", "`a` stands there twice, again at line 4 column 1"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(said) && !error.contains("Options"), "{error}");
        }
        assert!(check(r#"{"mask":{},"mask":{}}"#).unwrap_err().contains("twice at line 1 column"));
    }

    #[test]
    fn a_host_that_could_never_be_called_is_refused_and_spelling_does_not_matter() {
        assert_eq!(check("hosts: [{ hosts: [up.test., UP.test], call: deny }]\n"), Ok(1));
        let said = check("hosts: [{ hosts: ['up.test:443'], call: deny }]\n").unwrap_err();
        assert!(
            said.contains("hosts[0].hosts[0]: expected") && said.contains("leave out the port"),
            "{said}"
        );
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
