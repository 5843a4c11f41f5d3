//! docs/kubernetes, walked: each command that needs no kubelet, on each overlay, and what its reader
//! should see behind it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use ledgerline_tests::cluster::{ApiServer, Kinds, Overlay};
use ledgerline_tests::workspace;
use serde_json::json;

/// What runs without a kubelet, a provider, a registry, and an editor.
const RUNS: [&str; 8] = [
    "ledgerline hosts add",
    "kubectl kustomize",
    "kubectl apply",
    "kubectl delete",
    "kubectl label",
    "kubectl get",
    "kubectl -n team-a apply",
    "kubectl -n team-a delete",
];
const MESH_CONFIG: &str = "kubectl -n istio-system get";

#[tokio::test]
async fn the_five_steps_and_the_way_back_show_what_they_say() -> Result<()> {
    for overlay in Overlay::all()? {
        let kinds = [Kinds::Istio, Kinds::GatewayApi, Kinds::EnvoyGateway];
        let Some(server) = ApiServer::start(&kinds).await? else { return Ok(()) };
        server.make_namespace("istio-system")?;
        server.make_namespace("team-a")?;
        let reader = Reader { server, overlay: Overlay::copy(&overlay)?, name: overlay.clone() };
        let walked = walk(&reader).with_context(|| format!("overlay {overlay}"))?;
        println!("overlay {overlay}: {walked} commands");
        ensure!(walked >= 11, "overlay {overlay}: only {walked} commands ran");
    }
    Ok(())
}

fn walk(reader: &Reader) -> Result<usize> {
    let there = reader.follow(&document("install.md")?, true)?;
    let rendered = reader.overlay.render()?.context("kubectl")?;
    for claim in crate::removal::claims_of_replicas(&rendered)? {
        reader.server.apply_object(&claim)?;
    }
    Ok(there + reader.follow(&document("removal.md")?, false)?)
}

fn document(name: &str) -> Result<String> {
    let path = workspace::root().join("docs/kubernetes").join(name);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

struct Reader {
    server: ApiServer,
    overlay: Overlay,
    name: String,
}

impl Reader {
    /// How many commands ran.
    fn follow(&self, document: &str, edits: bool) -> Result<usize> {
        let mut count = 0;
        for block in document.split("```sh\n").skip(1) {
            let (commands, behind) = block.split_once("```").context("a block that ends")?;
            let mut output = String::new();
            let before = count;
            for command in commands.lines().filter(|line| self.runs(line)) {
                if edits && command.starts_with("kubectl kustomize") {
                    ensure!(!self.run(command)?.contains("nothing"), "it shipped as it should be");
                    self.edit()?;
                }
                output += &self.run(command)?;
                count += 1;
            }
            if count > before {
                self.check(&output, behind).with_context(|| commands.to_owned())?;
            }
        }
        Ok(count)
    }

    fn runs(&self, line: &str) -> bool {
        if line.starts_with(MESH_CONFIG) || line.starts_with("ledgerline hosts") {
            return self.name.starts_with("istio")
                || (line.starts_with("ledgerline") && self.name != "envoy");
        }
        RUNS.iter().any(|start| line.starts_with(start))
    }

    /// What the second step asks of a person, in every file that the overlay is made of.
    fn edit(&self) -> Result<()> {
        let place = self.root()?.join("k8s").display().to_string();
        let (zeros, ones) = ("0".repeat(64), "1".repeat(64));
        let script = format!(
            "grep -rlE 'YOUR-BUCKET|{zeros}|123456789012' {place} | xargs sed -i 's/YOUR-BUCKET/bucket/; s/{zeros}/{ones}/; s/123456789012/210987654321/'"
        );
        ensure!(Command::new("bash").args(["-c", &script]).status()?.success(), "{script}");
        Ok(())
    }

    fn root(&self) -> Result<std::path::PathBuf> {
        let folder = self.overlay.folder();
        Ok(folder.ancestors().nth(3).context("the root of the copy")?.to_owned())
    }

    fn run(&self, line: &str) -> Result<String> {
        let mut line = line.to_owned();
        // Nobody here would finish what is on its way out.
        if line.starts_with("kubectl delete -k") {
            let how =
                if line.ends_with("/namespace") { "--dry-run=server" } else { "--wait=false" };
            line = format!("{line} {how}");
        }
        let tool = workspace::tool()?;
        let mut path = vec![tool.parent().unwrap_or(Path::new("/")).to_owned()];
        path.extend(std::env::split_paths(&self.server.path()?));
        let mut command = Command::new("bash");
        command.args(["-c", &line]).current_dir(self.root()?);
        command.env("OVERLAY", format!("k8s/overlays/{}", self.name));
        command.env("KUBECONFIG", self.server.kubeconfig());
        command.env("PATH", std::env::join_paths(path)?);
        let output = command.output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (printed, said) = (text(&output.stdout), text(&output.stderr));
        ensure!(output.status.success(), "{line}\n{printed}{said}");
        Ok(printed + &said)
    }

    /// The text behind a block, or the overlay's row of the table there.
    fn check(&self, output: &str, behind: &str) -> Result<()> {
        let missing = self.expected(behind).into_iter().find(|words| !output.contains(words));
        if let Some(missing) = missing {
            bail!("not to be seen: {missing}\nin:\n{output}");
        }
        Ok(())
    }

    fn expected(&self, behind: &str) -> Vec<String> {
        if let Some((_, text)) = behind.split_once("```text\n") {
            let lines = text.split("```").next().unwrap_or_default().lines();
            return lines.map(|line| line.trim().to_owned()).collect();
        }
        let own = format!("`{}`", self.name);
        let row = behind.lines().find_map(|line| {
            let mut cells = line.strip_prefix("| ")?.splitn(2, " | ");
            let is_own = cells.next()?.split(", ").any(|name| name == own);
            cells.next().filter(|_| is_own)
        });
        let codes = row.unwrap_or_default().split('`').skip(1).step_by(2);
        codes.map(|code| code.replace("-N", "-0")).filter(|code| !code.starts_with('/')).collect()
    }
}

/// The own kustomization of the text builds, with the settings that it speaks of beside it.
#[test]
fn the_own_kustomization_of_the_document_builds() -> Result<()> {
    let page = document("settings.md")?;
    let (_, rest) = page.split_once("```yaml\napiVersion: kustomize").context("the example")?;
    let text = rest.split("```").next().unwrap_or_default();
    let (_, lines) = text.split_once("?ref=v0.1.0]\n").context("a base")?;
    let above = ledgerline_tests::cluster::Above::of("envoy", lines)?;
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ledgerline-settings"},
        "data": {"sink": "s3://my-ledger/egress"},
    });
    above.write("settings.yaml", &settings.to_string())?;
    let Some(rendered) = above.render()? else { return Ok(()) };
    ensure!(rendered.contains("sink: s3://my-ledger/egress"), "the bucket is another");
    ensure!(
        rendered.contains("image: registry.example.com/team/ledgerline@sha256:1111"),
        "the image"
    );
    Ok(())
}
