//! What names a secret, and where the value of one stands in a text: the one list of import, `exec` and `check`.
//!
//! It guesses, on the careful side: what looks like a secret is one. This module must not know what is done about it.

use std::ops::Range;

/// Whether a name or a line speaks of something that must not be shown.
pub fn speaks_of_secrets(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["password", "passwd", "passphrase", "secret", "token", "apikey"].iter().any(|word| text.contains(word))
}

/// Words of a name that say it too, if they stand alone in it: `MYSQL_PWD`, but not `KEYBOARD`.
const WORDS: [&str; 11] =
    ["pass", "pwd", "pw", "key", "keys", "auth", "authorization", "cred", "creds", "credential", "credentials"];
/// Last words of a name that leads to a secret and holds none.
const ELSEWHERE: [&str; 6] = ["file", "path", "dir", "sock", "socket", "fd"];
/// Last words after which a name of [`WORDS`] is about something else.
const ABOUT: [&str; 9] = ["id", "type", "method", "name", "user", "url", "host", "mode", "size"];
/// Ends in `pass` and is none.
const NO_PASS: [&str; 4] = ["bypass", "compass", "overpass", "trespass"];
/// Shorter values of names that only [`WORDS`] speak of are none: `sort --key=1,1`.
const VALUE_BYTES_MIN: usize = 4;

/// Whether a variable, an option or a header of this name holds a secret.
pub fn names_a_secret(name: &str) -> bool {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .map(str::to_ascii_lowercase)
        .filter(|w| !w.is_empty())
        .collect();
    let Some(last) = words.last().map(String::as_str) else { return false };
    if ELSEWHERE.contains(&last) || matches!(name, "PWD" | "OLDPWD") {
        return false;
    }
    let says =
        |word: &String| WORDS.contains(&word.as_str()) || word.ends_with("pass") && !NO_PASS.contains(&word.as_str());
    speaks_of_secrets(name) || !ABOUT.contains(&last) && words.iter().any(says)
}

/// Where the values of secrets stand in a text, such as a command or a URL; in order, none twice.
pub fn written(text: &str) -> Vec<Range<usize>> {
    let mut found = [logins(text), named(text), tokens(text), given(text)].concat();
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    found.dedup_by(|next, before| next.start < before.end);
    found
}

/// `scheme://user:password@host`, unless the password is a variable.
pub fn password_in_url(text: &str) -> bool {
    !logins(text).is_empty()
}

/// Whether a shell would put something else there.
fn is_literal(value: &str) -> bool {
    !value.is_empty() && !value.starts_with(['$', '`', '<', '*'])
}

/// The value that begins here: in its quotes, or up to what ends a word.
fn value(text: &str, from: usize) -> Range<usize> {
    let rest = &text[from..];
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let start = from + usize::from(quote.is_some());
    let ends = |c: char| match quote {
        Some(quote) => c == quote,
        None => c.is_whitespace() || matches!(c, ';' | '|' | '&' | ')' | '"' | '\'' | '`' | '<' | '>' | ','),
    };
    start..text[start..].find(ends).map_or(text.len(), |end| start + end)
}

/// `scheme://user:password@host`.
fn logins(text: &str) -> Vec<Range<usize>> {
    let of = |(at, mark): (usize, &str)| {
        let start = at + mark.len();
        let rest = &text[start..];
        let authority = rest.find(['/', ' ', '\t', '\n', '"', '\'', '?']).map_or(rest, |end| &rest[..end]);
        let (login, _) = authority.rsplit_once('@')?;
        let (user, password) = login.split_once(':')?;
        is_literal(password).then(|| start + user.len() + 1..start + login.len())
    };
    text.match_indices("://").filter_map(of).collect()
}

/// `NAME=value`, `--name=value`, `--name value`, `Name: value`.
fn named(text: &str) -> Vec<Range<usize>> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut found = Vec::new();
    for (at, mark) in text.match_indices(['=', ':', ' ']) {
        let before = text[..at].trim_end_matches(['"', '\'']);
        let begins =
            before.rfind(|c| !of_name(c)).map_or(0, |end| end + before[end..].chars().next().map_or(1, char::len_utf8));
        let name = &before[begins..];
        let option = name.starts_with("--") && !name.starts_with("--no-");
        if !names_a_secret(name) || mark == " " && !option {
            continue;
        }
        let after = &text[at + 1..];
        let mut from = at + 1 + (after.len() - after.trim_start_matches([' ', '\t']).len());
        if mark == "=" && from > at + 1 || after.starts_with(['=', '/']) && mark != "=" {
            continue;
        }
        // `Authorization: Basic …`: the scheme is none.
        for scheme in ["Basic ", "Bearer ", "Token ", "Digest "] {
            let starts = text.get(from..from + scheme.len()).is_some_and(|word| word.eq_ignore_ascii_case(scheme));
            from += if starts { scheme.len() } else { 0 };
        }
        let range = value(text, from);
        let said = &text[range.clone()];
        let doubtful = !speaks_of_secrets(name) && (said.len() < VALUE_BYTES_MIN || said.starts_with(['/', '.', '~']));
        if is_literal(said) && !doubtful && !(mark == " " && said.starts_with('-')) {
            found.push(range);
        }
    }
    found
}

/// `Bearer …`, wherever it stands.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let small = text.to_ascii_lowercase();
    let ranges = small.match_indices("bearer ").map(|(at, word)| value(text, at + word.len()));
    ranges.filter(|range| is_literal(&text[range.clone()])).collect()
}

/// What tools are known to take: `mysql -pVALUE`, `sshpass -p VALUE`, `curl -u user:VALUE`, `redis-cli -a VALUE`.
fn given(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for part in text.split_inclusive([';', '|', '&', '\n', '(', ')']) {
        found.extend(given_to(text, start..start + part.len()));
        start += part.len();
    }
    found
}

fn given_to(text: &str, part: Range<usize>) -> Vec<Range<usize>> {
    let (mut words, mut from) = (Vec::new(), part.start);
    for word in text[part].split(|c: char| c.is_whitespace()) {
        words.push((from, word));
        // What splits them may be longer than a byte.
        from += word.len();
        from += text[from..].chars().next().map_or(0, char::len_utf8);
    }
    words.retain(|(_, word)| !word.is_empty());
    let is = |tools: &[&str]| {
        words.iter().any(|(_, word)| {
            let base = word.trim_matches(['"', '\'']).rsplit('/').next().unwrap_or_default();
            tools.iter().any(|tool| base.starts_with(tool))
        })
    };
    let (glued, next): (&[&str], &[&str]) = match () {
        () if is(&["mysql", "mariadb"]) => (&["-p"], &[]),
        () if is(&["sshpass"]) => (&["-p"], &["-p"]),
        () if is(&["redis-cli"]) => (&[], &["-a"]),
        () if is(&["curl"]) => (&[], &["-u", "--user"]),
        () => return Vec::new(),
    };
    let mut found = Vec::new();
    for (at, (from, word)) in words.iter().enumerate() {
        if let Some(flag) = glued.iter().find(|flag| word.len() > flag.len() && word.starts_with(**flag)) {
            found.push(value(text, from + flag.len()));
        } else if let Some((from, _)) = words.get(at + 1).filter(|_| next.contains(word)) {
            let range = value(text, *from);
            let user = text[range.clone()].split_once(':').map_or(0, |(user, _)| user.len() + 1);
            if user > 0 || !next.contains(&"-u") {
                found.push(range.start + user..range.end);
            }
        }
    }
    found.retain(|range| is_literal(&text[range.clone()]));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_by_their_words() {
        for name in [
            "MYSQL_PWD",
            "SSHPASS",
            "AUTH",
            "PRIVATE_KEY",
            "DB_PASSWORD",
            "PGPASSWORD",
            "api-key",
            "GITHUB_TOKEN",
            "DB_PASS",
            "Authorization",
            "CLIENT_SECRET",
            "AWS_SECRET_ACCESS_KEY",
            "APIKEY",
            "CREDS",
        ] {
            assert!(names_a_secret(name), "{name}");
        }
        for name in [
            "PATH",
            "KEYBOARD",
            "MONKEY",
            "PWD",
            "OLDPWD",
            "AUTHOR",
            "GIT_AUTHOR_NAME",
            "SSH_AUTH_SOCK",
            "XAUTHORITY",
            "PASSENGER_ENV",
            "BYPASS",
            "KEY_FILE",
            "PASSWORD_FILE",
            "AWS_ACCESS_KEY_ID",
            "CREDITS",
            "",
        ] {
            assert!(!names_a_secret(name), "{name}");
        }
    }

    #[test]
    fn values_are_found_where_they_stand() {
        for text in [
            "DBPASS=hunter2 /opt/x.sh",
            "pg_dump --password=hunter2 orders",
            "curl -H 'Authorization: Bearer hunter2' h",
            "curl https://u:hunter2@h/x",
            "mysql -phunter2 orders",
            "cd /x && /usr/bin/mysqldump -u root -p'hunter2' a",
            "API_TOKEN='hunter2' /opt/x.sh",
            "x --token hunter2",
            "curl 'https://h/x?api_key=hunter2&a=b'",
            "sshpass -p hunter2 ssh h",
            "curl -u ada:hunter2 h",
            "curl -H \"X-Api-Key: hunter2\" h",
            "echo '{\"password\": \"hunter2\"}'",
            "redis-cli -a hunter2 ping",
            "curl -H 'Authorization: Basic hunter2' h",
            "env é DBPASS=hunter2 x",
        ] {
            let found: Vec<&str> = written(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, ["hunter2"], "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_is_left_alone() {
        for text in [
            "PATH=/usr/bin KEYBOARD=german x",
            "sort --key=1,1 a",
            "pg_dump --no-password orders",
            "mysql -p orders",
            "TOKEN=$(cat /run/token) x",
            "DB_PASSWORD=\"$PW\" x",
            "curl -H \"Authorization: Bearer $TOKEN\" h",
            "mkdir -p /backup/orders",
            "curl https://example.com:8080/a@b",
            "ssh -i /etc/ssh/key h",
            "x --key=/etc/ssl/a.pem",
            "gpg --passphrase-fd 0",
            "cp -pr a b",
            "test \"$KEY\" == abcdef",
            "curl -u ada h",
        ] {
            let found: Vec<&str> = written(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, Vec::<&str>::new(), "{text}");
        }
    }
}
