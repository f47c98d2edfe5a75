//! Evaluation: walks the tree, pays for every step, never panics.
//!
//! This module must not know types (they were checked at load) nor what a verdict leads to.

use std::collections::BTreeMap;

use seaworthy_model::value::Facts;

use super::{
    FUEL_STEPS_MAX, call, operate,
    tree::{Kind, Macro, Node, Op, Verb},
    val::Val,
};

/// Characters of source that a sentence about a part quotes.
const QUOTE_CHARS_MAX: usize = 80;

/// Why there is no value.
#[derive(Debug)]
pub(super) enum Trouble {
    /// A sentence. Absorbed by a side of `&&` or `||` that decides alone, as in CEL.
    Says(String),
    /// The fuel is used up. Never absorbed, so that no loop goes on.
    Spent,
}

impl Trouble {
    fn sentence(self) -> String {
        match self {
            Trouble::Says(sentence) => sentence,
            Trouble::Spent => format!(
                "the condition needs more than {FUEL_STEPS_MAX} steps on these facts; make the output that it reads \
                 smaller, or split it into several checks"
            ),
        }
    }
}

/// The answer of a whole condition.
pub(super) fn holds(tree: &Node, source: &str, facts: &Facts, usual: &Facts) -> Result<bool, String> {
    let mut machine = Machine::new(source, facts, usual);
    machine.bool(tree).map_err(Trouble::sentence)
}

pub(super) struct Machine<'a> {
    source: &'a str,
    facts: &'a Facts,
    usual: &'a Facts,
    /// Facts that were taken over already; `true`: of `usual`.
    known: BTreeMap<(bool, &'a str), Val>,
    vars: Vec<(&'a str, Val)>,
    fuel: u64,
}

impl<'a> Machine<'a> {
    pub(super) fn new(source: &'a str, facts: &'a Facts, usual: &'a Facts) -> Machine<'a> {
        Machine { source, facts, usual, known: BTreeMap::new(), vars: Vec::new(), fuel: FUEL_STEPS_MAX }
    }

    /// A sentence about a part: its text and `end`.
    pub(super) fn says(&self, node: &Node, end: &str) -> Trouble {
        let text = &self.source[node.at..node.end];
        let short: String = text.chars().take(QUOTE_CHARS_MAX).collect();
        let dots = if short.len() < text.len() { "…" } else { "" };
        Trouble::Says(format!("`{short}{dots}` {end}"))
    }

    pub(super) fn spend(&mut self, steps: u64) -> Result<(), Trouble> {
        let left = self.fuel.checked_sub(steps);
        self.fuel = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Trouble::Spent)
    }

    pub(super) fn bool(&mut self, node: &'a Node) -> Result<bool, Trouble> {
        match self.value(node)? {
            Val::Bool(b) => Ok(b),
            other => Err(self.says(node, &format!("must be a yes or no and is {}", other.kind()))),
        }
    }

    pub(super) fn value(&mut self, node: &'a Node) -> Result<Val, Trouble> {
        self.spend(1)?;
        match &node.kind {
            Kind::Literal(val) => Ok(val.clone()),
            Kind::Bytes(n) => Ok(Val::Int(*n)),
            Kind::Name(name) => self.name(node, name),
            Kind::Usual(name) => self.fact(node, true, name),
            Kind::List(items) => {
                let items = items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?;
                Val::list(items).map_err(|end| self.says(node, &end))
            }
            Kind::Not(inner) => self.bool(inner).map(|b| Val::Bool(!b)),
            Kind::Minus(inner) => self.minus(node, inner),
            Kind::And(parts) => self.joined(parts, false),
            Kind::Or(parts) => self.joined(parts, true),
            Kind::Binary(op, two) => self.binary(node, *op, &two[0], &two[1]),
            Kind::Choice(three) => {
                let yes = self.bool(&three[0])?;
                self.value(&three[if yes { 1 } else { 2 }])
            }
            Kind::Field(from, field) => {
                let from_value = self.value(from)?;
                self.field(from, &from_value, field)
            }
            Kind::Has(from, field) => match self.value(from)? {
                Val::Map(map) => Ok(Val::Bool(map.contains_key(field.as_str()))),
                other => Err(self.says(from, &format!("is {} and has no fields", other.kind()))),
            },
            Kind::Index(two) => self.index(node, &two[0], &two[1]),
            Kind::Call(call) => call::value(self, node, call),
            Kind::Macro(m) => self.run_macro(node, m),
            Kind::Wrong => Err(self.says(node, "was wrong at load")),
        }
    }

    fn name(&mut self, node: &Node, name: &'a str) -> Result<Val, Trouble> {
        match self.vars.iter().rev().find(|(var, _)| *var == name) {
            Some((_, val)) => Ok(val.clone()),
            None => self.fact(node, false, name),
        }
    }

    fn fact(&mut self, node: &Node, usual: bool, name: &'a str) -> Result<Val, Trouble> {
        if let Some(val) = self.known.get(&(usual, name)) {
            return Ok(val.clone());
        }
        let fact = if usual { self.usual.get(name) } else { self.facts.get(name) };
        let val = match fact.map(Val::of) {
            Some(Ok(val)) => val,
            Some(Err(end)) => return Err(self.says(node, &end)),
            None if usual => return Err(self.says(node, "is not known yet: too few verified runs")),
            None => return Err(self.says(node, "was not observed")),
        };
        // History keeps plain numbers; a usual length of time is one of nanoseconds.
        let val = match val.number() {
            Some(nanos) if usual && name == "duration" => Val::Duration(nanos as i64),
            _ => val,
        };
        self.known.insert((usual, name), val.clone());
        Ok(val)
    }

    fn minus(&mut self, node: &Node, inner: &'a Node) -> Result<Val, Trouble> {
        let too_large = "is a number that does not fit into 64 bits";
        match self.value(inner)? {
            Val::Int(n) => n.checked_neg().map(Val::Int).ok_or_else(|| self.says(node, too_large)),
            Val::Duration(n) => n.checked_neg().map(Val::Duration).ok_or_else(|| self.says(node, too_large)),
            Val::Decimal(n) => Ok(Val::Decimal(-n)),
            other => Err(self.says(inner, &format!("is {} and has no negative", other.kind()))),
        }
    }

    /// `&&` and `||`: `decisive` on any side decides, even beside an error (CEL, "Logical operators").
    fn joined(&mut self, parts: &'a [Node], decisive: bool) -> Result<Val, Trouble> {
        let mut trouble = None;
        for part in parts {
            match self.bool(part) {
                Ok(b) if b == decisive => return Ok(Val::Bool(decisive)),
                Ok(_) => {}
                Err(Trouble::Spent) => return Err(Trouble::Spent),
                Err(said) => trouble = trouble.or(Some(said)),
            }
        }
        trouble.map_or(Ok(Val::Bool(!decisive)), Err)
    }

    fn binary(&mut self, node: &'a Node, op: Op, left: &'a Node, right: &'a Node) -> Result<Val, Trouble> {
        let (a, b) = (self.value(left)?, self.value(right)?);
        let cost = match op {
            Op::In => b.weight(),
            Op::Add | Op::Equal | Op::Unequal => a.weight() + b.weight(),
            _ => 1,
        };
        self.spend(cost)?;
        operate::operate(op, &a, &b).map_err(|end| self.says(node, &end))
    }

    fn field(&self, from: &Node, value: &Val, field: &str) -> Result<Val, Trouble> {
        let Val::Map(map) = value else {
            return Err(self.says(from, &format!("is {} and has no field `{field}`", value.kind())));
        };
        map.get(field).cloned().ok_or_else(|| {
            let mut known = map.keys().take(8).map(|key| key.escape_debug().to_string()).collect::<Vec<_>>().join(", ");
            if map.len() > 8 {
                known.push_str(", …");
            }
            self.says(from, &format!("has no field `{field}`; it has: {known}"))
        })
    }

    fn index(&mut self, node: &'a Node, container: &'a Node, index: &'a Node) -> Result<Val, Trouble> {
        match (self.value(container)?, self.value(index)?) {
            (Val::List(items), Val::Int(n)) => {
                let item = usize::try_from(n).ok().and_then(|n| items.get(n)).cloned();
                item.ok_or_else(|| self.says(node, &format!("asks for item {n} of {}", items.len())))
            }
            (map @ Val::Map(_), Val::Text(key)) => self.field(container, &map, &key),
            (container, index) => {
                Err(self.says(node, &format!("chooses from {} by {}", container.kind(), index.kind())))
            }
        }
    }

    fn run_macro(&mut self, node: &'a Node, m: &'a Macro) -> Result<Val, Trouble> {
        let items: Vec<Val> = match self.value(&m.over)? {
            Val::List(items) => items.to_vec(),
            // As CEL: a macro over a map goes through its keys.
            Val::Map(map) => map.keys().map(|key| Val::Text(key.clone())).collect(),
            other => return Err(self.says(&m.over, &format!("is {} and has no items", other.kind()))),
        };
        self.spend(items.len() as u64)?;
        let mut kept = Vec::new();
        let mut trouble = None;
        let mut yes = 0u64;
        for item in items {
            self.vars.push((&m.var, item.clone()));
            let answer = self.one_item(m);
            self.vars.pop();
            match (answer, m.verb) {
                (Ok(Val::Bool(false)), Verb::All) => return Ok(Val::Bool(false)),
                (Ok(Val::Bool(true)), Verb::Exists) => return Ok(Val::Bool(true)),
                (Ok(Val::Bool(true)), Verb::ExistsOne) => yes += 1,
                (Ok(Val::Bool(true)), Verb::Filter) => kept.push(item),
                (Ok(Val::List(mapped)), Verb::Map) => kept.extend(mapped.iter().cloned()),
                (Ok(_), _) => {}
                // `all` is a chain of `&&`, `exists` one of `||`: a later item may still decide.
                (Err(Trouble::Says(said)), Verb::All | Verb::Exists) => trouble = trouble.or(Some(Trouble::Says(said))),
                (Err(other), _) => return Err(other),
            }
        }
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        match m.verb {
            Verb::All => Ok(Val::Bool(true)),
            Verb::Exists => Ok(Val::Bool(false)),
            Verb::ExistsOne => Ok(Val::Bool(yes == 1)),
            Verb::Filter | Verb::Map => Val::list(kept).map_err(|end| self.says(node, &end)),
        }
    }

    /// A yes or no; for `map` a list of the item, or of none if the guard says no.
    fn one_item(&mut self, m: &'a Macro) -> Result<Val, Trouble> {
        if let Some(guard) = &m.guard
            && !self.bool(guard)?
        {
            return Val::list(Vec::new()).map_err(Trouble::Says);
        }
        match m.verb {
            Verb::Map => self.value(&m.body).and_then(|val| Val::list(vec![val]).map_err(Trouble::Says)),
            _ => self.bool(&m.body).map(Val::Bool),
        }
    }
}
