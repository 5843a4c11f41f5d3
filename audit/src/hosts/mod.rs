//! `ledgerline hosts`: one list of hosts for a whole mesh.
//!
//! ```text
//! policy.yaml   allow: [api.openai.com]  ──▶  generated/hosts.yaml          the way to the host
//!                                             generated/filter-hosts.yaml   the same list for the filter
//!                                             generated/kustomization.yaml  both, as a component
//! ```
//!
//! A host needs several objects, which have to agree with each other and with the filter. A person
//! writes its name once, in the overlay's `policy.yaml`, and everything else follows from it. The files
//! are for reading and reviewing, too: the same policy always gives the same bytes.

mod edit;
mod envoy_gateway;
mod filter;
mod istio;
mod object;
mod overlay;
mod policy;
mod seen;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use self::{
    edit::List,
    overlay::{Done, Identity, Overlay, Written},
    policy::{Host, Policy},
};
use crate::{
    fault::Fault,
    format::Format,
    plain::{Shown, plain},
    say::{say, say_json, tell},
};

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Allow hosts: HOST, or HOST:PORT where TLS is not on 443
    Add(Change),
    /// Allow hosts no longer
    Remove(Change),
    /// Block hosts, or all below a name (*.example.com), whatever is allowed
    Block(Change),
    /// Block hosts no longer
    Unblock(Change),
    /// Write generated/ from policy.yaml
    Write(Place),
    /// Print who may be called
    List(Listing),
    /// Say whether generated/ is what policy.yaml says
    Check(Place),
    /// List the hosts that a mesh calls today, from its sidecars' access logs or Prometheus
    Seen(seen::Options),
}

#[derive(Debug, Args)]
struct Place {
    /// The overlay: the folder that holds policy.yaml
    #[arg(long, value_name = "DIR")]
    overlay: PathBuf,
}

#[derive(Debug, Args)]
struct Change {
    /// The hosts
    #[arg(value_name = "HOST", required = true)]
    hosts: Vec<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Listing {
    #[command(flatten)]
    place: Place,
    /// For a person or for a program
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  ledgerline hosts add api.example.com --overlay k8s/overlays/istio
  ledgerline hosts block '*.example.net' --overlay k8s/overlays/istio
  ledgerline hosts check --overlay k8s/overlays/istio
  kubectl -n team-a logs deploy/agent -c istio-proxy | ledgerline hosts seen --overlay k8s/overlays/istio

add, remove, block and unblock edit policy.yaml, keep its comments, and write generated/.

Exit codes: 0 done; 1 refused, and policy.yaml is as it was, or (check) generated/ is not what it says, or (seen) a host
is called that it does not allow; 2 it could not be asked.";

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    match &options.action {
        Action::Add(change) => change.apply(allow),
        Action::Remove(change) => change.apply(allow_no_longer),
        Action::Block(change) => change.apply(block),
        Action::Unblock(change) => change.apply(block_no_longer),
        Action::Write(place) => write(&Overlay::new(&place.overlay)),
        Action::List(listing) => list(&Overlay::new(&listing.place.overlay), listing.format),
        Action::Check(place) => check(&Overlay::new(&place.overlay)),
        Action::Seen(options) => seen::run(options),
    }
}

fn write(overlay: &Overlay) -> Result<(), Fault> {
    let policy = overlay.read()?.policy;
    warn(overlay, &policy);
    let done = overlay.write(&policy)?;
    if done.written.is_empty() {
        return say(&format!("{}: generated/ says the same", overlay.policy_path().shown()));
    }
    say_done(&done)
}

fn say_done(done: &Done) -> Result<(), Fault> {
    done.written.iter().try_for_each(|path| say(&format!("{}: written", path.shown())))?;
    let mut gone = BTreeMap::<&str, Vec<&str>>::new();
    for Identity { namespace, object } in &done.gone {
        gone.entry(namespace).or_default().push(object);
    }
    if !gone.is_empty() {
        tell("kubectl apply deletes nothing; what is no longer needed goes by:");
    }
    for (namespace, objects) in gone {
        let objects = objects.join(" ");
        tell(&format!("  kubectl --namespace {namespace} delete --ignore-not-found {objects}"));
    }
    Ok(())
}

fn check(overlay: &Overlay) -> Result<(), Fault> {
    let policy = overlay.read()?.policy;
    warn(overlay, &policy);
    let differing = overlay.differing(&policy)?;
    if differing.is_empty() {
        let count = policy.allow.len();
        return say(&format!("{}: OK, {count} host(s)", overlay.policy_path().shown()));
    }
    let text = |(path, _): &(PathBuf, String)| {
        format!("{}: not what {} says", path.shown(), overlay.policy_path().shown())
    };
    let mut lines: Vec<String> = differing.iter().map(text).collect();
    lines.push("ledgerline hosts write writes it anew".to_owned());
    Err(Fault::Refused(lines.join("\n")))
}

fn list(overlay: &Overlay, format: Format) -> Result<(), Fault> {
    let policy = overlay.read()?.policy;
    match format {
        Format::Text => say(text_list(&policy).trim_end()),
        Format::Json => say_json(&json_list(&policy).to_string()),
    }
}

fn text_list(policy: &Policy) -> String {
    let mut text = String::new();
    let width = policy.allow.iter().map(|host| host.name.len()).max().unwrap_or_default();
    for host in &policy.allow {
        let blocked = if policy.blocks(&host.name) { "  blocked" } else { "" };
        let settings = host.settings.iter().map(|(key, value)| format!("  {key}: {}", bare(value)));
        let settings: String = settings.collect();
        let _ = writeln!(text, "{:width$}  {:5}{blocked}{settings}", host.name, host.port);
    }
    if !policy.block.is_empty() {
        let _ = writeln!(text, "blocked: {}", policy.block.join(", "));
    }
    for (namespace, hosts) in &policy.namespaces {
        let hosts = if hosts.is_empty() { "nothing".to_owned() } else { hosts.join(", ") };
        let _ = writeln!(text, "namespace {namespace}: only {hosts}");
    }
    text + "everything else is refused"
}

/// A string without quotes, anything else as JSON.
fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn json_list(policy: &Policy) -> Value {
    let host = |host: &Host| {
        let mut facts = Map::from_iter([
            ("host".to_owned(), host.name.clone().into()),
            ("port".to_owned(), host.port.into()),
            ("blocked".to_owned(), policy.blocks(&host.name).into()),
        ]);
        facts.extend(host.settings.clone());
        Value::Object(facts)
    };
    json!({
        "allow": policy.allow.iter().map(host).collect::<Vec<_>>(),
        "block": policy.block,
        "namespaces": policy.namespaces,
    })
}

/// What is allowed and blocked is blocked; whoever wrote it may not have meant it.
fn warn(overlay: &Overlay, policy: &Policy) {
    for host in policy.allow.iter().filter(|host| policy.blocks(&host.name)) {
        let path = overlay.policy_path();
        tell(&format!("{}: `{}` is allowed and blocked: blocked", path.shown(), host.name));
    }
}

/// A change by one host: the edited text and the policy that it must be, or nothing to do.
type Step = fn(&Written, &str) -> Result<Option<(Option<String>, Policy)>, String>;

impl Change {
    /// All hosts or none.
    fn apply(&self, step: Step) -> Result<(), Fault> {
        let overlay = Overlay::new(&self.place.overlay);
        let mut written = overlay.read()?;
        let before = written.text.clone();
        for host in &self.hosts {
            let edit = step(&written, host)
                .map_err(|text| Fault::Refused(format!("{}: refused: {text}", plain(host))))?;
            let Some((text, meant)) = edit else { continue };
            written = confirmed(&overlay, text, &meant)?;
        }
        if written.text != before {
            overlay.write_policy(&written.text)?;
            say(&format!("{}: written", overlay.policy_path().shown()))?;
        }
        warn(&overlay, &written.policy);
        say_done(&overlay.write(&written.policy)?)
    }
}

/// What was edited, if it says what was meant.
fn confirmed(overlay: &Overlay, text: Option<String>, meant: &Policy) -> Result<Written, Fault> {
    let unsafe_edit = || {
        Fault::Refused(format!(
            "{}: its lists are written in a way that this cannot edit; edit it by hand (one host a \
             line, as in `- api.example.com`), then: ledgerline hosts write",
            overlay.policy_path().shown()
        ))
    };
    let written = overlay.compile(text.ok_or_else(unsafe_edit)?)?;
    if written.policy == *meant { Ok(written) } else { Err(unsafe_edit()) }
}

fn allow(written: &Written, host: &str) -> Result<Option<(Option<String>, Policy)>, String> {
    let host = Host::from_argument(host)?;
    if let Some(known) = written.policy.allow.iter().find(|known| known.name == host.name) {
        return match known.port == host.port {
            true => Ok(None),
            false => Err(format!("it is allowed with port {}; remove it first", known.port)),
        };
    }
    let text = edit::add(&written.text, List::Allow, &written.places, &host);
    let mut policy = written.policy.clone();
    policy.allow.push(host);
    Ok(Some((text, policy)))
}

fn allow_no_longer(
    written: &Written,
    host: &str,
) -> Result<Option<(Option<String>, Policy)>, String> {
    let name = host.to_ascii_lowercase();
    let found = written.policy.allow.iter().position(|host| host.name == name);
    let index = found.ok_or("it is not in `allow`")?;
    let mut policy = written.policy.clone();
    policy.allow.remove(index);
    let text = edit::remove(&written.text, List::Allow, &written.places, index);
    Ok(Some((text, policy)))
}

fn block(written: &Written, host: &str) -> Result<Option<(Option<String>, Policy)>, String> {
    let name = policy::block_pattern(host)?;
    if written.policy.block.contains(&name) {
        return Ok(None);
    }
    let host = Host::usual(name.clone());
    let text = edit::add(&written.text, List::Block, &written.places, &host);
    let mut policy = written.policy.clone();
    policy.block.push(name);
    Ok(Some((text, policy)))
}

fn block_no_longer(
    written: &Written,
    host: &str,
) -> Result<Option<(Option<String>, Policy)>, String> {
    let name = host.to_ascii_lowercase();
    let found = written.policy.block.iter().position(|blocked| *blocked == name);
    let index = found.ok_or("it is not in `block`")?;
    let mut policy = written.policy.clone();
    policy.block.remove(index);
    let text = edit::remove(&written.text, List::Block, &written.places, index);
    Ok(Some((text, policy)))
}
