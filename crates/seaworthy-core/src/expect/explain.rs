//! What was expected and what was seen, for people.
//!
//! This module must not know who is told.

use seaworthy_model::value::Facts;

use super::{
    eval::Machine,
    tree::{Kind, Node, Op},
    unit,
    val::Val,
};

/// Longest line of an explanation, in characters. A longer one is cut with `…`.
pub const LINE_CHARS_MAX: usize = 200;
/// Longest text value that is shown whole, in characters. A longer one loses its middle.
const TEXT_CHARS_MAX: usize = 80;

/// One line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The condition, or its first part that is false, with usual values filled in.
    pub expected: String,
    /// What the names in it were.
    pub observed: String,
}

pub(super) fn explain(tree: &Node, source: &str, facts: &Facts, usual: &Facts) -> Explained {
    let part = told(tree, source, facts, usual);
    let mut explainer = Explainer { source, machine: Machine::new(source, facts, usual) };
    let mut seen = Vec::new();
    explainer.observe(part, false, &mut seen);
    let observed = if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") };
    Explained { expected: cut(&explainer.expected(part)), observed: cut(&observed) }
}

/// The first part that is false, else the first that has no answer, else all of it. Asks in the order and with the
/// fuel of an evaluation, so it finds what that found.
fn told<'a>(tree: &'a Node, source: &'a str, facts: &'a Facts, usual: &'a Facts) -> &'a Node {
    let mut parts = Vec::new();
    conjuncts(tree, &mut parts);
    let mut machine = Machine::new(source, facts, usual);
    let answers: Vec<Option<bool>> = parts.iter().map(|part| machine.bool(part).ok()).collect();
    let first = |wanted: Option<bool>| answers.iter().position(|answer| *answer == wanted);
    first(Some(false)).or_else(|| first(None)).map_or(tree, |index| parts[index])
}

struct Explainer<'a> {
    source: &'a str,
    machine: Machine<'a>,
}

impl<'a> Explainer<'a> {
    /// Its value, if it has one and the fuel of this explanation lasts.
    fn value(&mut self, node: &'a Node) -> Option<Val> {
        self.machine.value(node).ok()
    }

    /// The text of a part, with the value behind every calculation that rests on `usual`.
    fn expected(&mut self, part: &'a Node) -> String {
        let mut notes = Vec::new();
        self.notes(part, false, &mut notes);
        let mut text = String::new();
        let mut from = part.at;
        for (end, note) in notes {
            text.push_str(&self.source[from..end]);
            text.push_str(&note);
            from = end;
        }
        text.push_str(&self.source[from..part.end]);
        one_line(&text)
    }

    fn notes(&mut self, node: &'a Node, size: bool, notes: &mut Vec<(usize, String)>) {
        if rests_on_usual(node)
            && let Some(val) = self.value(node)
        {
            notes.push((node.end, format!(" ({})", show(&val, size || node.is_size()))));
            return;
        }
        let size = size || compares_sizes(node);
        for child in node.children() {
            self.notes(child, size, notes);
        }
    }

    /// The names of a part, or what is asked of them, with their values; each once.
    fn observe(&mut self, node: &'a Node, size: bool, seen: &mut Vec<String>) {
        let question = match &node.kind {
            Kind::Name(_) => true,
            Kind::Field(..) | Kind::Index(_) => reads_fact(node),
            Kind::Call(call) => {
                let asks = matches!(call.name.as_str(), "contains" | "startsWith" | "endsWith" | "matches");
                !asks && reads_fact(node)
            }
            _ => false,
        };
        if question && let Some(val) = self.value(node) {
            let name = one_line(&self.source[node.at..node.end]);
            let line = format!("{name} {}", show(&val, size || node.is_size()));
            if !seen.contains(&line) {
                seen.push(line);
            }
            return;
        }
        let sizes = size || compares_sizes(node);
        match &node.kind {
            Kind::Binary(op, two) if op.compares() && self.looks_equal(two, sizes) => {
                for side in two.iter().filter(|side| reads_fact(side)) {
                    let name = one_line(&self.source[side.at..side.end]);
                    seen.extend(self.value(side).map(|val| format!("{name} {}", exact(&val, sizes))));
                }
            }
            // The body speaks about items, which have no value out here.
            Kind::Macro(m) => self.observe(&m.over, sizes, seen),
            _ => node.children().into_iter().for_each(|child| self.observe(child, sizes, seen)),
        }
    }

    /// Whether rounding hides the difference of two sides.
    fn looks_equal(&mut self, two: &'a [Node; 2], size: bool) -> bool {
        match (self.value(&two[0]), self.value(&two[1])) {
            (Some(a), Some(b)) if a.number().is_some() || matches!(a, Val::Duration(_)) => {
                show(&a, size) == show(&b, size) && !a.equals(&b)
            }
            _ => false,
        }
    }
}

fn conjuncts<'a>(node: &'a Node, parts: &mut Vec<&'a Node>) {
    match &node.kind {
        Kind::And(inner) => inner.iter().for_each(|part| conjuncts(part, parts)),
        _ => parts.push(node),
    }
}

fn compares_sizes(node: &Node) -> bool {
    matches!(&node.kind, Kind::Binary(op, two) if op.compares() && (two[0].is_size() || two[1].is_size()))
}

fn reads_fact(node: &Node) -> bool {
    let mut found = false;
    node.visit(&mut |part| found |= matches!(part.kind, Kind::Name(_)));
    found
}

/// A calculation of literals and at least one usual value.
fn rests_on_usual(node: &Node) -> bool {
    let (mut usual, mut other) = (false, false);
    node.visit(&mut |part| match &part.kind {
        Kind::Usual(_) => usual = true,
        Kind::Literal(_) | Kind::Bytes(_) | Kind::Minus(_) => {}
        Kind::Binary(Op::Add | Op::Subtract | Op::Multiply | Op::Divide, _) => {}
        _ => other = true,
    });
    usual && !other
}

/// A value as people read it.
fn show(val: &Val, size: bool) -> String {
    match val {
        Val::Int(n) if size => unit::show_size(*n as f64),
        Val::Decimal(n) if size => unit::show_size(*n),
        Val::Null => "null".to_owned(),
        Val::Bool(b) => b.to_string(),
        Val::Int(n) => n.to_string(),
        Val::Decimal(n) => unit::show_number(*n),
        Val::Duration(n) => unit::show_time(*n),
        Val::Text(text) => quoted(text),
        Val::List(items) => {
            let shown: Vec<String> = items.iter().take(8).map(|item| show(item, false)).collect();
            let more = if items.len() > 8 { format!(", … ({} items)", items.len()) } else { String::new() };
            middle_cut(&format!("[{}{more}]", shown.join(", ")))
        }
        Val::Map(map) => {
            let pairs: Vec<String> = map
                .iter()
                .take(8)
                .map(|(key, item)| format!("{}: {}", key.escape_debug(), show(item, false)))
                .collect();
            let more = if map.len() > 8 { ", …" } else { "" };
            middle_cut(&format!("{{{}{more}}}", pairs.join(", ")))
        }
    }
}

/// A number with all its digits.
fn exact(val: &Val, size: bool) -> String {
    match val {
        Val::Int(n) if size => format!("{n} B"),
        Val::Decimal(n) => n.to_string(),
        Val::Duration(n) => format!("{n}ns"),
        other => show(other, false),
    }
}

/// In quotes, control characters escaped, without its middle if it is long.
fn quoted(text: &str) -> String {
    // The ends are enough: escaping a megabyte to show 80 characters would be a waste.
    let count = text.chars().count();
    if count <= TEXT_CHARS_MAX {
        return format!("\"{}\"", middle_cut(&escaped(text)));
    }
    let half = TEXT_CHARS_MAX / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(count - half).collect();
    format!("\"{}…{}\"", escaped(&head), escaped(&tail))
}

/// Control characters and double quotes escaped; `'` needs none.
fn escaped(text: &str) -> String {
    text.escape_debug().to_string().replace("\\'", "'")
}

/// At most [`TEXT_CHARS_MAX`] characters, by leaving out the middle.
fn middle_cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= TEXT_CHARS_MAX {
        return text.to_owned();
    }
    let half = TEXT_CHARS_MAX / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(count - half).collect();
    format!("{head}…{tail}")
}

/// Source on one line: a line break and the spaces around it become one space.
fn one_line(source: &str) -> String {
    let lines: Vec<&str> = source.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ").replace(|c: char| c.is_control(), " ")
}

fn cut(line: &str) -> String {
    if line.chars().count() <= LINE_CHARS_MAX {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(LINE_CHARS_MAX - 1).collect();
    short.push('…');
    short
}
