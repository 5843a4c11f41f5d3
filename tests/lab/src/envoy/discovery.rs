//! The filter as Istio hands it to Envoy: by extension config discovery (ECDS), here from a file.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use super::bootstrap::Bootstrap;

/// The kind of the filter that refuses every call.
pub(super) const DENIAL: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";

/// Where Envoy finds the configuration of the filter, and takes every new one that is put there.
#[derive(Debug)]
pub struct Discovery {
    file: PathBuf,
    shipped: Value,
}

impl Discovery {
    /// Takes the filter out of the bootstrap; it comes from `file` from now on.
    pub(super) fn new(bootstrap: &mut Bootstrap, file: &Path) -> Result<Self> {
        let shipped = bootstrap.discover_filter(file)?;
        Ok(Self { file: file.into(), shipped })
    }

    /// Hands Envoy the filter as it ships, with this module and these settings besides.
    pub fn deliver(&self, module: &Path, settings: &Value) -> Result<()> {
        let mut filter = Bootstrap::of(self.shipped.clone());
        filter.use_module(module);
        filter.merge_plugin_configuration(settings);
        self.put(filter.document())
    }

    /// Hands Envoy what Istio's agent puts in the place of a module that it cannot fetch: a filter that
    /// refuses every call (istio/istio, `pkg/wasm/convert.go`).
    pub fn deliver_denial(&self) -> Result<()> {
        self.put(&json!({"@type": DENIAL, "rules": {}, "rules_stat_prefix": "wasm-default-deny"}))
    }

    fn put(&self, filter: &Value) -> Result<()> {
        let resource = json!({
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            "name": "ledgerline",
            "typed_config": filter,
        });
        // Envoy looks at the file when something is moved to its name, and not when it is written.
        let new = self.file.with_extension("new");
        std::fs::write(&new, json!({"resources": [resource]}).to_string())?;
        Ok(std::fs::rename(new, &self.file)?)
    }
}
