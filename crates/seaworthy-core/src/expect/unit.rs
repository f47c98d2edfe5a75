//! Sizes and lengths of time as people write and read them.
//!
//! This module must not know the language.

use seaworthy_model::time::Span;

/// Powers of 1024 (IEC 80000-13) and of 1000 (SI).
const SIZES: [(&str, i64); 10] = [
    ("B", 1),
    ("KB", 1_000),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

const TIMES: [&str; 8] = ["ns", "us", "ms", "s", "m", "h", "d", "w"];

/// Units that people write instead of ours.
const INSTEAD: [(&str, &str); 19] = [
    ("k", "KiB"),
    ("mb", "MB"),
    ("M", "MiB"),
    ("g", "GiB"),
    ("t", "TiB"),
    ("byte", "B"),
    ("bytes", "B"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
];

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    Bytes(i64),
    Nanoseconds(i64),
}

/// Reads a number with a unit, without a space: `10KiB`, `1.5GB`, `1h30m`. A size is rounded to whole bytes.
///
/// # Errors
/// What is wrong and what to write instead.
pub(super) fn read(word: &str) -> Result<Quantity, (String, String)> {
    let digits = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let (number, unit) = word.split_at(digits);
    if let Some((_, factor)) = SIZES.iter().find(|(name, _)| *name == unit) {
        return bytes(number, *factor).map(Quantity::Bytes).ok_or_else(|| {
            (format!("`{word}` is more bytes than 64 bits can count"), "write a smaller size".to_owned())
        });
    }
    let first = unit.find(|c: char| !c.is_ascii_alphabetic()).map_or(unit, |end| &unit[..end]);
    if TIMES.contains(&first)
        && let Ok(span) = Span::parse(word)
    {
        return i64::try_from(span.0).map(Quantity::Nanoseconds).map_err(|_| too_long(word));
    }
    Err(wrong(word, number, unit))
}

/// A size in bytes, as people write it: `10KiB`; without a unit it is bytes.
///
/// # Errors
/// What is wrong and what to write instead.
pub fn size(word: &str) -> Result<u64, (String, String)> {
    if let Ok(plain) = word.parse::<u64>() {
        return Ok(plain);
    }
    match read(word)? {
        Quantity::Bytes(bytes) => Ok(u64::try_from(bytes).unwrap_or(0)),
        Quantity::Nanoseconds(_) => {
            Err((format!("`{word}` is a length of time"), "write a size, such as 10MiB".into()))
        }
    }
}

fn too_long(word: &str) -> (String, String) {
    (format!("`{word}` is longer than 292 years"), "write a shorter length of time".to_owned())
}

fn wrong(word: &str, number: &str, unit: &str) -> (String, String) {
    let message = format!("`{unit}` is not a unit");
    if unit.starts_with('_') {
        return (format!("`{word}` is not a number"), format!("write {}", word.replace('_', "")));
    }
    if unit.eq_ignore_ascii_case("u") {
        return (format!("`{word}`: numbers without sign are not part of this language"), format!("write {number}"));
    }
    if let Err(sentence) = Span::parse(word)
        && sentence.contains("longer")
    {
        return too_long(word);
    }
    let instead = INSTEAD.iter().find(|(wrong, _)| *wrong == unit).map(|(_, right)| *right);
    let by_case = || SIZES.iter().map(|(name, _)| *name).chain(TIMES).find(|name| name.eq_ignore_ascii_case(unit));
    let loosely = || INSTEAD.iter().find(|(wrong, _)| wrong.eq_ignore_ascii_case(unit)).map(|(_, right)| *right);
    match instead.or_else(by_case).or_else(loosely) {
        Some(right) => (message, format!("write {number}{right}")),
        None => (message, "sizes end in B, KB, MB, GB, TB, KiB, MiB, GiB or TiB, times in ms, s, m, h, d or w".into()),
    }
}

/// Whether `word` is a unit on its own, as in `1 MiB`.
pub(super) fn is_unit(word: &str) -> bool {
    SIZES.iter().any(|(name, _)| *name == word) || TIMES.contains(&word)
}

/// Exact: decimal digits times the factor, rounded half up.
fn bytes(number: &str, factor: i64) -> Option<i64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    // 18 decimal places are more than any factor can make whole.
    let part = &part[..part.len().min(18)];
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    let scale = 10i128.pow(u32::try_from(part.len()).ok()?);
    let scaled = digits.checked_mul(i128::from(factor))?.checked_add(scale / 2)?;
    i64::try_from(scaled / scale).ok()
}

/// `12 MiB`, `57.6 MiB`, `512 B`; one decimal place.
pub(super) fn show_size(bytes: f64) -> String {
    let sign = if bytes < 0.0 { "-" } else { "" };
    let mut number = bytes.abs();
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or("B");
    // 1023.95 would be shown as 1024.0, so it belongs to the next unit.
    while number >= 1023.95
        && let Some(next) = units.next()
    {
        (number, unit) = (number / 1024.0, next);
    }
    format!("{sign}{} {unit}", show_number((number * 10.0).round() / 10.0))
}

/// `1h 30m`, `12.3s`, `-5m`.
pub(super) fn show_time(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    format!("{sign}{}", Span(nanos.unsigned_abs()))
}

/// At most four decimal places; very large and very small numbers with an exponent.
pub(super) fn show_number(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return format!("{}", if number == 0.0 { 0.0 } else { number });
    }
    if !(1e-4..1e15).contains(&number.abs()) {
        return format!("{number:e}");
    }
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
