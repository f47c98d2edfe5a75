//! `cargo xtask test`: every suite in order, then a table, then one closing line.
//!
//! A suite never stops the ones after it, and nothing that was skipped counts as passed. Ends with status 1 on any
//! failure, and when nothing ran at all.

mod browser;
mod cargo;
mod table;

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::{Place, deps, parts, shell, tidy, tree::Tree};

/// Longest time for a suite of the short tier; a hanging test must not hang the runner.
const SUITE_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Longest time for a suite with `--long`.
const LONG_SUITE_LIMIT: Duration = Duration::from_secs(4 * 60 * 60);

/// What of a failed suite's output is shown; the log has all of it.
const SHOWN_LINES_MAX: usize = 300;

/// Names of the suites, in the order in which they run.
const SUITES: [&str; 7] = ["format", "tidy", "clippy", "build", "tests", "browser", "deps"];

/// What became of one test or check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Passed(String),
    /// What, and why.
    Failed(String, String),
    /// What, and why.
    Skipped(String, String),
}

/// What became of a suite.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    pub name: String,
    pub seconds: f64,
    pub outcomes: Vec<Outcome>,
}

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    long: bool,
    suite: Option<&'static str>,
    /// Part of a test's name.
    filter: Option<String>,
}

impl Wanted {
    /// Reads the words after `test`.
    ///
    /// # Errors
    /// A sentence about the word that is not understood.
    pub fn parse(words: &[&str]) -> Result<Wanted, String> {
        let mut wanted = Wanted::default();
        for word in words {
            match *word {
                "--long" => wanted.long = true,
                option if option.starts_with('-') => {
                    return Err(format!("`{option}` is not an option of `cargo xtask test`; there is `--long`"));
                }
                _ if wanted.suite.is_some() || wanted.filter.is_some() => {
                    return Err(format!("one FILTER at a time; `{word}` is a second one"));
                }
                name => match SUITES.iter().find(|suite| **suite == name) {
                    Some(suite) => wanted.suite = Some(suite),
                    None => wanted.filter = Some(name.into()),
                },
            }
        }
        Ok(wanted)
    }

    fn wants(&self, suite: &str) -> bool {
        match (&self.suite, &self.filter) {
            (Some(only), _) => *only == suite,
            (None, Some(_)) => matches!(suite, "build" | "tests"),
            (None, None) => true,
        }
    }

    fn limit(&self) -> Duration {
        if self.long { LONG_SUITE_LIMIT } else { SUITE_LIMIT }
    }
}

/// Runs what is wanted. Returns whether nothing failed.
///
/// # Errors
/// None today; the shape is that of the other verbs.
pub fn run(place: &Place, wanted: &Wanted) -> Result<bool, String> {
    let started = Instant::now();
    let needs_parts = wanted.wants("tests") || wanted.wants("browser");
    let ready = if needs_parts { parts::ready(place) } else { parts::Ready::default() };
    if needs_parts {
        ready.report();
    }
    let mut suites: Vec<Suite> = missing_parts(&ready).into_iter().collect();
    for name in SUITES.into_iter().filter(|name| wanted.wants(name)) {
        println!("== {name}");
        let found = match name {
            "format" => vec![format(place)],
            "tidy" => vec![tidy_suite(place)],
            "clippy" => vec![clippy(place)],
            "build" => vec![build(place)],
            "tests" => cargo::suites(place, wanted),
            "browser" => vec![browser::suite(place, wanted, &ready)],
            _ => vec![deps::suite(place)],
        };
        found.iter().for_each(table::say);
        suites.extend(found);
    }
    print!("{}", table::closing(&suites, started.elapsed().as_secs_f64()));
    Ok(table::all_well(&suites))
}

/// What could not be installed, as a suite of skips: a test that never looks for its part would say nothing.
fn missing_parts(ready: &parts::Ready) -> Option<Suite> {
    let skip = |(name, needed_by, reason): &(&str, &str, String)| {
        Outcome::Skipped((*name).into(), format!("needed by {needed_by}: {reason}"))
    };
    let outcomes: Vec<Outcome> = ready.missing.iter().map(skip).collect();
    (!outcomes.is_empty()).then(|| Suite { name: "parts".into(), seconds: 0.0, outcomes })
}

/// A cargo command in the repository, without colours and progress.
fn cargo(place: &Place, args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(args)
        .current_dir(&place.root)
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_PROGRESS_WHEN", "never");
    command
}

/// A suite that is one command: it passes or it fails.
fn command(place: &Place, name: &str, mut command: Command) -> Suite {
    let started = Instant::now();
    let log = place.logs.join(format!("{name}.log"));
    let ran = shell::run(&mut command, &log, SUITE_LIMIT);
    let outcome = if ran.ok { Outcome::Passed(name.into()) } else { Outcome::Failed(name.into(), tail(&ran, &log)) };
    Suite { name: name.into(), seconds: started.elapsed().as_secs_f64(), outcomes: vec![outcome] }
}

/// What to show of a failed command.
fn tail(ran: &shell::Ran, log: &std::path::Path) -> String {
    let from = ran.lines.len().saturating_sub(SHOWN_LINES_MAX);
    let mut text = ran.lines[from..].join("\n");
    if let Some(remark) = &ran.remark {
        text = format!("{text}\n{remark}");
    }
    format!("{text}\n(all of it: {})", log.display())
}

fn skipped(name: &str, reason: &str) -> Suite {
    Suite { name: name.into(), seconds: 0.0, outcomes: vec![Outcome::Skipped(name.into(), reason.into())] }
}

fn format(place: &Place) -> Suite {
    if !shell::exists("rustfmt") {
        return skipped("format", "rustfmt is not installed; `rustup component add rustfmt` brings it");
    }
    command(place, "format", cargo(place, &["fmt", "--all", "--check"]))
}

fn clippy(place: &Place) -> Suite {
    if !shell::exists("cargo-clippy") {
        return skipped("clippy", "clippy is not installed; `rustup component add clippy` brings it");
    }
    let args = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    command(place, "clippy", cargo(place, &args))
}

/// Builds everything once, so that the suites after it measure themselves.
fn build(place: &Place) -> Suite {
    let mut suite = command(place, "build", cargo(place, &["test", "--workspace", "--no-run"]));
    // The integration tests of the binary bring the binary; without them nobody has asked for it yet.
    if !place.root.join("crates/seaworthy/tests").is_dir() {
        let binary = command(place, "build-binary", cargo(place, &["build", "--package", "seaworthy"]));
        suite.seconds += binary.seconds;
        suite.outcomes.extend(binary.outcomes);
    }
    suite
}

fn tidy_suite(place: &Place) -> Suite {
    let started = Instant::now();
    let outcomes = match Tree::read(&place.root) {
        Err(e) => vec![Outcome::Failed("tidy".into(), format!("could not list {}: {e}", place.root.display()))],
        Ok(tree) => tidy::verdicts(&tree).into_iter().map(rule_outcome).collect(),
    };
    Suite { name: "tidy".into(), seconds: started.elapsed().as_secs_f64(), outcomes }
}

fn rule_outcome(verdict: tidy::Verdict) -> Outcome {
    if verdict.findings.is_empty() {
        return Outcome::Passed(verdict.rule.into());
    }
    let lines: Vec<String> =
        verdict.findings.iter().map(|f| format!("{}:{}: {}\n  help: {}", f.path, f.line, f.message, f.help)).collect();
    Outcome::Failed(verdict.rule.into(), lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_suite_or_part_of_a_name() {
        assert_eq!(Wanted::parse(&["--long"]), Ok(Wanted { long: true, ..Wanted::default() }));
        assert_eq!(Wanted::parse(&["clippy"]), Ok(Wanted { suite: Some("clippy"), ..Wanted::default() }));
        let part = Wanted::parse(&["truncated"]).unwrap();
        let wanted: Vec<&str> = SUITES.into_iter().filter(|suite| part.wants(suite)).collect();
        assert_eq!(wanted, ["build", "tests"]);
        assert!(Wanted::parse(&["--fast"]).unwrap_err().contains("--fast"));
        assert!(Wanted::parse(&["a", "b"]).is_err());
    }
}
