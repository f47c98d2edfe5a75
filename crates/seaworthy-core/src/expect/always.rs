//! Conditions that ask nothing: whatever a look sees, the answer is the same.
//!
//! Only what the text alone tells. This module must not evaluate anything.

use super::{
    looser::{Bound, flat},
    tree::{Call, Kind, Node, Op},
    val::Val,
};

/// Whether any value meets this.
pub(super) fn asks_nothing(node: &Node, source: &str) -> bool {
    match &node.kind {
        Kind::And(all) => all.iter().all(|part| asks_nothing(part, source)),
        Kind::Or(all) => all.iter().any(|part| asks_nothing(part, source)),
        _ if !reads(node) => true,
        Kind::Binary(Op::Equal | Op::AtMost | Op::AtLeast, two) if flat(&two[0], source) == flat(&two[1], source) => {
            true
        }
        Kind::Binary(..) => Bound::of(node, source).is_some_and(|bound| met_by_any(&bound)),
        Kind::Call(call) => finds_any(call),
        _ => false,
    }
}

/// Whether it names anything that was seen.
fn reads(node: &Node) -> bool {
    let mut found = false;
    node.visit(&mut |one| found |= matches!(one.kind, Kind::Name(_) | Kind::Usual(_)));
    found
}

/// What is counted or weighed is never under zero.
fn met_by_any(bound: &Bound) -> bool {
    let counted = bound.left.ends_with(".size()") || ["size", "age", "duration"].contains(&bound.left.as_str());
    counted && (bound.op == Op::More && bound.factor < 0.0 || bound.op == Op::AtLeast && bound.factor <= 0.0)
}

/// A search for what is in every text.
fn finds_any(call: &Call) -> bool {
    let empty = |node: &Node| matches!(&node.kind, Kind::Literal(Val::Text(text)) if text.is_empty());
    match call.name.as_str() {
        "contains" | "startsWith" | "endsWith" => call.args.iter().all(empty),
        "matches" => {
            call.pattern.as_ref().is_some_and(|pattern| ["", "\u{1}"].iter().all(|text| pattern.is_match(text)))
        }
        _ => false,
    }
}
