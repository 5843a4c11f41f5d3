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
