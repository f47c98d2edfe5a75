//! A rough reading of a shell script: which variables it uses, and in which command.
//!
//! Good for advice, not for decisions of safety: quoting and the borders of commands are followed, nothing is expanded.
//! This module must not know processes or files.

/// A use of a variable that the shell would replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    pub name: String,
    /// Byte offset of the `$`, and bytes up to the end of the name (or of its brace).
    pub at: usize,
    pub len: usize,
    /// It becomes part of an argument of `command`: neither an assignment in front of it nor a redirection.
    pub argument: bool,
    /// The first word of the simple command that it stands in; empty if only assignments came before it.
    pub command: String,
}

/// All uses, in order.
pub fn uses(script: &str) -> Vec<Use> {
    let mut reader = Reader { script, at: 0, command: None, word: 0, redirect: false, quoted: None, found: Vec::new() };
    while let Some(c) = reader.peek() {
        reader.step(c);
    }
    reader.found
}

struct Reader<'s> {
    script: &'s str,
    at: usize,
    /// First word of the simple command, once it is complete.
    command: Option<String>,
    /// Where the present word began.
    word: usize,
    redirect: bool,
    quoted: Option<char>,
    found: Vec<Use>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.script[self.at..].chars().next()
    }

    fn step(&mut self, c: char) {
        let next = self.at + c.len_utf8();
        match (self.quoted, c) {
            (Some('\''), '\'') | (Some('"'), '"') => self.quoted = None,
            (Some('\''), _) => {}
            (_, '\\') => {
                let escaped = self.script[next..].chars().next().map_or(0, char::len_utf8);
                self.at = next + escaped;
                return;
            }
            (_, '$') if self.variable() => return,
            (Some(_), _) => {}
            (None, '\'' | '"') => self.quoted = Some(c),
            (None, '#') if self.at == self.word => {
                self.at += self.script[self.at..].find('\n').unwrap_or(self.script.len() - self.at);
                return;
            }
            (None, '<' | '>') => {
                self.redirect = true;
                if c == '<' && self.here_document() {
                    return;
                }
                self.word = next;
            }
            (None, ' ' | '\t') => self.end_word(next),
            (None, ';' | '&' | '|' | '\n' | '(' | ')' | '`') => {
                (self.command, self.redirect, self.word) = (None, false, next);
            }
            _ => {}
        }
        self.at = next;
    }

    fn end_word(&mut self, next: usize) {
        let word = &self.script[self.word..self.at];
        let keyword =
            matches!(word, "if" | "then" | "else" | "elif" | "while" | "until" | "do" | "!" | "{" | "exec" | "time");
        if !word.is_empty() {
            if !self.redirect && self.command.is_none() && !assignment(word) && !keyword {
                self.command = Some(word.trim_matches(['"', '\'']).to_owned());
            }
            self.redirect = false;
        }
        self.word = next;
    }

    /// Reads `$NAME` or `${NAME…`; false if no name follows.
    fn variable(&mut self) -> bool {
        let rest = &self.script[self.at + 1..];
        let (brace, name) = match rest.strip_prefix('{') {
            Some(inner) => (1, inner),
            None => (0, rest),
        };
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        let name = &name[..end];
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return false;
        }
        let in_front = self.command.is_none() && assignment(&self.script[self.word..self.at]);
        let closed = usize::from(brace == 1 && rest[1 + end..].starts_with('}'));
        let len = 1 + brace + end + closed;
        self.found.push(Use {
            name: name.to_owned(),
            at: self.at,
            len,
            argument: !in_front && !self.redirect,
            command: self.command.clone().unwrap_or_default(),
        });
        self.at += len;
        true
    }

    /// Skips the text of `<<WORD`; a quoted word too.
    fn here_document(&mut self) -> bool {
        let Some(rest) = self.script[self.at..].strip_prefix("<<").filter(|rest| !rest.starts_with('<')) else {
            return false;
        };
        let rest = rest.trim_start_matches(['-', ' ']);
        let word: String = rest.chars().take_while(|c| !c.is_whitespace() && !";|&)<>".contains(*c)).collect();
        let word = word.trim_matches(['"', '\'']);
        let Some(body) = self.script[self.at..].find('\n').map(|n| self.at + n) else { return false };
        let mut at = body + 1;
        for line in self.script[at..].split_inclusive('\n') {
            at += line.len();
            if line.trim() == word {
                break;
            }
        }
        (self.at, self.word, self.command, self.redirect) = (at, at, None, false);
        true
    }
}

fn assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_an_argument_or_not() {
        for (script, seen) in [
            (r#"curl -u "me:$PASS" host"#, vec![("PASS", true, "curl")]),
            (r#"PGPASSWORD="$PASS" psql"#, vec![("PASS", false, "")]),
            ("docker run -e X=$PASS image", vec![("PASS", true, "docker")]),
            (r#"psql < "$ARTIFACT""#, vec![("ARTIFACT", false, "psql")]),
            ("echo '$PASS' ; rm ${DIR}/x", vec![("DIR", true, "rm")]),
            ("cat <<END\n$PASS\nEND\nls $A", vec![("A", true, "ls")]),
            ("# $PASS\n$RUN", vec![("RUN", true, "")]),
            (r"echo \$PASS $1 $", vec![]),
            (r#"x=$(sha256sum "$ARTIFACT")"#, vec![("ARTIFACT", true, "sha256sum")]),
        ] {
            let found = uses(script);
            let found: Vec<_> = found.iter().map(|u| (u.name.as_str(), u.argument, u.command.as_str())).collect();
            assert_eq!(found, seen, "{script}");
        }
    }
}
