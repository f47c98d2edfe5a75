//! Whether one condition surely asks for less than another. What cannot be known from the texts is not said.
//!
//! A part (of those joined by `&&`) that is gone without another in its place, a bound that moved outwards, and an
//! alternative beside what was asked alone are surely less. This module must not evaluate anything.

use super::{
    parse,
    tree::{Kind, Node, Op},
    val::Val,
};

/// What `new` does not ask for any more that `old` did, in words; empty if that cannot be told from the texts.
/// Whether `new` asks for something else instead is for a person to see.
pub fn looser(old: &str, new: &str) -> Vec<String> {
    let ((old_tree, wrong), (new_tree, new_wrong)) = (parse::parse(old), parse::parse(new));
    if !wrong.is_empty() || !new_wrong.is_empty() {
        return Vec::new();
    }
    let (before, after) = (parts(&old_tree, old), parts(&new_tree, new));
    let lost: Vec<&Part<'_>> = before.iter().filter(|part| after.iter().all(|a| a.text != part.text)).collect();
    let mut fresh: Vec<&Part<'_>> = after.iter().filter(|part| before.iter().all(|b| b.text != part.text)).collect();
    let (mut said, mut gone) = (Vec::new(), Vec::new());
    for part in lost {
        let Some(at) = fresh.iter().position(|other| other.about(part)) else {
            gone.push(part);
            continue;
        };
        let successor = fresh.remove(at);
        if successor.allows_more(part) {
            said.push(format!("`{}` became `{}`", part.shown, successor.shown));
        }
    }
    // What is asked instead may be as much; only a part without anything in its place is surely gone.
    said.extend(gone.iter().skip(fresh.len()).map(|part| format!("`{}` is not asked any more", part.shown)));
    said
}

/// One of the parts joined by `&&`.
struct Part<'a> {
    node: &'a Node,
    source: &'a str,
    /// Without spaces that mean nothing.
    text: String,
    shown: &'a str,
}

fn parts<'a>(tree: &'a Node, source: &'a str) -> Vec<Part<'a>> {
    match &tree.kind {
        Kind::And(all) => all.iter().flat_map(|part| parts(part, source)).collect(),
        _ => vec![Part { node: tree, source, text: flat(tree, source), shown: slice(tree, source) }],
    }
}

fn slice<'a>(node: &Node, source: &'a str) -> &'a str {
    source.get(node.at..node.end).unwrap_or_default().trim()
}

/// The text of a node without spaces outside of quotes.
fn flat(node: &Node, source: &str) -> String {
    let mut quote = None;
    let keep = |c: &char| {
        match (quote, *c) {
            (None, '"' | '\'') => quote = Some(*c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
        quote.is_some() || !c.is_whitespace()
    };
    slice(node, source).chars().filter(keep).collect()
}

/// `left op factor * rest`, with the constant on the right: `size > 0.6 * usual.size`, `age < 1h`.
struct Bound {
    left: String,
    op: Op,
    factor: f64,
    rest: String,
}

impl Part<'_> {
    fn bound(&self) -> Option<Bound> {
        let Kind::Binary(op, two) = &self.node.kind else { return None };
        if !op.orders() {
            return None;
        }
        let [left, right] = &**two;
        match (factor(left, self.source), factor(right, self.source)) {
            (None, Some((factor, rest))) => Some(Bound { left: flat(left, self.source), op: *op, factor, rest }),
            (Some((factor, rest)), None) => {
                let op = match op {
                    Op::Less => Op::More,
                    Op::AtMost => Op::AtLeast,
                    Op::More => Op::Less,
                    _ => Op::AtMost,
                };
                Some(Bound { left: flat(right, self.source), op, factor, rest })
            }
            _ => None,
        }
    }

    /// Whether this speaks of the same thing, so that both can be compared.
    fn about(&self, old: &Part<'_>) -> bool {
        if let (Some(new), Some(old)) = (self.bound(), old.bound()) {
            return new.left == old.left && new.rest == old.rest && upper(new.op) == upper(old.op);
        }
        self.alternatives().any(|text| text == old.text)
    }

    fn alternatives(&self) -> impl Iterator<Item = String> {
        let all: &[Node] = if let Kind::Or(all) = &self.node.kind { all } else { &[] };
        all.iter().map(|one| flat(one, self.source))
    }

    fn allows_more(&self, old: &Part<'_>) -> bool {
        let (Some(new), Some(old)) = (self.bound(), old.bound()) else { return true };
        let inclusive = |op| matches!(op, Op::AtMost | Op::AtLeast);
        if new.factor == old.factor {
            return inclusive(new.op) && !inclusive(old.op);
        }
        (new.factor > old.factor) == upper(new.op)
    }
}

fn upper(op: Op) -> bool {
    matches!(op, Op::Less | Op::AtMost)
}

/// A constant, or a constant times something from `usual`.
fn factor(node: &Node, source: &str) -> Option<(f64, String)> {
    if let Some(number) = constant(node) {
        return Some((number, String::new()));
    }
    match &node.kind {
        Kind::Usual(_) => Some((1.0, flat(node, source))),
        Kind::Binary(Op::Multiply, two) => match (constant(&two[0]), constant(&two[1])) {
            (Some(number), None) => usual(&two[1], source).map(|rest| (number, rest)),
            (None, Some(number)) => usual(&two[0], source).map(|rest| (number, rest)),
            _ => None,
        },
        _ => None,
    }
}

fn usual(node: &Node, source: &str) -> Option<String> {
    matches!(node.kind, Kind::Usual(_)).then(|| flat(node, source))
}

fn constant(node: &Node) -> Option<f64> {
    match &node.kind {
        Kind::Bytes(n) | Kind::Literal(Val::Int(n) | Val::Duration(n)) => Some(*n as f64),
        Kind::Literal(Val::Decimal(n)) => Some(*n),
        Kind::Minus(one) => constant(one).map(|n| -n),
        _ => None,
    }
}
