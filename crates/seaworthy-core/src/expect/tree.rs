//! The tree of a condition.
//!
//! This module must not know how a tree is read, checked or evaluated.

use regex_lite::Regex;

use super::val::Val;

/// One part of a condition with its place in the source.
#[derive(Debug)]
pub(super) struct Node {
    /// Byte offset of the first byte.
    pub at: usize,
    /// Byte offset after the last byte.
    pub end: usize,
    /// 1 for a leaf.
    pub depth: usize,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Literal(Val),
    /// A size with its unit: whole bytes.
    Bytes(i64),
    /// A fact or the variable of a macro.
    Name(String),
    /// `usual.NAME`
    Usual(String),
    List(Vec<Node>),
    Not(Box<Node>),
    Minus(Box<Node>),
    /// Joined by `&&`; flat, so that a long chain is not deep.
    And(Vec<Node>),
    /// Joined by `||`; flat.
    Or(Vec<Node>),
    Binary(Op, Box<[Node; 2]>),
    /// `condition ? yes : no`
    Choice(Box<[Node; 3]>),
    Field(Box<Node>, String),
    Has(Box<Node>, String),
    /// The container, then the index.
    Index(Box<[Node; 2]>),
    Call(Call),
    Macro(Box<Macro>),
    /// Already reported; never evaluated.
    Wrong,
}

/// `receiver.name(args)` or `name(args)`.
#[derive(Debug)]
pub(super) struct Call {
    pub name: String,
    pub name_at: usize,
    pub receiver: Option<Box<Node>>,
    pub args: Vec<Node>,
    /// Of `matches`: compiled once, at load.
    pub pattern: Option<Regex>,
}

/// `over.verb(var, body)`; `map` may have a guard: `over.map(var, guard, body)`.
#[derive(Debug)]
pub(super) struct Macro {
    pub verb: Verb,
    pub over: Node,
    pub var: String,
    pub guard: Option<Node>,
    pub body: Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

impl Verb {
    pub(super) fn of(word: &str) -> Option<Verb> {
        Some(match word {
            "all" => Verb::All,
            "exists" => Verb::Exists,
            "exists_one" => Verb::ExistsOne,
            "filter" => Verb::Filter,
            "map" => Verb::Map,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Op {
    /// The operator and how tightly it binds (CEL: relations, then sums, then products).
    pub(super) fn of(sign: &str) -> Option<(Op, u8)> {
        Some(match sign {
            "==" => (Op::Equal, 3),
            "!=" => (Op::Unequal, 3),
            "<" => (Op::Less, 3),
            "<=" => (Op::AtMost, 3),
            ">" => (Op::More, 3),
            ">=" => (Op::AtLeast, 3),
            "in" => (Op::In, 3),
            "+" => (Op::Add, 4),
            "-" => (Op::Subtract, 4),
            "*" => (Op::Multiply, 5),
            "/" => (Op::Divide, 5),
            "%" => (Op::Remainder, 5),
            _ => return None,
        })
    }

    pub(super) fn sign(self) -> &'static str {
        match self {
            Op::Equal => "==",
            Op::Unequal => "!=",
            Op::Less => "<",
            Op::AtMost => "<=",
            Op::More => ">",
            Op::AtLeast => ">=",
            Op::In => "in",
            Op::Add => "+",
            Op::Subtract => "-",
            Op::Multiply => "*",
            Op::Divide => "/",
            Op::Remainder => "%",
        }
    }

    pub(super) fn compares(self) -> bool {
        !matches!(self, Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Remainder)
    }

    pub(super) fn orders(self) -> bool {
        matches!(self, Op::Less | Op::AtMost | Op::More | Op::AtLeast)
    }
}

impl Node {
    pub(super) fn new(kind: Kind, at: usize, end: usize) -> Node {
        let mut node = Node { at, end, depth: 1, kind };
        node.depth = 1 + node.children().iter().map(|child| child.depth).max().unwrap_or(0);
        node
    }

    /// The parts, in the order of the source.
    pub(super) fn children(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::Literal(_) | Kind::Bytes(_) | Kind::Name(_) | Kind::Usual(_) | Kind::Wrong => Vec::new(),
            Kind::List(all) | Kind::And(all) | Kind::Or(all) => all.iter().collect(),
            Kind::Not(one) | Kind::Minus(one) | Kind::Field(one, _) | Kind::Has(one, _) => vec![one],
            Kind::Binary(_, two) | Kind::Index(two) => two.iter().collect(),
            Kind::Choice(three) => three.iter().collect(),
            Kind::Call(call) => call.receiver.as_deref().into_iter().chain(&call.args).collect(),
            Kind::Macro(m) => [&m.over].into_iter().chain(&m.guard).chain([&m.body]).collect(),
        }
    }

    /// Calls `see` for this node and all below it.
    pub(super) fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Node)) {
        see(self);
        for child in self.children() {
            child.visit(see);
        }
    }

    /// See [`super::Expect::reads_data`]. `yes`: the answer that counts; below a `!` it is no, and there any part of
    /// `&&` alone can give it.
    pub(super) fn reads_data(&self, yes: bool) -> bool {
        match &self.kind {
            Kind::Name(name) => ["stdout", "value", "rows", "body", "sha256"].contains(&name.as_str()),
            Kind::Not(inner) => inner.reads_data(!yes),
            Kind::And(all) if !yes => all.iter().all(|part| part.reads_data(yes)),
            Kind::Or(all) if yes => all.iter().all(|part| part.reads_data(yes)),
            Kind::And(all) | Kind::Or(all) => all.iter().any(|part| part.reads_data(yes)),
            Kind::Choice(three) => three[0].reads_data(true) || (three[1].reads_data(yes) && three[2].reads_data(yes)),
            _ => self.children().iter().any(|child| child.reads_data(true)),
        }
    }

    /// Whether its number is one of bytes, so that people read `12 MiB`.
    pub(super) fn is_size(&self) -> bool {
        match &self.kind {
            Kind::Bytes(_) => true,
            Kind::Name(name) | Kind::Usual(name) => name == "size",
            Kind::Minus(one) => one.is_size(),
            Kind::Binary(Op::Divide, two) => two[0].is_size() && !two[1].is_size(),
            Kind::Binary(op, two) => !op.compares() && (two[0].is_size() || two[1].is_size()),
            Kind::Choice(three) => three[1].is_size() || three[2].is_size(),
            _ => false,
        }
    }
}
