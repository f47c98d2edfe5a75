//! The text of unit files: sections, settings that go on in the next line, drop-ins, lengths of time.
//!
//! This module must not know what a setting means.

use seaworthy_model::time::Span;

use crate::{
    Source,
    import::{
        Code,
        draft::{Gathered, Spot},
    },
};

/// All settings of a unit, its file first, then its drop-ins, in the order of the sources.
#[derive(Debug, Default)]
pub struct Unit {
    pub file: String,
    pub settings: Vec<Setting>,
}

/// One `Key=value`.
#[derive(Debug)]
pub struct Setting {
    pub section: String,
    pub key: String,
    pub value: String,
    pub file: String,
    pub line: u32,
}

impl Setting {
    pub fn at(&self) -> Spot<'_> {
        (&self.file, self.line)
    }

    /// How the report calls it: without its value, which may be a secret.
    pub fn what(&self) -> String {
        format!("{}=", self.key)
    }
}

impl Unit {
    /// What is set by this key, in order. An empty value takes back all before it.
    pub fn all(&self, section: &'static str, key: &'static str) -> impl Iterator<Item = &Setting> {
        let of = move |setting: &&Setting| setting.section == section && setting.key == key;
        let cleared = self.settings.iter().rposition(|setting| of(&setting) && setting.value.is_empty());
        self.settings.iter().skip(cleared.map_or(0, |at| at + 1)).filter(of)
    }

    pub fn last(&self, section: &'static str, key: &'static str) -> Option<&Setting> {
        self.all(section, key).last()
    }
}

/// The unit that a file belongs to, by its path; `None` if it is no unit file.
pub fn of_file(path: &str) -> Option<String> {
    let mut parts = path.rsplit('/');
    let own = parts.next()?;
    let is_unit = |name: &str| name.ends_with(".timer") || name.ends_with(".service");
    if is_unit(own) {
        return Some(own.to_owned());
    }
    let folder = parts.next()?.strip_suffix(".d")?;
    (own.ends_with(".conf") && is_unit(folder)).then(|| folder.to_owned())
}

/// Adds what a file says to its unit.
pub fn read(source: &Source, unit: &mut Unit, gathered: &mut Gathered) {
    if unit.file.is_empty() {
        unit.file = source.file.clone();
    }
    let mut section = String::new();
    let mut lines = source.text.lines().zip(1u32..);
    while let Some((text, line)) = lines.next() {
        let text = text.trim();
        if text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
            continue;
        }
        let mut whole = text.to_owned();
        while let Some(open) = whole.strip_suffix('\\').map(str::to_owned) {
            let more = lines.find(|(next, _)| !next.trim_start().starts_with(['#', ';']));
            whole = format!("{} {}", open.trim_end(), more.map_or("", |(next, _)| next.trim()));
        }
        match whole.split_once('=') {
            Some((key, value)) if !section.is_empty() && !key.trim().is_empty() => unit.settings.push(Setting {
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
                file: source.file.clone(),
                line,
            }),
            _ => {
                let reason = "it is neither a `[Section]` nor a `Key=value` in one";
                gathered.broken(Code::Syntax, &source.file, line, "this line", reason);
            }
        }
    }
}

pub fn is_yes(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "yes" | "true" | "on" | "1" | "y" | "t")
}

/// Units of systemd.time(7), with the nanoseconds of each. A bare number is seconds; a month and a year are averages.
const UNITS: [(&[&str], u64); 9] = [
    (&["us", "usec", "µs"], 1_000),
    (&["ms", "msec"], 1_000_000),
    (&["", "s", "sec", "second", "seconds"], 1_000_000_000),
    (&["m", "min", "minute", "minutes"], 60_000_000_000),
    (&["h", "hr", "hour", "hours"], 3_600_000_000_000),
    (&["d", "day", "days"], 86_400_000_000_000),
    (&["w", "week", "weeks"], 604_800_000_000_000),
    (&["M", "month", "months"], 2_629_800_000_000_000),
    (&["y", "year", "years"], 31_557_600_000_000_000),
];

/// A length of time: `1h 30min`, `90`, `1.5h`. `None` for `infinity` and what is none.
pub fn span(text: &str) -> Option<Span> {
    let (mut total, mut rest) = (0_u64, text.trim());
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (name, after) = tail.split_at(letters);
        let (_, nanos) = UNITS.iter().find(|(names, _)| names.contains(&name))?;
        let part = number.parse::<f64>().ok()? * *nanos as f64;
        if part > 9e18 {
            return None;
        }
        total = total.saturating_add(part.round() as u64);
        rest = after.trim_start();
    }
    Some(Span(total))
}
