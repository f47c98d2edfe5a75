//! Source text to tokens. Goes on after a mistake, so that several are reported at once.
//!
//! This module must not know the grammar.

use super::{
    Problem, text,
    unit::{self, Quantity},
};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// At most 2^63, which is only right after a minus.
    Int(u64),
    Decimal(f64),
    Bytes(i64),
    Time(i64),
    Text(String),
    Word(String),
    Sign(&'static str),
    /// Already reported.
    Wrong,
    End,
}

/// A token with its place: bytes `at..end` of the source.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub token: Token,
    pub at: usize,
    pub end: usize,
}

/// Longest first.
const SIGNS: [&str; 22] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")", "[", "]", ",", ".",
];

/// What people write for a sign of ours. Longest first; `=>` and `=<` before `=`.
const INSTEAD: [(&str, &str); 9] = [
    ("===", "=="),
    ("!==", "!="),
    ("<>", "!="),
    ("=>", ">="),
    ("=<", "<="),
    ("≥", ">="),
    ("≤", "<="),
    ("≠", "!="),
    ("=", "=="),
];

/// All tokens; the last one is `End`.
pub(super) fn lex(source: &str, problems: &mut Vec<Problem>) -> Vec<Placed> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, len) = next(source, at, first, problems);
        tokens.push(Placed { token, at, end: at + len });
        at += len;
    }
    tokens.push(Placed { token: Token::End, at: source.len(), end: source.len() });
    tokens
}

fn next(source: &str, at: usize, first: char, problems: &mut Vec<Problem>) -> (Token, usize) {
    let rest = &source[at..];
    let raw = rest.starts_with(['r', 'R']) && rest[1..].starts_with(['"', '\'']);
    if raw || first == '"' || first == '\'' {
        let (text, len) = text::read(source, at, raw, problems);
        return (text.map_or(Token::Wrong, Token::Text), len);
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        return (Token::Word(rest[..len].to_owned()), len);
    }
    if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
        return number(source, at, problems);
    }
    let mut report = |len: usize, message: String, help: String| problems.push(Problem { at, len, message, help });
    let known = SIGNS.iter().find(|sign| rest.starts_with(**sign)).copied().unwrap_or_default();
    let instead = INSTEAD.iter().find(|(wrong, _)| rest.starts_with(wrong) && wrong.len() > known.len());
    if let Some((wrong, right)) = instead {
        report(wrong.len(), format!("`{wrong}` is not an operator here"), format!("write {right}"));
        return (Token::Sign(right), wrong.len());
    }
    if !known.is_empty() {
        return (Token::Sign(known), known.len());
    }
    match first {
        '&' => report(1, "`&` is not an operator here".into(), "write && for `and`".into()),
        '|' => report(1, "`|` is not an operator here".into(), "write || for `or`".into()),
        '“' | '”' | '„' | '‘' | '’' => {
            let help = "write straight quotes: \"…\"".to_owned();
            report(first.len_utf8(), format!("`{first}` is a printer's quotation mark"), help);
        }
        '$' => report(1, "`$` has no meaning here".into(), "write the name alone, such as size".into()),
        '{' | '}' => {
            report(1, "maps in braces are not part of this language".into(), "compare fields one by one".into())
        }
        _ => report(first.len_utf8(), format!("`{}` has no meaning here", first.escape_debug()), "remove it".into()),
    }
    match first {
        '&' => (Token::Sign("&&"), 1),
        '|' => (Token::Sign("||"), 1),
        _ => (Token::Wrong, first.len_utf8()),
    }
}

/// A number, with its unit if letters follow without a space.
fn number(source: &str, at: usize, problems: &mut Vec<Problem>) -> (Token, usize) {
    let rest = &source[at..];
    let bytes = rest.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut wrong = |len: usize, message: String, help: String| {
        problems.push(Problem { at, len, message, help });
        (Token::Wrong, len)
    };
    if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let len = 2 + hex.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(hex.len());
        return match u64::from_str_radix(&rest[2..len], 16) {
            Ok(n) => (Token::Int(n), len),
            Err(_) => wrong(len, format!("`{}` is not a number", &rest[..len]), "write digits and a to f".into()),
        };
    }
    let mut len = digits(0);
    if bytes.get(len) == Some(&b'.') && digits(len + 1) > 0 {
        len += 1 + digits(len + 1);
    }
    if matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        if bytes.len() > len + 1 + sign && digits(len + 1 + sign) > 0 {
            len += 1 + sign + digits(len + 1 + sign);
        }
    }
    let all = rest[len..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(rest.len(), |more| len + more);
    if all > len {
        // `1h30.5s`: a decimal point inside belongs to it, a method call does not.
        let all = all + rest[all..].strip_prefix('.').map_or(0, unit_tail);
        return match unit::read(&rest[..all]) {
            Ok(Quantity::Bytes(n)) => (Token::Bytes(n), all),
            Ok(Quantity::Nanoseconds(n)) => (Token::Time(n), all),
            Err((message, help)) => wrong(all, message, help),
        };
    }
    let word = &rest[..len];
    if word.contains(['.', 'e', 'E']) {
        return match word.parse::<f64>() {
            Ok(n) if n.is_finite() => (Token::Decimal(n), len),
            _ => wrong(len, format!("`{word}` is out of range"), "write a number below 1e308".into()),
        };
    }
    match word.parse::<u64>() {
        Ok(n) => (Token::Int(n), len),
        Err(_) => wrong(len, format!("`{word}` does not fit into 64 bits"), format!("write it as decimal: {word}.0")),
    }
}

/// Bytes of `.5s` after a first part such as `1h30`.
fn unit_tail(tail: &str) -> usize {
    let len = tail.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tail.len());
    if tail.starts_with(|c: char| c.is_ascii_digit()) { 1 + len } else { 0 }
}
