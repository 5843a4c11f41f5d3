//! Every configuration that ships is read, by its own engine where that is here.

use std::path::Path;

use anyhow::{Context, Result};
use ledgerline_tests::envoy::Bootstrap;
use ledgerline_tests::workspace;
use serde_json::{Value, json};

use crate::collector::Collector;
use crate::shipped;
use crate::syslog;
use crate::witness;

fn yaml(path: &Path) -> Result<Value> {
    Ok(Bootstrap::read(path)?.document().clone())
}

#[test]
fn every_shipped_yaml_parses() -> Result<()> {
    let mut read = 0;
    for item in std::fs::read_dir(shipped(""))? {
        let path = item?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            assert!(yaml(&path)?.is_object(), "{}", path.display());
            read += 1;
        }
    }
    assert!(read >= 6, "{read} files");
    Ok(())
}

/// Without these the engine loses entries; somebody who tidies up must not take them out.
#[test]
fn the_options_that_prevent_a_loss_are_set() -> Result<()> {
    let cases = [
        ("vector.yaml", "/sinks/write_once/acknowledgements/enabled", json!(true)),
        ("vector.yaml", "/sinks/write_once/retry_strategy/type", json!("all")),
        ("vector.yaml", "/sinks/write_once/buffer/when_full", json!("block")),
        ("vector.yaml", "/sources/ledger/read_from", json!("beginning")),
        ("vector.yaml", "/sources/ledger/remove_after_secs", json!(null)),
        ("fluent-bit.yaml", "/service/storage.checksum", json!(false)),
        ("fluent-bit.yaml", "/pipeline/inputs/0/storage.type", json!("filesystem")),
        ("fluent-bit.yaml", "/pipeline/inputs/0/storage.pause_on_chunks_overlimit", json!(true)),
        ("fluent-bit.yaml", "/pipeline/inputs/0/read_from_head", json!(true)),
        ("fluent-bit.yaml", "/pipeline/outputs/0/retry_limit", json!(1_000_000_000)),
        ("fluent-bit.yaml", "/pipeline/inputs/0/rotate_wait", json!("3650d")),
        ("fluent-bit.yaml", "/pipeline/outputs/0/send_content_md5", json!(true)),
        ("fluent-bit.yaml", "/pipeline/outputs/0/log_key", json!("log")),
        ("otel-collector.yaml", "/extensions/file_storage/fsync", json!(true)),
        ("otel-collector.yaml", "/receivers/file_log/start_at", json!("beginning")),
        ("otel-collector.yaml", "/receivers/file_log/storage", json!("file_storage")),
        ("otel-collector.yaml", "/receivers/file_log/force_flush_period", json!("0s")),
        ("otel-collector.yaml", "/receivers/file_log/retry_on_failure/enabled", json!(true)),
        (
            "otel-collector.yaml",
            "/receivers/file_log/retry_on_failure/max_elapsed_time",
            json!("0s"),
        ),
        ("otel-collector.yaml", "/exporters/awss3/marshaler", json!("body")),
        ("otel-collector.yaml", "/exporters/awss3/retry_on_failure/max_elapsed_time", json!("0s")),
        ("otel-collector.yaml", "/exporters/awss3/sending_queue/storage", json!("file_storage")),
        ("otel-collector.yaml", "/exporters/awss3/sending_queue/block_on_overflow", json!(true)),
        ("otel-collector.yaml", "/service/pipelines/logs/processors", json!([])),
        ("otlp-witness-collector.yaml", "/exporters/file/append", json!(true)),
    ];
    for (file, place, expected) in cases {
        let found = yaml(&shipped(file))?.pointer(place).cloned().unwrap_or_default();
        assert_eq!(found, expected, "{file}: {place}");
    }
    Ok(())
}

#[test]
fn the_collector_loads_its_configurations() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("state").display().to_string();
    for configuration in ["otel-collector.yaml", "otlp-witness-collector.yaml"] {
        let Some(collector) = Collector::new(configuration, folder.path())? else { return Ok(()) };
        let collector = collector
            .with("LEDGERLINE_FOLDER", "ledger")
            .with("LEDGERLINE_STATE", &state)
            .with("LEDGERLINE_BUCKET", "ledger")
            .with("LEDGERLINE_HOST", "gateway")
            .with("LEDGERLINE_WITNESS", "witness.jsonl")
            .with("AWS_REGION", "us-east-1");
        collector.validate().context(configuration)?;
    }
    Ok(())
}

#[test]
fn rsyslog_loads_its_configurations() -> Result<()> {
    let Some(site) = syslog::Site::new()? else { return Ok(()) };
    for configuration in ["rsyslog.conf", "rsyslog-sender.conf"] {
        let output = site.command(configuration).arg("-N1").output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("error"), "{configuration}: {said}");
    }
    Ok(())
}

#[test]
fn the_collector_is_built_from_the_modules_of_the_manifest() -> Result<()> {
    let manifest = yaml(&shipped("otel-collector-builder.yaml"))?;
    let pinned = std::fs::read_to_string(workspace::root().join("tests/collector/go.mod"))?;
    for kind in ["extensions", "receivers", "exporters", "providers"] {
        for module in manifest[kind].as_array().context(kind)? {
            let module = module["gomod"].as_str().context("gomod")?;
            assert!(pinned.contains(&format!("\t{module}\n")), "{module} is not in go.mod");
        }
    }
    Ok(())
}

#[test]
fn the_witness_gets_the_texts_of_the_ledger() -> Result<()> {
    let mut bootstrap = Bootstrap::read(&workspace::egress_bootstrap()?)?;
    let access_log = witness::access_log(bootstrap.document()).clone();
    let texts = |loggers: &Value, place: &str| -> Vec<String> {
        let loggers = loggers.as_array().unwrap().iter();
        let texts = loggers.filter_map(|logger| logger.pointer(place)?.as_str());
        texts.map(|text| text.trim_end().to_owned()).collect()
    };
    let file = "/typed_config/log_format/text_format_source/inline_string";
    let snippet = yaml(&shipped("otlp-witness.yaml"))?;
    let body = texts(&snippet["access_log"], "/typed_config/body/string_value");
    assert_eq!(body, texts(&access_log, file));
    assert_eq!(body.len(), 2);
    for (file, witness) in
        access_log.as_array().unwrap().iter().zip(snippet["access_log"].as_array().unwrap())
    {
        assert_eq!(file["filter"], witness["filter"]);
    }
    Ok(())
}
