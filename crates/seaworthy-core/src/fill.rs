//! `$NAME` and `${NAME}` in a text, by names that are known.
//!
//! This module must not know what the text is for.

/// Replaces every name. `$5` and a lone `$` stay as they are.
///
/// # Errors
/// The first name without a value: a text with a hole in it means something else.
pub fn filled(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, tail)) = rest.split_once('$') {
        out.push_str(before);
        let (name, after) = match tail.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(found) => found,
            None => tail.split_at(tail.find(|c| !of_name(c)).unwrap_or(tail.len())),
        };
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if begins && name.chars().all(of_name) {
            out.push_str(&value(name).ok_or_else(|| format!("${name} has no value here: set it in `env`"))?);
            rest = after;
        } else {
            out.push('$');
            rest = tail;
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_values_and_a_hole_is_refused_by_name() {
        let value = |name: &str| (name == "A").then(|| "one".to_owned());
        for (text, full) in [("$A-${A}x$", "one-onex$"), ("$5 $$A {$A}", "$5 $one {one}"), ("plain", "plain")] {
            assert_eq!(filled(text, &value).as_deref(), Ok(full), "{text}");
        }
        assert!(filled("$B", &value).is_err_and(|why| why.contains("$B")));
    }
}
