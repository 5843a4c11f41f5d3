//! `ledgerline hosts seen`: which hosts a mesh calls today, before it is told to call no others.
//!
//! ```text
//! access logs of sidecars (text or JSON) ┐
//! an answer of Prometheus                ┴──▶  host, port, calls, what policy.yaml says of it
//! ```
//!
//! What a sidecar passed on without knowing it, Istio names `PassthroughCluster` (`BlackHoleCluster` where it was
//! refused already). What another ServiceEntry names goes on in a mesh that is REGISTRY_ONLY, but not by the
//! gateway. An address without a name cannot be allowed, so it is listed as what it is.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::{Value, json};

use super::{
    overlay::Overlay,
    policy::{Host, Policy},
};
use crate::{
    fault::Fault,
    format::Format,
    say::{say, say_json, tell},
};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Access logs of Istio's sidecars, or answers of Prometheus; without one, standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The overlay whose policy.yaml the hosts are held against
    #[arg(long, value_name = "DIR")]
    overlay: Option<PathBuf>,
    /// For a person or for a program
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// More places than that are no list that a person reads; further ones are counted only.
const MAX_PLACES: usize = 10_000;

pub(super) fn run(options: &Options) -> Result<(), Fault> {
    let policy = match &options.overlay {
        Some(folder) => Some(Overlay::new(folder).read()?.policy),
        None => None,
    };
    let seen = read_all(&options.files)?;
    if seen.calls.is_empty() {
        return Err(Fault::NoAnswer(NOTHING.to_owned()));
    }
    let rows: Vec<Row> = seen.calls.iter().map(|call| Row::new(call, policy.as_ref())).collect();
    match options.format {
        Format::Text => say(&text_list(&rows))?,
        Format::Json => say_json(&Value::from_iter(rows.iter().map(Row::json)).to_string())?,
    }
    summary(&rows, &seen, policy.is_some())
}

const NOTHING: &str = "error: no call to the outside is in there: a line of a sidecar's access log says where it went. Is the \
mesh's access log on (meshConfig.accessLogFile: /dev/stdout)?";

fn summary(rows: &[Row], seen: &Seen, is_compared: bool) -> Result<(), Fault> {
    let missing = rows.iter().filter(|row| row.verdict != Verdict::Allowed).count();
    let mut text = format!("{} host(s) seen", rows.len());
    if is_compared {
        text += &format!(", {missing} of them not allowed by policy.yaml");
    }
    if seen.not_listed > 0 {
        text += &format!("; {} calls to further ones are not listed", seen.not_listed);
    }
    if is_compared && missing > 0 {
        return Err(Fault::Refused(text));
    }
    tell(&text);
    Ok(())
}

/// The calls to the outside, by where they went.
#[derive(Debug, Default)]
struct Seen {
    calls: BTreeMap<Place, Calls>,
    /// Calls to places beyond [`MAX_PLACES`].
    not_listed: u64,
}

/// Where a call went: what it named, and the port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    host: String,
    port: Option<u16>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    count: u64,
    /// Some of them by a ServiceEntry.
    by_entry: bool,
}

impl Seen {
    fn add(&mut self, place: Place, count: u64, by_entry: bool) {
        if self.calls.len() >= MAX_PLACES && !self.calls.contains_key(&place) {
            self.not_listed = self.not_listed.saturating_add(count);
            return;
        }
        let calls = self.calls.entry(place).or_default();
        calls.count = calls.count.saturating_add(count);
        calls.by_entry |= by_entry;
    }

    fn read(&mut self, input: impl BufRead) -> io::Result<()> {
        for line in input.split(b'\n') {
            self.read_line(&String::from_utf8_lossy(&line?));
        }
        Ok(())
    }

    /// A line that says nothing of a call is the agent's, or the application's.
    fn read_line(&mut self, line: &str) {
        let json = line.find('{').and_then(|start| line.get(start..));
        match json.map(serde_json::from_str::<Value>) {
            Some(Ok(record)) => match record.pointer("/data/result").and_then(Value::as_array) {
                Some(samples) => self.read_metrics(samples),
                None => self.add_call(Facts::of_json(&record)),
            },
            _ => self.add_call(Facts::of_text(line)),
        }
    }

    fn add_call(&mut self, facts: Option<Facts<'_>>) {
        let Some(facts) = facts else { return };
        if let Some((place, by_entry)) = facts.place() {
            self.add(place, 1, by_entry);
        }
    }

    /// `istio_requests_total`, or `istio_tcp_connections_opened_total`, which knows no names.
    fn read_metrics(&mut self, samples: &[Value]) {
        for sample in samples {
            let text = |place: &str| sample.pointer(place).and_then(Value::as_str);
            let label = |name: &str| text(&format!("/metric/{name}")).unwrap_or_default();
            if !is_unknown(label("destination_service_name")) {
                continue;
            }
            let value = text("/value/1").and_then(|value| value.parse::<f64>().ok());
            // Prometheus counts in floats; a rate below one is a call all the same.
            let count = value.unwrap_or_default().ceil().clamp(0.0, 1e15) as u64;
            if count > 0 {
                let (host, port) = split_port(label("destination_service"));
                self.add(Place { host: readable(host), port }, count, false);
            }
        }
    }
}

/// What a line of the access log says of where a call went.
#[derive(Clone, Copy, Debug)]
struct Facts<'a> {
    cluster: &'a str,
    authority: &'a str,
    server_name: &'a str,
    /// Where the application meant to connect to.
    address: &'a str,
}

impl<'a> Facts<'a> {
    fn of_json(record: &'a Value) -> Option<Self> {
        let text = |key: &str| record[key].as_str().unwrap_or("-");
        Some(Self {
            cluster: record["upstream_cluster"].as_str()?,
            authority: text("authority"),
            server_name: text("requested_server_name"),
            address: text("downstream_local_address"),
        })
    }

    /// Istio's own format. It is read from the end, because in front are words that a client chooses:
    /// `"AUTHORITY" "UPSTREAM" CLUSTER LOCAL ADDRESS REMOTE SERVER-NAME ROUTE`.
    fn of_text(line: &'a str) -> Option<Self> {
        let (quoted, rest) = line.trim_end().rsplit_once('"')?;
        let mut words = rest.split_whitespace();
        let cluster = words.next()?;
        let (_, address, _) = (words.next()?, words.next()?, words.next()?);
        let authority = quoted.rsplit('"').nth(2)?;
        Some(Self { cluster, authority, server_name: words.next()?, address })
    }

    /// The place, and whether a ServiceEntry names it; none if the call stayed inside.
    fn place(self) -> Option<(Place, bool)> {
        if let Some(known) = self.cluster.strip_prefix("outbound|") {
            let mut parts = known.split('|');
            let port = parts.next()?.parse().ok();
            let host = parts.nth(1)?;
            let place = Place { host: readable(host), port };
            return Host::from_argument(&place.host).is_ok().then_some((place, true));
        }
        if !is_unknown(self.cluster) {
            return None;
        }
        let (address, port) = split_port(self.address);
        let names = [split_port(self.authority).0, self.server_name];
        let name = names.into_iter().find(|name| Host::from_argument(name).is_ok());
        Some((Place { host: readable(name.unwrap_or(address)), port }, false))
    }
}

fn is_unknown(cluster: &str) -> bool {
    matches!(cluster, "PassthroughCluster" | "BlackHoleCluster")
}

/// A host, and the port behind it: `host`, `host:port`, `[::1]:port`.
fn split_port(text: &str) -> (&str, Option<u16>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

/// In lower case, and without what would reach a terminal: a client chose it.
fn readable(host: &str) -> String {
    let is_plain = |char: &char| char.is_ascii_alphanumeric() || ".-_:[]".contains(*char);
    let text: String = host.chars().filter(is_plain).take(253).collect();
    if text.is_empty() || text == "-" { "unknown".to_owned() } else { text.to_ascii_lowercase() }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Allowed,
    Blocked,
    Missing,
    Nameless,
}

#[derive(Debug)]
struct Row<'a> {
    place: &'a Place,
    calls: &'a Calls,
    verdict: Verdict,
    is_compared: bool,
}

impl<'a> Row<'a> {
    fn new((place, calls): (&'a Place, &'a Calls), policy: Option<&Policy>) -> Self {
        let is_allowed =
            policy.is_some_and(|policy| policy.allow.iter().any(|host| host.name == place.host));
        let verdict = if Host::from_argument(&place.host).is_err() {
            Verdict::Nameless
        } else if policy.is_some_and(|policy| policy.blocks(&place.host)) {
            Verdict::Blocked
        } else if is_allowed {
            Verdict::Allowed
        } else {
            Verdict::Missing
        };
        Self { place, calls, verdict, is_compared: policy.is_some() }
    }

    fn says(&self) -> &'static str {
        match self.verdict {
            Verdict::Nameless => "an address, no name: nothing to allow",
            _ if !self.is_compared && self.calls.by_entry => "a ServiceEntry names it",
            _ if !self.is_compared => "",
            Verdict::Allowed => "allowed",
            Verdict::Blocked => "blocked",
            Verdict::Missing if self.calls.by_entry => {
                "not in policy.yaml; a ServiceEntry names it"
            }
            Verdict::Missing => "not in policy.yaml",
        }
    }

    fn json(&self) -> Value {
        json!({
            "host": self.place.host,
            "port": self.place.port,
            "calls": self.calls.count,
            "service_entry": self.calls.by_entry,
            "allowed": self.is_compared.then_some(self.verdict == Verdict::Allowed),
        })
    }
}

fn text_list(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.place.host.len()).max().unwrap_or_default();
    let line = |row: &Row| {
        let port = row.place.port.map_or_else(|| "-".to_owned(), |port| port.to_string());
        let text =
            format!("{:width$}  {port:>5}  {:>8}  {}", row.place.host, row.calls.count, row.says());
        text.trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn read_all(files: &[PathBuf]) -> Result<Seen, Fault> {
    let mut seen = Seen::default();
    if files.is_empty() {
        let read = seen.read(io::stdin().lock());
        read.map_err(|error| Fault::io(Path::new("standard input"), &error))?;
    }
    for path in files {
        let read = File::open(path).and_then(|file| seen.read(BufReader::new(file)));
        read.map_err(|error| Fault::io(path, &error))?;
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines in Istio's format, and where they say that the call went.
    #[test]
    fn a_line_says_where_its_call_went() {
        let front = r#"[2026-06-30T12:34:56.000Z] "GET /v1 HTTP/1.1" 200 - via_upstream - "-" 0 9 8 7 "-" "#;
        let cases = [
            // agent, authority, behind the upstream's address; the place
            (
                "curl/8",
                "Files.Example.com:443",
                "PassthroughCluster 10.1.1.1:1 192.0.2.7:443 10.1.1.1:2 - allow_any",
                "files.example.com 443",
            ),
            (
                "curl/8",
                "-",
                "PassthroughCluster 10.1.1.1:1 192.0.2.7:443 10.1.1.1:2 tls.example.com -",
                "tls.example.com 443",
            ),
            (
                "curl/8",
                "-",
                "PassthroughCluster 10.1.1.1:1 192.0.2.7:5432 10.1.1.1:2 - -",
                "192.0.2.7 5432",
            ),
            (
                "curl/8",
                "-",
                "BlackHoleCluster - 192.0.2.7:443 10.1.1.1:2 gone.example.com -",
                "gone.example.com 443",
            ),
            (
                "curl/8",
                "api.example.net",
                "outbound|80||api.example.net 10.1.1.1:1 240.0.0.1:80 10.1.1.1:2 - default",
                "api.example.net 80",
            ),
            (
                "curl/8",
                "reviews:9080",
                "outbound|9080||reviews.team-a.svc.cluster.local 10.1.1.1:1 10.96.0.1:9080 10.1.1.1:2 - default",
                "",
            ),
            (
                "curl/8",
                "reviews:9080",
                "inbound|9080|| 10.1.1.1:1 10.1.1.1:9080 10.1.1.2:2 - default",
                "",
            ),
            (
                r#"a" "b.example.org" "192.0.2.1:1" PassthroughCluster"#,
                "true.example.com",
                "PassthroughCluster 10.1.1.1:1 192.0.2.7:80 10.1.1.1:2 - allow_any",
                "true.example.com 80",
            ),
            (
                "curl/8",
                "2001:db8::1",
                "PassthroughCluster [::1]:1 [2001:db8::1]:443 [::1]:2 - -",
                "[2001:db8::1] 443",
            ),
        ];
        for (agent, authority, rest, place) in cases {
            let line = format!(r#"{front}"{agent}" "id" "{authority}" "192.0.2.7:443" {rest}"#);
            let mut seen = Seen::default();
            seen.read_line(&line);
            let found: Vec<String> = seen
                .calls
                .keys()
                .map(|place| format!("{} {}", place.host, place.port.unwrap_or_default()))
                .collect();
            assert_eq!(found.join(","), place, "{line}");
        }
    }

    #[test]
    fn the_same_in_json_and_of_prometheus() {
        let record = json!({"upstream_cluster": "PassthroughCluster", "authority": "a.example.com", "downstream_local_address": "192.0.2.7:80"});
        let sample = |name: &str, host: &str, value: &str| json!({"metric": {"destination_service_name": name, "destination_service": host}, "value": [1, value]});
        let answer = json!({"data": {"result": [
            sample("PassthroughCluster", "a.example.com:80", "2.5"),
            sample("reviews", "reviews.team-a.svc.cluster.local", "7"),
            sample("PassthroughCluster", "unknown", "3"),
        ]}});
        let mut seen = Seen::default();
        seen.read(
            format!("{record}\n[pod/x] {record}\n{answer}\nan agent's {{line}}\n").as_bytes(),
        )
        .unwrap_or_default();
        let found: Vec<String> = seen
            .calls
            .iter()
            .map(|(place, calls)| format!("{} {:?} {}", place.host, place.port, calls.count))
            .collect();
        assert_eq!(found, ["a.example.com Some(80) 5", "unknown None 3"]);
    }

    #[test]
    fn nothing_that_a_client_chose_reaches_the_terminal() {
        assert_eq!(readable("a\u{1b}[2J\u{202e}b.example.com"), "a[2jb.example.com");
        assert_eq!(readable("\u{7}"), "unknown");
    }

    /// However many names a client makes up.
    #[test]
    fn what_is_kept_is_bounded() {
        let mut seen = Seen::default();
        for number in 0..MAX_PLACES + 5 {
            seen.add(Place { host: format!("{number}.example.com"), port: None }, 1, false);
        }
        assert_eq!((seen.calls.len(), seen.not_listed), (MAX_PLACES, 5));
    }
}
