//! Types of the parts of a condition, found at load. A part that is already wrong counts as dynamic, so that one
//! mistake is reported once.
//!
//! This module must not know values.

use std::collections::BTreeMap;

use super::{
    Problem, call,
    near::nearest,
    scope::{Scope, Type},
    tree::{Kind, Macro, Node, Op, Verb},
    unit,
    val::Val,
};

/// Reports everything that makes the whole something else than a yes or no.
pub(super) fn check(tree: &Node, source: &str, scope: &Scope, problems: &mut Vec<Problem>) {
    let mut checker = Checker { source, scope, vars: Vec::new(), problems };
    checker.demand_bool(tree, "the condition");
}

pub(super) struct Checker<'a> {
    source: &'a str,
    scope: &'a Scope,
    /// Variables of the macros around.
    vars: Vec<(&'a str, Type)>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Checker<'a> {
    pub(super) fn report(&mut self, node: &Node, message: String, help: String) -> Type {
        self.report_at(node.at, node.end - node.at, message, help)
    }

    pub(super) fn report_at(&mut self, at: usize, len: usize, message: String, help: String) -> Type {
        self.problems.push(Problem { at, len, message, help });
        Type::Dynamic
    }

    pub(super) fn text(&self, node: &Node) -> &'a str {
        &self.source[node.at..node.end]
    }

    fn demand_bool(&mut self, node: &'a Node, what: &str) {
        let found = self.type_of(node);
        if matches!(found, Type::Bool | Type::Dynamic) {
            return;
        }
        let text = self.text(node);
        let help = match found {
            Type::Int | Type::Decimal => format!("compare it, such as {text} > 0"),
            Type::Text => format!("compare it, such as {text} == \"…\", or ask {text}.contains(\"…\")"),
            Type::Duration => format!("compare it, such as {text} < 1h"),
            Type::List(_) => format!("compare its size, such as {text}.size() > 0"),
            _ => "write a comparison".to_owned(),
        };
        self.report(node, format!("{what} must be a yes or no, and this is {found}"), help);
    }

    pub(super) fn type_of(&mut self, node: &'a Node) -> Type {
        match &node.kind {
            Kind::Literal(val) => literal(val),
            Kind::Bytes(_) => Type::Int,
            Kind::Name(name) => self.name(node, name),
            Kind::Usual(name) => self.usual(node, name),
            Kind::List(items) => {
                let types: Vec<Type> = items.iter().map(|item| self.type_of(item)).collect();
                let one = types.into_iter().reduce(|a, b| join(a, b).unwrap_or(Type::Dynamic));
                Type::List(Box::new(one.unwrap_or(Type::Dynamic)))
            }
            Kind::Not(inner) => {
                self.demand_bool(inner, "what `!` turns around");
                Type::Bool
            }
            Kind::Minus(inner) => match self.type_of(inner) {
                found @ (Type::Int | Type::Decimal | Type::Duration | Type::Dynamic) => found,
                found => self.report(inner, format!("`-` needs a number, and this is {found}"), "remove the -".into()),
            },
            Kind::And(parts) | Kind::Or(parts) => {
                let what = if matches!(node.kind, Kind::And(_)) { "each side of `&&`" } else { "each side of `||`" };
                parts.iter().for_each(|part| self.demand_bool(part, what));
                Type::Bool
            }
            Kind::Binary(op, two) => self.binary(node, *op, &two[0], &two[1]),
            Kind::Choice(three) => {
                self.demand_bool(&three[0], "what stands before `?`");
                let (yes, no) = (self.type_of(&three[1]), self.type_of(&three[2]));
                join(yes.clone(), no.clone()).unwrap_or_else(|| {
                    let message = format!("the two sides of `:` differ: {yes} and {no}");
                    self.report(node, message, "make both of one kind".into())
                })
            }
            Kind::Field(from, field) => self.field(node, from, field),
            Kind::Has(from, _) => {
                let found = self.type_of(from);
                if found != Type::Dynamic {
                    let help = "has() asks for a field of json(…) or of a row".to_owned();
                    self.report(from, format!("{found} has no fields"), help);
                }
                Type::Bool
            }
            Kind::Index(two) => self.index(&two[0], &two[1]),
            Kind::Call(call) => call::check(self, node, call),
            Kind::Macro(m) => self.macro_type(m),
            Kind::Wrong => Type::Dynamic,
        }
    }

    fn name(&mut self, node: &Node, name: &str) -> Type {
        if let Some((_, found)) = self.vars.iter().rev().find(|(var, _)| *var == name) {
            return found.clone();
        }
        if let Some(found) = self.scope.names.get(name) {
            return found.clone();
        }
        let look = self.scope.look;
        if name == "usual" {
            let help = match self.scope.usual.keys().next() {
                Some(first) => format!("write usual.{first}"),
                None => format!("{look} has no usual values here"),
            };
            return self.report(node, "`usual` is not a value itself".into(), help);
        }
        let owners = Scope::owners(name);
        if !owners.is_empty() {
            let message = format!("`{name}` is not known for {look}; it is what {} shows", owners.join(" or "));
            return self.report(node, message, format!("known here: {}", self.scope.listed()));
        }
        let vars: Vec<&str> = self.vars.iter().map(|(var, _)| *var).collect();
        let known = self.scope.names.keys().copied().chain(vars).chain(["true", "false"]);
        let help = match nearest(name, known) {
            Some(near) => format!("write {near}"),
            None => format!("known here: {}; text stands in quotes", self.scope.listed()),
        };
        self.report(node, format!("`{name}` is not known for {look}"), help)
    }

    fn usual(&mut self, node: &Node, name: &str) -> Type {
        if let Some(found) = self.scope.usual.get(name) {
            return found.clone();
        }
        let all: Vec<String> = self.scope.usual.keys().map(|name| format!("usual.{name}")).collect();
        let help = match nearest(name, self.scope.usual.keys().copied()) {
            Some(near) => format!("write usual.{near}"),
            None if all.is_empty() => format!("{} has no usual values", self.scope.look),
            None => format!("known here: {}", all.join(", ")),
        };
        self.report(node, format!("`usual.{name}` is not known for {}", self.scope.look), help)
    }

    fn field(&mut self, node: &Node, from: &'a Node, field: &str) -> Type {
        let found = self.type_of(from);
        if found == Type::Dynamic {
            return Type::Dynamic;
        }
        if let Type::Map(known, among) = &found {
            return self.known(node.end - field.len(), field.len(), field, known, among);
        }
        let text = self.text(from);
        let message = format!("{found} has no field `{field}`");
        let help = match call::meant(field) {
            Some(method) => format!("write {text}.{method}"),
            None if found == Type::Text => format!("write json({text}).{field} if it is JSON"),
            None if matches!(found, Type::List(_)) => format!("take one item first: {text}[0].{field}"),
            None => format!("write {text} alone"),
        };
        self.report_at(node.end - field.len(), field.len(), message, help)
    }

    /// The type of a name in a group of values.
    fn known(&mut self, at: usize, len: usize, name: &str, known: &BTreeMap<String, Type>, among: &str) -> Type {
        if let Some(found) = known.get(name) {
            return found.clone();
        }
        let help = match nearest(name, known.keys().map(String::as_str)) {
            Some(near) => format!("write {near}"),
            None if known.is_empty() => "there are none".to_owned(),
            None => format!("there are: {}", known.keys().cloned().collect::<Vec<_>>().join(", ")),
        };
        self.report_at(at, len, format!("there is no `{name}` among {among}"), help)
    }

    fn index(&mut self, container: &'a Node, index: &'a Node) -> Type {
        let (found, by) = (self.type_of(container), self.type_of(index));
        if let (Type::Map(known, among), Kind::Literal(Val::Text(name))) = (&found, &index.kind) {
            return self.known(index.at, index.end - index.at, name, known, among);
        }
        match (&found, &by) {
            (Type::Dynamic, Type::Dynamic | Type::Int | Type::Text) => Type::Dynamic,
            (Type::List(item), Type::Int | Type::Dynamic) => (**item).clone(),
            (Type::List(_) | Type::Dynamic, _) => {
                let help = "write a whole number from 0, such as [0]".to_owned();
                self.report(index, format!("an item is chosen by a whole number, and this is {by}"), help)
            }
            _ => {
                let help = match found {
                    Type::Text => format!("write {}.lines()[0] for its first line", self.text(container)),
                    _ => "remove the index".to_owned(),
                };
                self.report(container, format!("{found} has no items"), help)
            }
        }
    }

    fn macro_type(&mut self, m: &'a Macro) -> Type {
        let over = self.type_of(&m.over);
        let item = match over {
            Type::List(item) => *item,
            Type::Dynamic => Type::Dynamic,
            other => {
                let text = self.text(&m.over);
                let help = match other {
                    Type::Text => format!("write {text}.lines() to go through its lines"),
                    _ => format!("compare {text} itself"),
                };
                self.report(&m.over, format!("a macro goes through a list, and this is {other}"), help)
            }
        };
        // A hidden name would be read as a fact by people, and by the question whether data is proven.
        if self.scope.names.contains_key(m.var.as_str()) {
            let at = m.over.end + self.source[m.over.end..m.body.at].find(m.var.as_str()).unwrap_or(0);
            let help = "choose another name, such as x".to_owned();
            self.report_at(at, m.var.len(), format!("`{}` is already the name of a fact", m.var), help);
        }
        self.vars.push((&m.var, item.clone()));
        if let Some(guard) = &m.guard {
            self.demand_bool(guard, "the condition of `map`");
        }
        let body = match m.verb {
            Verb::Map => Type::List(Box::new(self.type_of(&m.body))),
            Verb::Filter => {
                self.demand_bool(&m.body, "the condition of `filter`");
                Type::List(Box::new(item))
            }
            Verb::All | Verb::Exists | Verb::ExistsOne => {
                self.demand_bool(&m.body, "the condition on each item");
                Type::Bool
            }
        };
        self.vars.pop();
        body
    }

    fn binary(&mut self, node: &'a Node, op: Op, left: &'a Node, right: &'a Node) -> Type {
        let (a, b) = (self.type_of(left), self.type_of(right));
        if op.orders()
            && let Kind::Binary(first, two) = &left.kind
            && first.compares()
            && !self.source[left.at..].starts_with('(')
        {
            let middle = self.text(&two[1]);
            let help = format!("write {} && {middle} {} {}", self.text(left), op.sign(), self.text(right));
            self.report(node, "comparisons cannot be chained".into(), help);
            return Type::Bool;
        }
        if let Some(result) = result(op, &a, &b) {
            return result;
        }
        let message = match op {
            Op::In if a == Type::Text && b == Type::Text => "`in` looks into a list, and this is text".to_owned(),
            Op::In if !matches!(b, Type::List(_)) => format!("`in` looks into a list, and this is {b}"),
            Op::In => format!("this list has no {}", a.to_string().trim_start_matches("a ")),
            _ if op.compares() => format!("`{}` cannot compare {a} with {b}", op.sign()),
            _ => format!("`{}` cannot join {a} and {b}", op.sign()),
        };
        let help = self.help(op, (left, &a), (right, &b));
        self.report(node, message, help);
        if op.compares() { Type::Bool } else { Type::Dynamic }
    }

    /// What to write instead of `left op right` of types that do not fit.
    fn help(&self, op: Op, (left, a): (&Node, &Type), (right, b): (&Node, &Type)) -> String {
        let (l, r, sign) = (self.text(left), self.text(right), op.sign());
        if op == Op::In && *b == Type::Text {
            return format!("write {r}.contains({l})");
        }
        for (node, other) in [(right, a), (left, b)] {
            if let (Kind::Literal(Val::Text(text)), false) = (&node.kind, *other == Type::Text)
                && (unit::read(text).is_ok() || text.parse::<f64>().is_ok())
            {
                return format!("write {text} without quotes");
            }
        }
        let number = |t: &Type| matches!(t, Type::Int | Type::Decimal);
        let quoted = |node: &Node| matches!(node.kind, Kind::Literal(Val::Text(_)));
        match (a, b) {
            _ if op == Op::In => match b {
                Type::List(item) => format!("look for {item} in it"),
                _ => format!("write a list: {l} in [{}]", r.trim_matches(['(', ')'])),
            },
            _ if op == Op::Remainder => "`%` takes whole numbers; write a share as a factor, such as 0.2 *".to_owned(),
            (Type::Text, b) if number(b) && quoted(left) => "write a number instead of a text".to_owned(),
            (a, Type::Text) if number(a) && quoted(right) => "write a number instead of a text".to_owned(),
            (Type::Text, b) if number(b) => format!("write int({l}.trim()) {sign} {r}"),
            (a, Type::Text) if number(a) => format!("write {l} {sign} int({r}.trim())"),
            (Type::Duration, b) if number(b) => format!("write a unit: {l} {sign} {r}s, or m, h, d"),
            (a, Type::Duration) if number(a) && left.is_size() => "compare a size with a size, such as 1MiB".to_owned(),
            (a, Type::Duration) if number(a) => format!("write a unit: {l}s {sign} {r}, or m, h, d"),
            (Type::List(_), b) if number(b) => format!("write {l}.size() {sign} {r}"),
            (a, Type::List(_)) if number(a) && op.compares() => format!("write {l} {sign} {r}.size()"),
            (_, Type::Null) | (Type::Null, _) => "it is never null; remove this comparison".to_owned(),
            (Type::Bool, Type::Bool) => "use ==, != or !".to_owned(),
            (Type::Bool, _) | (_, Type::Bool) => "join conditions with && or ||".to_owned(),
            _ => format!("write two values of one kind around {sign}"),
        }
    }
}

fn literal(val: &Val) -> Type {
    match val {
        Val::Null => Type::Null,
        Val::Bool(_) => Type::Bool,
        Val::Int(_) => Type::Int,
        Val::Decimal(_) => Type::Decimal,
        Val::Text(_) => Type::Text,
        Val::Duration(_) => Type::Duration,
        Val::List(_) | Val::Map(_) => Type::Dynamic,
    }
}

/// The type that holds both; `None` if there is none but dynamic.
fn join(a: Type, b: Type) -> Option<Type> {
    match (a, b) {
        (a, b) if a == b => Some(a),
        (Type::Dynamic | Type::Null, _) | (_, Type::Dynamic | Type::Null) => Some(Type::Dynamic),
        (Type::Int | Type::Decimal, Type::Int | Type::Decimal) => Some(Type::Decimal),
        (Type::List(a), Type::List(b)) => Some(Type::List(Box::new(join(*a, *b).unwrap_or(Type::Dynamic)))),
        _ => None,
    }
}

/// The type of `a op b`; `None` if they do not fit.
fn result(op: Op, a: &Type, b: &Type) -> Option<Type> {
    use Type::{Bool, Decimal, Duration, Dynamic, Int, List, Null, Text};
    let number = |t: &Type| matches!(t, Int | Decimal);
    match op {
        Op::Equal | Op::Unequal => equal(a, b).then_some(Bool),
        Op::In => match b {
            List(item) => equal(a, item).then_some(Bool),
            Dynamic => Some(Bool),
            _ => None,
        },
        Op::Less | Op::AtMost | Op::More | Op::AtLeast => {
            let ordered = |t: &Type| number(t) || matches!(t, Text | Duration | Dynamic);
            let fit = a == b || (number(a) && number(b)) || *a == Dynamic || *b == Dynamic;
            (fit && ordered(a) && ordered(b)).then_some(Bool)
        }
        _ => match (op, a, b) {
            (_, Bool | Null, _) | (_, _, Bool | Null) => None,
            (Op::Remainder, Int | Dynamic, Int | Dynamic) => Some(Int),
            (Op::Remainder, ..) => None,
            (_, Dynamic, _) | (_, _, Dynamic) => Some(Dynamic),
            (_, Int, Int) => Some(Int),
            (_, a, b) if number(a) && number(b) => Some(Decimal),
            (Op::Add, Text, Text) => Some(Text),
            (Op::Add, List(a), List(b)) => Some(List(Box::new(join((**a).clone(), (**b).clone()).unwrap_or(Dynamic)))),
            (Op::Add | Op::Subtract, Duration, Duration) => Some(Duration),
            (Op::Multiply | Op::Divide, Duration, b) if number(b) => Some(Duration),
            (Op::Multiply, a, Duration) if number(a) => Some(Duration),
            (Op::Divide, Duration, Duration) => Some(Decimal),
            _ => None,
        },
    }
}

/// Whether two types may be asked for equality.
fn equal(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Dynamic, _) | (_, Type::Dynamic) => true,
        (Type::Int | Type::Decimal, Type::Int | Type::Decimal) => true,
        (Type::List(a), Type::List(b)) => equal(a, b),
        _ => a == b,
    }
}
