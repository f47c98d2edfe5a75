//! Tokens to a tree. Goes on behind the next `&&`, `||` or bracket after a mistake.
//!
//! This module must not know which names exist nor the types.

use super::{
    NESTING_MAX, Problem,
    lex::{Placed, Token, lex},
    tree::{Kind, Node, Op},
    unit,
    val::Val,
};

/// The tree, with `Kind::Wrong` where a problem was reported.
pub(super) fn parse(source: &str) -> (Node, Vec<Problem>) {
    let mut problems = Vec::new();
    let tokens = lex(source, &mut problems);
    let mut parser = Parser { source, tokens, next: 0, open: 0, macros: 0, deep: None, problems };
    let tree = parser.choice();
    parser.end();
    match parser.deep {
        None => (tree, parser.problems),
        Some(deep) => (Node::new(Kind::Wrong, 0, source.len()), vec![deep]),
    }
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: Vec<Placed>,
    pub(super) next: usize,
    /// Conditions open around this one.
    open: usize,
    /// Macros open around this one.
    pub(super) macros: usize,
    /// Set once the nesting limit is reached.
    deep: Option<Problem>,
    problems: Vec<Problem>,
}

impl Parser<'_> {
    pub(super) fn token(&self) -> &Token {
        &self.tokens[self.next].token
    }

    pub(super) fn at(&self) -> usize {
        self.tokens[self.next].at
    }

    /// Where the token before ends.
    pub(super) fn end_before(&self) -> usize {
        self.next.checked_sub(1).map_or(0, |before| self.tokens[before].end)
    }

    /// Goes on to the next token; stays at the end.
    pub(super) fn step(&mut self) {
        self.next = (self.next + 1).min(self.tokens.len() - 1);
    }

    pub(super) fn sees(&self, sign: &str) -> bool {
        matches!(self.token(), Token::Sign(seen) if *seen == sign)
    }

    pub(super) fn take(&mut self, sign: &str) -> bool {
        let seen = self.sees(sign);
        if seen {
            self.step();
        }
        seen
    }

    /// Of several problems at one place the first is the fitting one.
    pub(super) fn report(&mut self, at: usize, len: usize, message: impl Into<String>, help: impl Into<String>) {
        if self.problems.iter().all(|known| known.at != at) {
            self.problems.push(Problem { at, len, message: message.into(), help: help.into() });
        }
    }

    /// Reports at the present token.
    pub(super) fn report_here(&mut self, message: impl Into<String>, help: impl Into<String>) {
        let (at, end) = (self.at(), self.tokens[self.next].end);
        self.report(at, end - at, message, help);
    }

    pub(super) fn node(&mut self, kind: Kind, at: usize) -> Node {
        let node = Node::new(kind, at, self.end_before().max(at));
        if node.depth <= NESTING_MAX { node } else { self.too_deep(at) }
    }

    pub(super) fn wrong(&self, at: usize) -> Node {
        Node::new(Kind::Wrong, at, self.end_before().max(at))
    }

    /// Gives up: everything that follows is skipped, and nothing else is worth saying.
    fn too_deep(&mut self, at: usize) -> Node {
        let message = format!("this is nested deeper than {NESTING_MAX}");
        let help = "split it into several checks".to_owned();
        self.deep = self.deep.take().or(Some(Problem { at, len: 0, message, help }));
        self.next = self.tokens.len() - 1;
        self.wrong(at)
    }

    /// Skips to a place where a new part may begin, over brackets that open before it.
    pub(super) fn skip(&mut self) {
        let mut open = 0usize;
        loop {
            match self.token() {
                Token::End => return,
                Token::Sign("(" | "[") => open += 1,
                Token::Sign(")" | "]") if open > 0 => open -= 1,
                Token::Sign("&&" | "||" | ")" | "]" | "," | "?" | ":") if open == 0 => return,
                _ => {}
            }
            self.step();
        }
    }

    /// After the whole condition: anything left is too much.
    fn end(&mut self) {
        let help = "join two conditions with && or ||";
        match self.token().clone() {
            Token::End | Token::Wrong => {}
            // What follows something unreadable is most likely part of it.
            _ if matches!(self.before(), Some(Token::Wrong)) => {}
            Token::Sign(")") => self.report_here("no `(` belongs to this `)`", "remove it, or write ( before"),
            Token::Sign("]") => self.report_here("no `[` belongs to this `]`", "remove it, or write [ before"),
            Token::Word(word) if unit::is_unit(&word) && self.after_number() => self.report_split_unit(&word),
            _ => self.report_here("the condition ends before this", help),
        }
    }

    pub(super) fn after_number(&self) -> bool {
        matches!(self.before(), Some(Token::Int(_) | Token::Decimal(_)))
    }

    fn before(&self) -> Option<&Token> {
        self.next.checked_sub(1).map(|before| &self.tokens[before].token)
    }

    /// Behind a `%`: whether it was meant as per cent.
    fn is_share(&self) -> bool {
        match self.token() {
            Token::End | Token::Sign(")" | "&&" | "||") => true,
            Token::Word(word) => word == "of",
            _ => false,
        }
    }

    /// Reports `20%` and goes on behind `of VALUE`.
    fn report_share(&mut self, left: &Node, sign: usize) {
        let factor = match &left.kind {
            Kind::Literal(val) => val.number().map(|share| unit::show_number(share / 100.0)),
            _ => None,
        };
        let help = format!("write a share as a factor, such as {} * usual.size", factor.as_deref().unwrap_or("0.2"));
        self.report(sign, 1, "`%` is the remainder of a division and needs a number behind it", help);
        if matches!(self.token(), Token::Word(_)) {
            self.step();
            self.unary();
        }
    }

    pub(super) fn report_split_unit(&mut self, word: &str) {
        let before = &self.tokens[self.next - 1];
        let (at, number) = (before.at, self.source[before.at..before.end].to_owned());
        let end = self.tokens[self.next].end;
        self.report(at, end - at, "a unit stands directly behind its number", format!("write {number}{word}"));
    }

    /// `condition ? yes : no`, the loosest of all.
    pub(super) fn choice(&mut self) -> Node {
        let at = self.at();
        if self.open >= NESTING_MAX {
            return self.too_deep(at);
        }
        self.open += 1;
        let first = self.or();
        let node = if self.sees("?") {
            let question = self.at();
            self.step();
            let yes = self.or();
            let no = if self.take(":") {
                self.choice()
            } else {
                self.report(question, 1, "`?` without its `:`", "write condition ? this : that");
                self.wrong(question)
            };
            self.node(Kind::Choice(Box::new([first, yes, no])), at)
        } else {
            first
        };
        self.open -= 1;
        node
    }

    fn or(&mut self) -> Node {
        self.joined(
            "||",
            &["or", "OR", "Or"],
            |parser| parser.joined("&&", &["and", "AND", "And"], |parser| parser.binary(3), Kind::And),
            Kind::Or,
        )
    }

    fn joined(
        &mut self,
        sign: &'static str,
        words: &[&str],
        mut part: impl FnMut(&mut Self) -> Node,
        join: fn(Vec<Node>) -> Kind,
    ) -> Node {
        let at = self.at();
        let mut parts = vec![part(self)];
        loop {
            let word = match self.token() {
                Token::Word(word) if words.contains(&word.as_str()) => Some(word.clone()),
                _ => None,
            };
            match word {
                Some(word) => self.report_here(format!("`{word}` is not an operator here"), format!("write {sign}")),
                None if self.sees(sign) => {}
                None => break,
            }
            self.step();
            parts.push(part(self));
        }
        match parts.len() {
            1 => parts.swap_remove(0),
            _ => self.node(join(parts), at),
        }
    }

    fn operator(&self) -> Option<(Op, u8)> {
        match self.token() {
            Token::Sign(sign) => Op::of(sign),
            Token::Word(word) if word == "in" => Op::of("in"),
            _ => None,
        }
    }

    /// Operators that bind at least as tightly as `level`; all of them group to the left.
    fn binary(&mut self, level: u8) -> Node {
        let at = self.at();
        let mut left = self.unary();
        while let Some((op, tight)) = self.operator()
            && tight >= level
        {
            let sign = self.at();
            self.step();
            if op == Op::Remainder && self.is_share() {
                self.report_share(&left, sign);
                continue;
            }
            let right = self.binary(tight + 1);
            left = self.node(Kind::Binary(op, Box::new([left, right])), at);
        }
        left
    }

    fn unary(&mut self) -> Node {
        let at = self.at();
        let negate = self.sees("-");
        let word_not = self.sees_word_not();
        if !(word_not || negate || self.sees("!")) {
            return self.postfix();
        }
        if word_not {
            self.report_here("`not` is not an operator here", "write !(condition)");
        }
        self.step();
        if negate && *self.token() == Token::Int(1 << 63) {
            self.step();
            return self.node(Kind::Literal(Val::Int(i64::MIN)), at);
        }
        if self.open >= NESTING_MAX {
            return self.too_deep(at);
        }
        self.open += 1;
        // Where `not` is a word it binds loosely, and that is what was meant.
        let inner = Box::new(if word_not { self.binary(3) } else { self.unary() });
        self.open -= 1;
        self.node(if negate { Kind::Minus(inner) } else { Kind::Not(inner) }, at)
    }

    /// `not` as other languages have it, not as a name.
    fn sees_word_not(&self) -> bool {
        let behind = &self.tokens[(self.next + 1).min(self.tokens.len() - 1)].token;
        let starts = !matches!(behind, Token::Sign(sign) if !matches!(*sign, "(" | "!" | "-"));
        matches!(self.token(), Token::Word(word) if word == "not" || word == "NOT") && starts && *behind != Token::End
    }
}
