//! Names of drafts: from what a command, a unit or an export calls it, unique and stable.
//!
//! The first of several with one name keeps it; each other gets letters that follow from its own content, so a name
//! depends neither on how many there are nor on their order. This module must not know any tool.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::Draft;

/// Longest name that is given; leaves room for what makes it unique.
const CHARS_MAX: usize = 60;

/// Letters, digits, `-`, `_` and `.`, small, beginning with a letter or digit.
pub fn plain(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
        if name.len() >= CHARS_MAX {
            break;
        }
    }
    let name = name.trim_matches(['-', '_', '.']);
    if name.is_empty() { "process".to_owned() } else { name.to_owned() }
}

/// Programs that say nothing about what is done: what they are given does.
const WRAPPERS: [&str; 23] = [
    "sudo", "env", "nice", "ionice", "chronic", "flock", "timeout", "time", "sh", "bash", "dash", "python", "python3",
    "perl", "php", "ruby", "node", "command", "exec", "runuser", "su", "setsid", "nohup",
];

/// What a command line is about: the name of its first program that is no wrapper, without path and ending.
pub fn of_command(line: &str) -> String {
    let mut parts = line.split(['\n', ';', '&', '|', '(', ')', '`', '{', '}']);
    let program = parts.find_map(program).unwrap_or_default();
    let base = program.rsplit('/').next().unwrap_or_default();
    let stem = base.rsplit_once('.').filter(|(stem, end)| !stem.is_empty() && end.len() <= 4).map_or(base, |(s, _)| s);
    plain(stem)
}

/// The telling program of one simple command; conditions and changes of folder have none.
fn program(part: &str) -> Option<&str> {
    let mut words = part.split([' ', '\t', '"', '\'']).filter(|word| !word.is_empty()).peekable();
    if words.peek().is_some_and(|first| matches!(*first, "test" | "[" | "[[" | "cd" | "set" | "export" | "!")) {
        return None;
    }
    while let Some(word) = words.next() {
        let base = word.rsplit('/').next().unwrap_or(word);
        if matches!(word, "-u" | "-n" | "-g") {
            words.next();
        } else if !word.starts_with(['-', '<', '>'])
            && !word.contains('=')
            && base.contains(|c: char| c.is_ascii_alphabetic())
            && !WRAPPERS.contains(&base)
        {
            return Some(word);
        }
    }
    None
}

/// Makes the names of these drafts unique.
pub fn unique(drafts: &mut [Draft]) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for draft in drafts {
        let wish = plain(&draft.name);
        let mut name = wish.clone();
        let mut salt = 0_u32;
        while !taken.insert(name.clone()) {
            name = format!("{wish}-{}", letters(draft, salt));
            salt += 1;
        }
        draft.name = name;
    }
}

/// Four letters and digits that follow from what the draft does and when, not from where it stands.
fn letters(draft: &Draft, salt: u32) -> String {
    let content =
        format!("{:?} {:?} {:?} {:?} {:?} {salt}", draft.schedule, draft.steps, draft.env, draft.verify, draft.about);
    seaworthy_model::process::hex(&Sha256::digest(content.as_bytes())[..2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_done() {
        for (line, name) in [
            ("/usr/local/bin/backup.sh --full", "backup"),
            ("cd / && run-parts --report /etc/cron.hourly", "run-parts"),
            ("test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }", "run-parts"),
            ("PGUSER=x sudo -u postgres pg_dump orders > /backup/orders", "pg_dump"),
            ("[ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean", "sessionclean"),
            ("$HOME/bin/daily.job >> $HOME/tmp/out 2>&1", "daily"),
            ("", "process"),
        ] {
            assert_eq!(of_command(line), name, "{line}");
        }
    }

    #[test]
    fn names_are_unique_and_do_not_depend_on_their_neighbours() {
        let of = |scripts: &[&str]| {
            let mut drafts: Vec<Draft> = scripts
                .iter()
                .map(|script| Draft { name: "Back up!".into(), about: Some((*script).into()), ..Draft::default() })
                .collect();
            unique(&mut drafts);
            drafts.into_iter().map(|draft| draft.name).collect::<Vec<_>>()
        };
        let (three, two) = (of(&["a", "b", "c"]), of(&["a", "c"]));
        assert_eq!(three[0], "back-up");
        assert_ne!(three[1], three[2]);
        assert_eq!(three[2], two[1]);
        assert_eq!(of(&["a", "a", "a"]).into_iter().collect::<BTreeSet<_>>().len(), 3);
    }
}
