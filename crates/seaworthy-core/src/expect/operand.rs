//! Operands: literals, names, brackets, fields, calls and macros.
//!
//! This module must not know operators nor the types.

use std::sync::Arc;

use regex_lite::RegexBuilder;

use super::{
    MACROS_NESTED_MAX, PATTERN_BYTES_MAX,
    lex::Token,
    parse::Parser,
    tree::{Call, Kind, Macro, Node, Verb},
    unit,
    val::Val,
};

/// Words of CEL that cannot be names (language definition, "Syntax"), and ours.
const RESERVED: [&str; 23] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "usual",
    "has",
];

impl Parser<'_> {
    /// `.field`, `.method(…)` and `[index]` behind an operand.
    pub(super) fn postfix(&mut self) -> Node {
        let at = self.at();
        let mut node = self.operand();
        loop {
            if self.sees("[") {
                let open = self.at();
                self.step();
                let index = self.choice();
                self.close(open, "[", "]");
                node = self.node(Kind::Index(Box::new([node, index])), at);
            } else if self.take(".") {
                let name_at = self.at();
                let Token::Word(name) = self.token().clone() else {
                    self.report_here("a name is missing after `.`", "write a field or a method, such as .size()");
                    self.skip();
                    return self.wrong(at);
                };
                self.step();
                node = self.member(node, name, name_at, at);
            } else {
                return node;
            }
        }
    }

    fn member(&mut self, node: Node, name: String, name_at: usize, at: usize) -> Node {
        if !self.sees("(") {
            let usual = matches!(&node.kind, Kind::Name(name) if name == "usual");
            let kind = if usual { Kind::Usual(name) } else { Kind::Field(Box::new(node), name) };
            return self.node(kind, at);
        }
        if let Some(verb) = Verb::of(&name) {
            return self.macro_call(node, verb, &name, name_at, at);
        }
        let args = self.arguments();
        self.call(name, name_at, Some(Box::new(node)), args, at)
    }

    /// `(a, b)`, at its `(`.
    fn arguments(&mut self) -> Vec<Node> {
        let open = self.at();
        self.step();
        self.items(open, "(", ")")
    }

    /// Items up to the closing bracket; its opening one was at `open`.
    fn items(&mut self, open: usize, opening: &str, closing: &str) -> Vec<Node> {
        let mut items = Vec::new();
        if self.take(closing) {
            return items;
        }
        loop {
            items.push(self.choice());
            if !self.take(",") || (closing == "]" && self.sees("]")) {
                break;
            }
        }
        self.close(open, opening, closing);
        items
    }

    /// Takes the closing bracket, or reports what stands there instead.
    fn close(&mut self, open: usize, opening: &str, closing: &str) {
        if self.take(closing) {
            return;
        }
        match self.token().clone() {
            // Reported where it was found.
            Token::Wrong => {}
            Token::End => {
                self.report(open, 1, format!("this `{opening}` is not closed"), format!("write {closing} at its end"));
            }
            Token::Word(word) if unit::is_unit(&word) && self.after_number() => self.report_split_unit(&word),
            _ => self
                .report_here(format!("`{closing}` or an operator is missing here"), format!("write {closing} before")),
        }
        self.skip();
        self.take(closing);
    }

    fn call(&mut self, name: String, name_at: usize, receiver: Option<Box<Node>>, args: Vec<Node>, at: usize) -> Node {
        let mut pattern = None;
        if name == "matches"
            && let Some(Node { kind: Kind::Literal(Val::Text(text)), at, end, .. }) = args.last()
        {
            let (at, len, text) = (*at, end - at, Arc::clone(text));
            match RegexBuilder::new(&text).size_limit(PATTERN_BYTES_MAX).build() {
                Ok(built) => pattern = Some(built),
                Err(error) => {
                    let help = "write a simpler one; backslashes need r\"…\" or \\\\";
                    self.report(at, len, format!("this is not a regular expression: {error}"), help);
                    return self.wrong(at);
                }
            }
        }
        self.node(Kind::Call(Call { name, name_at, receiver, args, pattern }), at)
    }

    fn macro_call(&mut self, over: Node, verb: Verb, word: &str, word_at: usize, at: usize) -> Node {
        let open = self.at();
        self.step();
        let var = match (self.token().clone(), &self.tokens[(self.next + 1).min(self.tokens.len() - 1)].token) {
            (Token::Word(var), Token::Sign(",")) if !RESERVED.contains(&var.as_str()) => var,
            _ => {
                let help = format!("write .{word}(x, condition on x)");
                self.report_here(format!("`{word}` needs a name for each item first"), help);
                self.skip();
                self.close(open, "(", ")");
                return self.wrong(at);
            }
        };
        self.step();
        self.step();
        if self.macros >= MACROS_NESTED_MAX {
            let help = "filter first, or split it into several checks";
            let message = format!("more than {MACROS_NESTED_MAX} macros inside one another");
            self.report(word_at, word.len(), message, help);
        }
        self.macros += 1;
        let mut parts = self.items(open, "(", ")");
        self.macros -= 1;
        let body = parts.pop();
        let guard = parts.pop();
        match body {
            Some(body) if parts.is_empty() && (guard.is_none() || verb == Verb::Map) => {
                self.node(Kind::Macro(Box::new(Macro { verb, over, var, guard, body })), at)
            }
            _ => {
                let help = format!("write .{word}({var}, condition on {var})");
                self.report(word_at, word.len(), format!("`{word}` takes a name and one condition"), help);
                self.wrong(at)
            }
        }
    }

    fn operand(&mut self) -> Node {
        let at = self.at();
        let token = self.token().clone();
        let kind = match token {
            Token::Int(n) => match i64::try_from(n) {
                Ok(n) => Kind::Literal(Val::Int(n)),
                Err(_) => {
                    self.report_here(
                        "this number does not fit into 64 bits",
                        "write it as decimal, with .0 at its end",
                    );
                    Kind::Wrong
                }
            },
            Token::Decimal(n) => Kind::Literal(Val::Decimal(n)),
            Token::Bytes(n) => Kind::Bytes(n),
            Token::Time(n) => Kind::Literal(Val::Duration(n)),
            Token::Text(text) => Kind::Literal(Val::text(&text)),
            Token::Wrong => Kind::Wrong,
            Token::Word(word) => return self.word(word, at),
            Token::Sign("(") => {
                self.step();
                let inner = self.choice();
                self.close(at, "(", ")");
                // The parentheses belong to the place, not to the tree.
                return Node { at, end: self.end_before(), ..inner };
            }
            Token::Sign("[") => {
                self.step();
                let items = self.items(at, "[", "]");
                return self.node(Kind::List(items), at);
            }
            Token::End if self.tokens.len() == 1 => {
                self.report_here("the condition is empty", "write one, such as size > 1MiB or exit == 0");
                return self.wrong(at);
            }
            Token::End => {
                self.report_here("something is missing at the end", "write a name or a value, or remove the operator");
                return self.wrong(at);
            }
            Token::Sign(sign) => {
                self.report_here(format!("a name or a value is missing before `{sign}`"), "write one here");
                self.skip();
                return self.wrong(at);
            }
        };
        self.step();
        self.node(kind, at)
    }

    fn word(&mut self, word: String, at: usize) -> Node {
        self.step();
        let kind = match word.as_str() {
            "true" | "false" => Kind::Literal(Val::Bool(word == "true")),
            "null" => Kind::Literal(Val::Null),
            "has" if self.sees("(") => {
                let mut args = self.arguments();
                match (args.pop(), args.is_empty()) {
                    (Some(Node { kind: Kind::Field(from, field), .. }), true) => Kind::Has(from, field),
                    (Some(Node { kind: Kind::Wrong, .. }), _) => Kind::Wrong,
                    _ => {
                        let help = "write has(json(stdout).field)";
                        self.report(at, 3, "`has` asks whether a map has a field", help);
                        Kind::Wrong
                    }
                }
            }
            _ if self.sees("(") => {
                let args = self.arguments();
                return self.call(word, at, None, args, at);
            }
            "True" | "TRUE" | "False" | "FALSE" | "NULL" | "None" | "nil" => {
                let right = match word.to_lowercase().as_str() {
                    "none" | "nil" => "null".to_owned(),
                    lower => lower.to_owned(),
                };
                self.report(at, word.len(), format!("`{word}` is not known"), format!("write {right}"));
                Kind::Wrong
            }
            _ => Kind::Name(word),
        };
        self.node(kind, at)
    }
}
