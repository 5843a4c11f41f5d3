//! An own kustomization over an overlay: whatever it sets takes effect, or the build refuses it.
//!
//! kustomize builds a base before it looks at what stands above it. A value that the base has already
//! carried somewhere else would stay what it was there, and nobody would be told.

use anyhow::{Context, Result, ensure};
use ledgerline_tests::cluster::{Above, Overlay, objects};
use ledgerline_tests::workspace;
use serde_json::{Value, json};

/// What no overlay ships.
const MINE: &str = "mine-and-no-others";

/// Names the object of a patch, and is no value of it.
const NAMES: [&str; 4] = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];

#[test]
fn the_bucket_is_that_of_the_kustomization_above() -> Result<()> {
    for overlay in Overlay::all()? {
        let lines = "patches: [{ path: settings.yaml }]";
        let above = Above::of(&overlay, lines)?;
        let settings = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "ledgerline-settings"},
            "data": {"sink": format!("s3://{MINE}/x"), "sink-bucket": MINE, "sink-region": MINE},
        });
        above.write("settings.yaml", &settings.to_string())?;
        let Some(rendered) = above.render()? else { return Ok(()) };
        ensure!(!rendered.contains("YOUR-BUCKET"), "overlay {overlay} ships to the default bucket");
        ensure!(!rendered.contains("eu-central-1"), "overlay {overlay} has the default region");
        check_readers(&rendered).with_context(|| format!("overlay {overlay}"))?;
    }
    Ok(())
}

/// Whoever reads a setting reads it of the ConfigMap that is there, whose name ends in the hash of
/// what it says now.
fn check_readers(rendered: &str) -> Result<()> {
    let objects = objects(rendered)?;
    let maps: Vec<&Value> = objects.iter().filter(|object| object["kind"] == "ConfigMap").collect();
    let mut references = Vec::new();
    objects.iter().for_each(|object| find_references(object, &mut references));
    for reference in &references {
        let map = maps.iter().find(|map| map["metadata"]["name"] == reference["name"]);
        let map = map.with_context(|| format!("no ConfigMap for {reference}"))?;
        let key = reference["key"].as_str().unwrap_or_default();
        ensure!(map["data"][key].is_string(), "{reference} is in no ConfigMap");
    }
    // The waypoint's deployment is text in a ConfigMap.
    let is_read = !references.is_empty() || rendered.contains("configMapKeyRef");
    ensure!(is_read, "nobody reads the settings");
    Ok(())
}

fn find_references<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("configMapKeyRef"));
            map.values().for_each(|value| find_references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| find_references(value, found)),
        _ => {}
    }
}

/// Each document by itself, with nothing else in the patch, and another word in the place of each value.
#[test]
fn every_value_of_every_settings_file_takes_effect_from_above() -> Result<()> {
    let mut count = 0;
    for overlay in Overlay::all()? {
        for document in settings(&overlay)? {
            let places = values(&document);
            let mut changed = document.clone();
            for (index, place) in places.iter().enumerate() {
                *changed.pointer_mut(place).context("a value")? = json!(mine(index));
            }
            let above = Above::of(&overlay, "patches: [{ path: settings.yaml }]")?;
            above.write("settings.yaml", &changed.to_string())?;
            let Some(rendered) = above.render()? else { return Ok(()) };
            for (index, place) in places.iter().enumerate() {
                let what = format!("overlay {overlay}, {} {place}", document["kind"]);
                ensure!(rendered.contains(&mine(index)), "{what} is not in what is built");
                if let Some(key) = place.strip_prefix("/data/") {
                    ensure!(is_read_somewhere(&overlay, key)?, "{what}: nobody reads it");
                }
                count += 1;
            }
        }
    }
    println!("{count} values of settings.yaml, each changed from above");
    ensure!(count > 70, "only {count} values");
    Ok(())
}

/// A settings.yaml of the overlay, copied and changed, is a patch from above as well.
#[test]
fn the_whole_settings_file_is_a_patch_from_above() -> Result<()> {
    for overlay in Overlay::all()? {
        let file = Overlay::shipped(&overlay).folder().join("settings.yaml");
        let above = Above::of(&overlay, "patches: [{ path: settings.yaml }]")?;
        above.write("settings.yaml", &std::fs::read_to_string(file)?)?;
        let (Some(rendered), Some(shipped)) =
            (above.render()?, Overlay::shipped(&overlay).render()?)
        else {
            return Ok(());
        };
        ensure!(rendered == shipped, "overlay {overlay} is another with its own settings above it");
    }
    Ok(())
}

/// What `make image` prints goes above an overlay as well as into it.
#[test]
fn the_lines_of_make_image_name_every_image_of_ours() -> Result<()> {
    let names = ["ledgerline-gateway", "ledgerline"];
    let lines: Vec<_> = names.map(line_of_make_image).into_iter().collect();
    let images = format!("images:\n{}", lines.concat());
    for overlay in Overlay::all()? {
        let above = Above::of(&overlay, &images)?;
        let Some(rendered) = above.render()? else { return Ok(()) };
        for name in names {
            let placeholder = format!("image: registry.example.com/{name}@");
            // deployment.yaml, which is text in a ConfigMap, and which its head says
            let stays = overlay == "istio-ambient" && name == "ledgerline";
            ensure!(rendered.contains(&placeholder) == stays, "overlay {overlay}: {placeholder}");
        }
    }
    let script = std::fs::read_to_string(workspace::root().join(".tools/image"))?;
    ensure!(script.contains("- name: registry.example.com/%s"), "make image prints other lines");
    Ok(())
}

fn line_of_make_image(name: &str) -> String {
    let digest = "1".repeat(64);
    format!(
        "- name: registry.example.com/{name}\n  newName: mine.example.com/{name}\n  digest: sha256:{digest}\n"
    )
}

/// The text of the waypoint's deployment is replaced as its file says.
#[test]
fn the_deployment_of_the_waypoint_is_replaced_as_its_kustomization_says() -> Result<()> {
    let overlay = Overlay::shipped("istio-ambient").folder();
    let text = std::fs::read_to_string(overlay.join("kustomization.yaml"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("#   configMapGenerator:"));
    let above = Above::of(
        "istio-ambient",
        &format!("configMapGenerator:{}", line.context("a line that says how")?),
    )?;
    let deployment = std::fs::read_to_string(overlay.join("deployment.yaml"))?;
    let deployment = deployment.replace("registry.example.com/ledgerline@", "mine.example.com/x@");
    above.write("deployment.yaml", &deployment)?;
    let Some(rendered) = above.render()? else { return Ok(()) };
    ensure!(rendered.contains("mine.example.com/x@"), "it is not replaced");
    ensure!(!rendered.contains("registry.example.com/ledgerline@"), "it is there twice");
    Ok(())
}

/// Each sink reads the same settings; Vector and the Collector have no default for the bucket.
#[test]
fn every_sink_reads_its_settings_where_they_are_patched() -> Result<()> {
    for (sink, key) in [("ship", "sink"), ("vector", "sink-bucket"), ("otel", "sink-bucket")] {
        for name in ["istio", "envoy"] {
            let overlay = Overlay::copy(name)?;
            if sink != "ship" {
                crate::manifests::take_up(&overlay, &format!("../../components/sink-{sink}"))?;
            }
            let patch = format!(
                "patches:\n- patch: '{{apiVersion: v1, kind: ConfigMap, metadata: {{name: ledgerline-settings}}, data: {{{key}: {MINE}}}}}'\n"
            );
            let above = Above::over(&overlay.folder(), &patch)?;
            let Some(rendered) = above.render()? else { return Ok(()) };
            ensure!(rendered.contains(&format!("{key}: {MINE}")), "{name} with {sink}");
            let reads = rendered.contains(&format!("key: {key}\n"));
            ensure!(reads, "{name} with {sink}: nobody reads {key}");
            let ours = rendered
                .lines()
                .any(|line| line.trim_start().starts_with("sink-bucket: ") && !line.contains(MINE));
            ensure!(!ours, "{name} with {sink} has a bucket that nobody set");
        }
    }
    Ok(())
}

/// The mode and the weekly look, which a person adds, read the same ConfigMap.
#[test]
fn what_a_person_adds_reads_the_settings_too() -> Result<()> {
    let overlay = Overlay::copy("envoy")?;
    for component in ["blocking", "weekly-audit"] {
        crate::manifests::take_up(&overlay, &format!("../../components/{component}"))?;
    }
    let data = "{sink: a-bucket, blocking-backlog: 1MiB, retention: 1d, sink-region: here}";
    let patch = format!(
        "patches:\n- patch: '{{apiVersion: v1, kind: ConfigMap, metadata: {{name: ledgerline-settings}}, data: {data}}}'\n"
    );
    let Some(rendered) = Above::over(&overlay.folder(), &patch)?.render()? else { return Ok(()) };
    ensure!(rendered.contains("key: blocking-backlog"), "blocking reads another setting");
    ensure!(!rendered.contains("key: local-max"), "local-max counts in mode blocking");
    check_readers(&rendered)
}

/// A component that is taken above an overlay does there what it does in it.
#[test]
fn the_second_steps_can_be_taken_from_above() -> Result<()> {
    let up = workspace::root().join("k8s");
    for overlay in ["istio", "istio-mesh-wide"] {
        let components = [
            up.join("components/tighten-only-deny"),
            up.join("overlays").join(overlay).join("registry-only"),
        ];
        let mut lines = "components:\n".to_owned();
        let up = "../".repeat(12);
        for component in components {
            let path = component.canonicalize()?.display().to_string();
            lines += &format!("- {up}{}\n", path.trim_start_matches('/'));
        }
        let Some(rendered) = Above::of(overlay, &lines)?.render()? else { return Ok(()) };
        ensure!(rendered.contains("mode: REGISTRY_ONLY"), "overlay {overlay}");
        ensure!(!rendered.contains("- Warn\n"), "overlay {overlay} still only warns");
    }
    Ok(())
}

/// What is copied while it is built has nothing left that could be patched in vain.
#[test]
fn the_links_of_the_alerts_take_effect_or_the_build_fails() -> Result<()> {
    let overlay = Overlay::copy("envoy")?;
    crate::manifests::take_up(&overlay, "../../components/monitoring")?;
    let component = overlay.folder().join("../../components/monitoring-links").canonicalize()?;
    let component = component.display().to_string();
    let lines =
        format!("components: [{}{}]\n", "../".repeat(12), component.trim_start_matches('/'));
    let without = Above::over(&overlay.folder(), &lines)?;
    let Some(shipped) = overlay.render()? else { return Ok(()) };
    ensure!(shipped.contains("runbook.invalid#"), "the alerts have other links");
    ensure!(without.render().is_err(), "it is built without the links");
    let links = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "ledgerline-monitoring"},
        "data": {"runbook": "https://mine.example/r", "dashboard": "https://mine.example/d"},
    });
    overlay.edit("kustomization.yaml", "resources:\n", "resources:\n- links.yaml\n")?;
    std::fs::write(overlay.folder().join("links.yaml"), links.to_string())?;
    let taken = "- ../../components/monitoring # needs";
    let more =
        format!("- ../../components/monitoring\n- ../../components/monitoring-links\n# {taken}");
    overlay.edit("kustomization.yaml", taken, &more)?;
    let built = overlay.render()?.context("kubectl")?;
    ensure!(built.contains("https://mine.example/r#ledgerline"), "the links are others");
    ensure!(!built.contains(".invalid"), "a link is left that leads nowhere");
    let patch = "patches: [{ patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: ledgerline-monitoring}, data: {runbook: x}}' }]";
    ensure!(Above::over(&overlay.folder(), patch)?.render().is_err(), "patched in vain");
    Ok(())
}

fn settings(overlay: &str) -> Result<Vec<Value>> {
    let file = Overlay::shipped(overlay).folder().join("settings.yaml");
    Ok(serde_saphyr::from_multiple(&std::fs::read_to_string(file)?)?)
}

/// The places of all values of a patch, as JSON pointers.
fn values(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(document, String::new(), &mut found);
    found.retain(|place| !NAMES.contains(&place.as_str()));
    // The name of an item of a list says which item is meant.
    found.retain(|place| !is_name_of_an_item(place));
    found
}

fn is_name_of_an_item(place: &str) -> bool {
    let mut parts = place.rsplit('/');
    parts.next() == Some("name") && parts.next().is_some_and(|part| part.parse::<u32>().is_ok())
}

fn walk(value: &Value, place: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                walk(value, format!("{place}/{key}"), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                walk(value, format!("{place}/{index}"), found);
            }
        }
        _ => found.push(place),
    }
}

fn mine(index: usize) -> String {
    format!("{MINE}-{index}.")
}

/// Whether an overlay, or a component for it, hands a setting to a program.
fn is_read_somewhere(overlay: &str, key: &str) -> Result<bool> {
    let root = workspace::root().join("k8s");
    let folders = [root.join("overlays").join(overlay), root.join("components")];
    let wanted = format!("name: ledgerline-settings, key: {key} }}");
    let mut stack = folders.to_vec();
    while let Some(folder) = stack.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                stack.push(path);
            } else if std::fs::read_to_string(&path)?.contains(&wanted) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
