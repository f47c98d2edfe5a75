//! Whether one condition surely asks for less than another. What cannot be known from the texts is not said.
//!
//! A part (of those joined by `&&`) that is gone without another in its place, a bound that moved outwards, and an
//! alternative beside what was asked alone are surely less. So is a part that something else took the place of, unless
//! that asks the same of another constant (`stdout == "a"`, `stdout == "b"`), and a part that now asks nothing at all. This
//! module must not evaluate anything.

use super::{
    always::asks_nothing,
    parse,
    tree::{Call, Kind, Node, Op},
    val::Val,
};

/// What `new` does not ask for any more that `old` did, in words; empty if that cannot be told from the texts.
/// Something else that is asked instead is no comfort: whether it is as much is for a person to say.
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
        let Some(at) = fresh.iter().position(|other| other.about(part) || other.alike(part)) else {
            gone.push(part);
            continue;
        };
        let successor = fresh.remove(at);
        let more = if successor.alike(part) { successor.finds_more(part) } else { successor.allows_more(part) };
        if more || successor.asks_nothing() {
            said.push(format!("`{}` became `{}`", part.shown, successor.shown));
        }
    }
    said.extend(gone.iter().map(|part| format!("`{}` is not asked any more", part.shown)));
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
pub(super) fn flat(node: &Node, source: &str) -> String {
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
pub(super) struct Bound {
    pub left: String,
    pub op: Op,
    pub factor: f64,
    pub rest: String,
}

impl Bound {
    /// What is said of `x` by `2 * x + 5 > 9` is `x > 2`.
    pub(super) fn of(node: &Node, source: &str) -> Option<Bound> {
        let Kind::Binary(op, two) = &node.kind else { return None };
        if !op.orders() {
            return None;
        }
        let [left, right] = &**two;
        let (about, op, (factor, rest)) = match (factor(left, source), factor(right, source)) {
            (None, Some(right)) => (left, *op, right),
            (Some(left), None) => (right, turned(*op), left),
            _ => return None,
        };
        let (about, times, plus) = bare(about);
        if times <= 0.0 || (plus != 0.0 && !rest.is_empty()) {
            return None;
        }
        Some(Bound { left: flat(about, source), op, factor: (factor - plus) / times, rest })
    }
}

fn turned(op: Op) -> Op {
    match op {
        Op::Less => Op::More,
        Op::AtMost => Op::AtLeast,
        Op::More => Op::Less,
        _ => Op::AtMost,
    }
}

/// What is left without constants around it, what it is multiplied by, and what is added to that.
fn bare(node: &Node) -> (&Node, f64, f64) {
    let Kind::Binary(op, two) = &node.kind else { return (node, 1.0, 0.0) };
    let (inner, number) = match (constant(&two[0]), constant(&two[1])) {
        (Some(number), None) if matches!(op, Op::Multiply | Op::Add) => (&two[1], number),
        (None, Some(number)) => (&two[0], number),
        _ => return (node, 1.0, 0.0),
    };
    let (inner, times, plus) = bare(inner);
    match op {
        Op::Multiply => (inner, times * number, plus * number),
        // Whole numbers are divided without a rest, which moves a bound by less than what they are divided by.
        Op::Divide => (inner, times / number, plus / number),
        Op::Add => (inner, times, plus + number),
        Op::Subtract => (inner, times, plus - number),
        _ => (node, 1.0, 0.0),
    }
}

impl Part<'_> {
    fn bound(&self) -> Option<Bound> {
        Bound::of(self.node, self.source)
    }

    fn asks_nothing(&self) -> bool {
        asks_nothing(self.node, self.source)
    }

    /// Whether both ask the same of the same, only with another text or number.
    fn alike(&self, old: &Part<'_>) -> bool {
        match (&self.node.kind, &old.node.kind) {
            (Kind::Binary(Op::Equal, new), Kind::Binary(Op::Equal, was)) => {
                flat(&new[0], self.source) == flat(&was[0], old.source) && literal(&new[1]) && literal(&was[1])
            }
            (Kind::Call(new), Kind::Call(was)) => {
                let receiver = |call: &Call, source| call.receiver.as_ref().map(|one| flat(one, source));
                let same = new.name == was.name && receiver(new, self.source) == receiver(was, old.source);
                same && new.args.iter().chain(&was.args).all(literal)
            }
            _ => false,
        }
    }

    /// Of two searches that are alike: whether all that the old one finds is found.
    fn finds_more(&self, old: &Part<'_>) -> bool {
        let (Kind::Call(new), Kind::Call(was)) = (&self.node.kind, &old.node.kind) else { return false };
        let said = |call: &Call| match call.args.first().map(|arg| &arg.kind) {
            Some(Kind::Literal(Val::Text(text))) => Some(text.clone()),
            _ => None,
        };
        new.name != "matches" && said(new).zip(said(was)).is_some_and(|(new, old)| old.contains(&*new))
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
        Kind::Binary(op, two) => {
            let (left, right) = (constant(&two[0])?, constant(&two[1])?);
            match op {
                Op::Add => Some(left + right),
                Op::Subtract => Some(left - right),
                Op::Multiply => Some(left * right),
                Op::Divide => Some(left / right),
                _ => None,
            }
        }
        _ => None,
    }
}

fn literal(node: &Node) -> bool {
    matches!(node.kind, Kind::Literal(_)) || constant(node).is_some()
}
