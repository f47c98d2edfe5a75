//! Names that people sign in with, and how long a password must be.
//!
//! Names are letters that cannot draw, hide or pass for others: ASCII. Two that look alike are one.

/// Longest name in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// Shortest and longest password in characters (ASVS 6.2.1 asks for 8 at least and 64 to be taken).
pub const PASSWORD_CHARS_MIN: usize = 12;
pub const PASSWORD_CHARS_MAX: usize = 128;

/// A name that may be taken, without the blanks around it.
///
/// # Errors
/// A sentence that says what a name is.
pub fn name(text: &str) -> Result<String, String> {
    let name = text.trim_matches(' ');
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_@+".contains(c);
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if begins && name.len() <= NAME_CHARS_MAX && name.chars().all(fits) {
        return Ok(name.to_owned());
    }
    Err(format!(
        "a name begins with a letter or digit and has at most {NAME_CHARS_MAX} of a-z, A-Z, 0-9 and . - _ @ +, such as ada or ada@example.com"
    ))
}

/// What tells two names apart: not their case, and not letters that are read for each other.
pub fn key(name: &str) -> String {
    let lower = name.trim_matches(' ').to_ascii_lowercase();
    let same: String = lower
        .chars()
        .map(|c| {
            if matches!(c, '1' | 'i') {
                'l'
            } else if c == '0' {
                'o'
            } else {
                c
            }
        })
        .collect();
    same.replace("rn", "m").replace("vv", "w")
}

/// Whether a password has a length that is taken. What is easily guessed is another question.
///
/// # Errors
/// A sentence that says what is wanted.
pub fn password(text: &str) -> Result<(), String> {
    match text.chars().count() {
        n if n < PASSWORD_CHARS_MIN => Err(format!(
            "a password has at least {PASSWORD_CHARS_MIN} characters; four words that do not belong together do well"
        )),
        n if n > PASSWORD_CHARS_MAX => Err(format!("a password has at most {PASSWORD_CHARS_MAX} characters")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_draw_hide_or_pass_for_others_are_refused() {
        for good in ["ada", "ada@example.com", "  ada ", "4ad.a-b_c+d", &"a".repeat(64)] {
            assert!(name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in
            ["", " ", "<b>ada</b>", "ada\n", "ada\u{202e}", "аda", "ada\u{0}", ".ada", "ada lovelace", "\tada", &long]
        {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_that_look_alike_are_one() {
        for (one, other) in
            [("Ada", "ada"), ("bill", "bi1l"), ("bob", "b0b"), ("IAN", "lan"), ("arnie", "amle"), ("vvendy", "wendy")]
        {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        assert_ne!(key("ada"), key("grace"));
    }

    #[test]
    fn a_password_is_long_enough_and_may_be_long() {
        assert!(password("eleven char").is_err());
        assert!(password("twelve chars").is_ok());
        assert!(password("ünïcödeünïcö").is_ok(), "characters, not bytes");
        assert!(password(&"x".repeat(128)).is_ok());
        assert!(password(&"x".repeat(129)).is_err());
    }
}
