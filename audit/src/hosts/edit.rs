//! Edits of `policy.yaml` that leave everything else as its author wrote it.
//!
//! Lines are inserted and taken out; nothing is written anew. What comes out is not trusted: whoever
//! calls reads it back and compares it with what was meant.

use super::policy::{Host, Places};

/// One of the two lists of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Allow,
    Block,
}

impl List {
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }

    fn lines(self, places: &Places) -> &[u64] {
        match self {
            Self::Allow => &places.allow,
            Self::Block => &places.block,
        }
    }
}

/// How a list is written.
enum Shape<'a> {
    /// One member a line.
    Block,
    /// `[a, b]` on the line of its key: before the members, the members, behind them.
    Flow(&'a str, &'a str, &'a str),
}

/// The text with one more host at the end of a list; `None` if the list is written in another way.
pub(super) fn add(text: &str, list: List, places: &Places, host: &Host) -> Option<String> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(ToOwned::to_owned).collect();
    end_line(&mut lines);
    let Some(header) = header(&lines, list) else {
        lines.push(format!("{}:\n{}", list.key(), member(host, "")));
        return Some(lines.concat());
    };
    let header_line = lines.get(header)?.clone();
    match shape(&header_line, list)? {
        Shape::Flow(before, members, behind) if members.trim().is_empty() => {
            *lines.get_mut(header)? = format!(
                "{}{}",
                before.trim_end_matches('[').trim_end(),
                behind.trim_start_matches(']')
            );
            lines.insert(header + 1, member(host, ""));
        }
        Shape::Flow(before, members, behind) => {
            *lines.get_mut(header)? =
                format!("{before}{}, {}{behind}", members.trim_end(), inline(host));
        }
        Shape::Block => {
            let last = list.lines(places).last().copied();
            let Some(last) = last else {
                lines.insert(header + 1, member(host, ""));
                return Some(lines.concat());
            };
            let (start, end) = item(&lines, last)?;
            let indent = indentation(lines.get(start)?).to_owned();
            lines.insert(end, member(host, &indent));
        }
    }
    Some(lines.concat())
}

/// The text without one host of a list; `None` if the list is written in another way.
pub(super) fn remove(text: &str, list: List, places: &Places, index: usize) -> Option<String> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(ToOwned::to_owned).collect();
    let header = header(&lines, list)?;
    let header_line = lines.get(header)?.clone();
    match shape(&header_line, list)? {
        Shape::Flow(before, members, behind) => {
            let mut members: Vec<&str> = members.split(',').map(str::trim).collect();
            if members.len() != list.lines(places).len() {
                return None;
            }
            members.remove(index);
            *lines.get_mut(header)? = format!("{before}{}{behind}", members.join(", "));
        }
        Shape::Block => {
            let (start, end) = item(&lines, *list.lines(places).get(index)?)?;
            lines.drain(start..end);
            if list.lines(places).len() == 1 {
                let key = format!("{}:", list.key());
                *lines.get_mut(header)? = header_line.replacen(&key, &format!("{key} []"), 1);
            }
        }
    }
    Some(lines.concat())
}

fn end_line(lines: &mut [String]) {
    if let Some(last) = lines.last_mut().filter(|line| !line.ends_with('\n')) {
        last.push('\n');
    }
}

fn header(lines: &[String], list: List) -> Option<usize> {
    let key = format!("{}:", list.key());
    lines.iter().position(|line| line.starts_with(&key))
}

fn shape(header: &str, list: List) -> Option<Shape<'_>> {
    let value_at = list.key().len() + 1;
    let value = header.get(value_at..)?.trim_start();
    if value.is_empty() || value.starts_with('#') {
        return Some(Shape::Block);
    }
    let open = header.find('[').filter(|_| value.starts_with('['))?;
    let close = header.find(']')?;
    Some(Shape::Flow(header.get(..=open)?, header.get(open + 1..close)?, header.get(close..)?))
}

/// The lines of a member, of which one is known: from its dash to before what follows it.
fn item(lines: &[String], line: u64) -> Option<(usize, usize)> {
    let start = usize::try_from(line).ok()?.checked_sub(1)?;
    let first = lines.get(start)?;
    if !first.trim_start().starts_with("- ") {
        return None;
    }
    let dash = indentation(first).len();
    let rest = lines.get(start + 1..)?;
    let belongs = |line: &&String| {
        let text = line.trim();
        !text.is_empty() && !text.starts_with('#') && indentation(line).len() > dash
    };
    Some((start, start + 1 + rest.iter().take_while(belongs).count()))
}

fn indentation(line: &str) -> &str {
    let text = line.trim_start_matches(' ');
    line.get(..line.len() - text.len()).unwrap_or_default()
}

fn member(host: &Host, indent: &str) -> String {
    let name = scalar(&host.name);
    match host.has_usual_port() {
        true => format!("{indent}- {name}\n"),
        false => format!("{indent}- host: {name}\n{indent}  port: {}\n", host.port),
    }
}

fn inline(host: &Host) -> String {
    let name = scalar(&host.name);
    match host.has_usual_port() {
        true => name,
        false => format!("{{ host: {name}, port: {} }}", host.port),
    }
}

/// A leading `*` would be YAML's alias.
fn scalar(name: &str) -> String {
    if name.starts_with('*') { format!("\"{name}\"") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::policy::Policy;

    /// Adds hosts to `allow` of a policy, and takes them out again.
    fn there_and_back(policy: &str, hosts: &[&str]) -> (Option<String>, Option<String>) {
        let mut text = policy.to_owned();
        for host in hosts {
            let (_, places) = Policy::read(&text).unwrap();
            let host = Host::from_argument(host).unwrap();
            let Some(edited) = add(&text, List::Allow, &places, &host) else { return (None, None) };
            text = edited;
        }
        let with = text.clone();
        for _ in hosts {
            let (policy, places) = Policy::read(&text).unwrap();
            let last = policy.allow.len() - 1;
            let Some(edited) = remove(&text, List::Allow, &places, last) else {
                return (Some(with), None);
            };
            text = edited;
        }
        (Some(with), Some(text))
    }

    #[test]
    fn comments_and_order_survive_an_edit() {
        for (before, after) in [
            (
                "allow: # who\n# first\n- a.example # one\n\n# last\nblock: []\n",
                "allow: # who\n# first\n- a.example # one\n- x.example\n- host: y.example\n  port: 8443\n\n# last\nblock: []\n",
            ),
            (
                "allow:\n  - host: a.example\n    mask_outbound: true\n  # end\nmode: blocking\n",
                "allow:\n  - host: a.example\n    mask_outbound: true\n  - x.example\n  - host: y.example\n    port: 8443\n  # end\nmode: blocking\n",
            ),
            (
                "allow: []  # none\n",
                "allow:  # none\n- x.example\n- host: y.example\n  port: 8443\n",
            ),
            (
                "allow: [a.example] # one\n",
                "allow: [a.example, x.example, { host: y.example, port: 8443 }] # one\n",
            ),
        ] {
            let policy = |text: &str| format!("topology: istio\n{text}");
            let (with, without) = there_and_back(&policy(before), &["x.example", "y.example:8443"]);
            assert_eq!(with, Some(policy(after)));
            // A host with a port in a list on one line is more than this takes out.
            assert!(without.is_none_or(|without| without == policy(before)), "{before}");
        }
    }

    #[test]
    fn a_list_that_is_missing_is_added() {
        let (with, without) = there_and_back("topology: istio", &["x.example"]);
        assert_eq!(with.unwrap(), "topology: istio\nallow:\n- x.example\n");
        assert_eq!(without.unwrap(), "topology: istio\nallow: []\n");
    }

    #[test]
    fn lists_of_other_shapes_are_left_alone() {
        for policy in [
            "allow: [a.example,\n  b.example]\n",
            "allow:\n-\n  a.example\n",
            "allow: &hosts [a.example\n  ]\n",
        ] {
            let policy = format!("topology: istio\n{policy}");
            assert_eq!(there_and_back(&policy, &["x.example"]), (None, None), "{policy}");
        }
    }
}
