//! What is asked for: a table of paths, compiled to a trie.

/// The deepest path: so many objects and arrays around a value. Deeper ones find nothing.
pub const MAX_PATH_DEPTH: usize = 16;

/// Places in a document, each with what the caller calls it.
///
/// | path | means |
/// |---|---|
/// | `usage.input_tokens` | a member of a member: its string, number, `true`, `false` or `null` |
/// | `choices[].finish_reason` | the same of every element of an array |
/// | `[].method` | of every element of a document that is an array |
/// | `output[]{}` | an object itself: its begin and its end |
/// | `bytes~` | a string of any length, in pieces |
/// | `_meta.example\.org/id` | a name with a dot in it |
///
/// A path may be asked for in all three ways at once, but a string comes in pieces only where it is
/// asked for so. Of two entries for the same path and way the later one counts.
#[derive(Clone, Debug)]
pub struct Paths<F> {
    nodes: Vec<Node<F>>,
}

/// Which node of the trie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NodeId(u16);

impl NodeId {
    pub(super) const ROOT: Self = Self(0);
}

/// One place in a document.
#[derive(Clone, Debug)]
pub(super) struct Node<F> {
    pub(super) scalar: Option<F>,
    pub(super) object: Option<F>,
    pub(super) pieces: Option<F>,
    pub(super) elements: Option<NodeId>,
    /// By the length of their names: most names of a document are told by it to be none of these.
    members: Vec<Vec<(Box<[u8]>, NodeId)>>,
}

impl<F> Node<F> {
    fn new() -> Self {
        Self { scalar: None, object: None, pieces: None, elements: None, members: Vec::new() }
    }

    /// Whether something asked for lies deeper, in an array or in an object.
    pub(super) fn holds(&self, is_array: bool) -> bool {
        if is_array { self.elements.is_some() } else { !self.members.is_empty() }
    }

    pub(super) fn member(&self, name: &[u8]) -> Option<NodeId> {
        let row = self.members.get(name.len())?;
        row.iter().find(|(member, _)| **member == *name).map(|(_, node)| *node)
    }

    fn add_member(&mut self, name: &[u8], node: NodeId) {
        if self.members.len() <= name.len() {
            self.members.resize_with(name.len().saturating_add(1), Vec::new);
        }
        if let Some(row) = self.members.get_mut(name.len()) {
            row.push((name.into(), node));
        }
    }
}

impl<F: Copy> Paths<F> {
    /// Compiles `table`.
    pub fn new(table: &[(&str, F)]) -> Self {
        let mut paths = Self { nodes: vec![Node::new()] };
        for (path, field) in table {
            paths.add(path, *field);
        }
        paths
    }

    fn add(&mut self, path: &str, field: F) {
        let (place, way) = match (path.strip_suffix("{}"), path.strip_suffix('~')) {
            (Some(place), _) => (place, Way::Object),
            (_, Some(place)) => (place, Way::Pieces),
            _ => (path, Way::Scalar),
        };
        let steps = steps(place);
        if steps.len() > MAX_PATH_DEPTH {
            return;
        }
        let mut node = NodeId::ROOT;
        for step in steps {
            let Some(next) = self.child(node, step) else { return };
            node = next;
        }
        let Some(node) = self.nodes.get_mut(usize::from(node.0)) else { return };
        match way {
            Way::Scalar => node.scalar = Some(field),
            Way::Object => node.object = Some(field),
            Way::Pieces => node.pieces = Some(field),
        }
    }

    /// The node one step below `parent`, made if it is not there.
    fn child(&mut self, parent: NodeId, step: Step) -> Option<NodeId> {
        let new = NodeId(u16::try_from(self.nodes.len()).ok()?);
        let node = self.nodes.get_mut(usize::from(parent.0))?;
        let known = match &step {
            Step::Elements => node.elements,
            Step::Member(name) => node.member(name.as_bytes()),
        };
        if known.is_some() {
            return known;
        }
        match step {
            Step::Elements => node.elements = Some(new),
            Step::Member(name) => node.add_member(name.as_bytes(), new),
        }
        self.nodes.push(Node::new());
        Some(new)
    }
}

impl<F> Paths<F> {
    pub(super) fn node(&self, node: NodeId) -> Option<&Node<F>> {
        self.nodes.get(usize::from(node.0))
    }
}

enum Way {
    Scalar,
    Object,
    Pieces,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Elements,
}

/// `a.b[].c` one by one.
fn steps(place: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut name = String::new();
    let mut rest = place.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => name.extend(rest.next()),
            '.' => take_member(&mut name, &mut steps),
            '[' if rest.as_str().starts_with(']') => {
                rest.next();
                take_member(&mut name, &mut steps);
                steps.push(Step::Elements);
            }
            _ => name.push(character),
        }
    }
    take_member(&mut name, &mut steps);
    steps
}

fn take_member(name: &mut String, steps: &mut Vec<Step>) {
    if !name.is_empty() {
        steps.push(Step::Member(std::mem::take(name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_step_by_step() {
        let member = |name: &str| Step::Member(name.to_owned());
        for (place, expected) in [
            ("", vec![]),
            ("a", vec![member("a")]),
            ("a.b", vec![member("a"), member("b")]),
            ("a[].b", vec![member("a"), Step::Elements, member("b")]),
            ("[].b", vec![Step::Elements, member("b")]),
            ("a[][]", vec![member("a"), Step::Elements, Step::Elements]),
            ("a.b\\.c/d", vec![member("a"), member("b.c/d")]),
        ] {
            assert_eq!(steps(place), expected, "{place}");
        }
    }
}
