//! The nearest known word to a mistyped one.
//!
//! This module must not know what the words mean.

/// Longest word that is compared; a longer one is no typing mistake.
const WORD_CHARS_MAX: usize = 40;

/// The known word that `word` was probably meant to be: at most a third of its letters differ.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let letters: Vec<char> = word.to_lowercase().replace('-', "_").chars().collect();
    if letters.len() > WORD_CHARS_MAX {
        return None;
    }
    let allowed = (letters.len().max(3) / 3).max(1);
    let near = |k: &'k str| {
        let other: Vec<char> = k.to_lowercase().replace('-', "_").chars().take(WORD_CHARS_MAX + 1).collect();
        (distance(&letters, &other), k)
    };
    let good = |d: usize| d <= allowed && d < letters.len();
    known.into_iter().map(near).filter(|(d, _)| good(*d)).min_by_key(|(d, _)| *d).map(|(_, k)| k)
}

/// "write `x`" when a near word is known, else the list of all of them.
pub fn advice(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("write `{near}`"),
        None if known.is_empty() => String::new(),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// Changes of one letter (put in, left out, replaced, two swapped) between two words: optimal string alignment.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_finds_the_meant_one() {
        let known = ["timeout", "needs", "makes", "effect", "finish_within"];
        for (word, meant) in [
            ("tiemout", Some("timeout")),
            ("time_out", Some("timeout")),
            ("finish-within", Some("finish_within")),
            ("Needs", Some("needs")),
            ("colour", None),
            ("D", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
