//! Runs `cargo test` and reads what it prints: one suite per test program, with what each test skipped.
//!
//! A test that lacks a part prints `SKIPPED: part: reason`; such a test is counted as skipped, not as passed.

use std::{collections::BTreeMap, time::Instant};

use super::{Outcome, Suite, Wanted, cargo, tail};
use crate::{Place, shell};

/// What a test prints first on the line to say that a part is missing.
const SKIPPED: &str = "SKIPPED: ";

/// Runs all tests of the workspace, or those whose name contains the filter.
pub fn suites(place: &Place, wanted: &Wanted) -> Vec<Suite> {
    let started = Instant::now();
    let mut command = cargo(place, &["test", "--workspace", "--no-fail-fast", "--"]);
    // Without it the output of a passing test, and with it the reason of a skip, is lost.
    command.arg("--show-output").args(wanted.filter.as_deref());
    command.env("SEAWORTHY_TEST_PARTS", &place.parts).env("CI", "true").env("RUST_BACKTRACE", "0");
    if wanted.long {
        command.env("SEAWORTHY_LONG", "1").env("SEAWORTHY_SEEDS", "100000");
    } else {
        // The short tier plays the same cases on every machine; the long one draws new ones.
        command.env("PROPTEST_RNG_SEED", "20261122");
    }
    let log = place.logs.join("tests.log");
    let ran = shell::run(&mut command, &log, wanted.limit());
    let mut suites = read(&ran.lines);
    let failed = suites.iter().flat_map(|s| &s.outcomes).any(|o| matches!(o, Outcome::Failed(..)));
    if !ran.ok && !failed {
        let outcome = Outcome::Failed("cargo test".into(), tail(&ran, &log));
        suites.push(Suite { name: "tests".into(), seconds: started.elapsed().as_secs_f64(), outcomes: vec![outcome] });
    }
    suites.retain(|suite| !suite.outcomes.is_empty());
    if suites.is_empty() {
        let outcome = Outcome::Failed("cargo test".into(), "no test ran; is the FILTER right?".into());
        suites.push(Suite { name: "tests".into(), seconds: started.elapsed().as_secs_f64(), outcomes: vec![outcome] });
    }
    suites
}

/// What is being read.
#[derive(Default)]
struct Reader {
    suites: Vec<Suite>,
    /// Results of the program that runs now, by test.
    results: BTreeMap<String, bool>,
    /// Output of its tests, by test.
    outputs: BTreeMap<String, Vec<String>>,
    current: Option<String>,
    /// The test whose output is being read.
    showing: Option<String>,
    /// Lines that belong to no test; shown when the program ends without a result.
    loose: Vec<String>,
}

/// Reads the output of `cargo test -- --show-output`.
fn read(lines: &[String]) -> Vec<Suite> {
    let mut reader = Reader::default();
    for line in lines {
        reader.line(line);
    }
    reader.ended(None);
    reader.suites
}

impl Reader {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim();
        if let Some(name) = program(trimmed) {
            self.ended(None);
            self.current = Some(name);
        } else if let Some(rest) = trimmed.strip_prefix("test result: ") {
            let seconds = rest.rsplit_once("finished in ").and_then(|(_, s)| s.trim_end_matches('s').parse().ok());
            self.ended(Some(Summary {
                seconds: seconds.unwrap_or(0.0),
                passed: count(rest, "passed"),
                failed: count(rest, "failed"),
            }));
        } else if let Some(name) = heading(trimmed) {
            self.outputs.entry(name.clone()).or_default();
            self.showing = Some(name);
        } else if matches!(trimmed, "successes:" | "failures:") {
            self.showing = None;
        } else if let Some(name) = &self.showing {
            self.outputs.entry(name.clone()).or_default().push(line.to_string());
        } else if let Some((name, passed)) = result(trimmed) {
            self.results.insert(name, passed);
        } else if !trimmed.is_empty() {
            self.loose.push(line.to_string());
        }
    }

    /// The program has ended; without a summary it ended before it could say how.
    fn ended(&mut self, summary: Option<Summary>) {
        let loose = std::mem::take(&mut self.loose);
        let Some(name) = self.current.take() else { return };
        let results = std::mem::take(&mut self.results);
        let outputs = std::mem::take(&mut self.outputs);
        let [passed, failed] = [true, false].map(|kind| results.values().filter(|ok| **ok == kind).count());
        let mut outcomes: Vec<Outcome> = results.into_iter().map(|(test, ok)| outcome(test, ok, &outputs)).collect();
        // What a child of a test prints can tear the line of a result; the summary knows how many there were.
        let (more_passed, more_failed) = summary
            .as_ref()
            .map_or((0, 0), |summary| (summary.passed.saturating_sub(passed), summary.failed.saturating_sub(failed)));
        outcomes.extend((0..more_passed).map(|n| Outcome::Passed(format!("unnamed {n}"))));
        outcomes.extend((0..more_failed).map(|n| Outcome::Failed(format!("unnamed {n}"), loose.join("\n"))));
        let skips = loose.iter().filter_map(|line| line.trim().strip_prefix(SKIPPED));
        outcomes.extend(skips.map(|reason| Outcome::Skipped("some test".into(), reason.into())));
        if summary.is_none() {
            let why = format!("the test program ended without a result\n{}", loose.join("\n"));
            outcomes.push(Outcome::Failed(name.clone(), why));
        }
        self.showing = None;
        self.suites.push(Suite { name, seconds: summary.map_or(0.0, |summary| summary.seconds), outcomes });
    }
}

/// The last line of a test program.
struct Summary {
    seconds: f64,
    passed: usize,
    failed: usize,
}

/// The number before a word: `ok. 12 passed; 0 failed; …`.
fn count(summary: &str, word: &str) -> usize {
    let before = summary.split(';').find_map(|part| part.trim().strip_suffix(word));
    before.and_then(|text| text.split_whitespace().last()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn outcome(test: String, passed: bool, outputs: &BTreeMap<String, Vec<String>>) -> Outcome {
    let output = outputs.get(&test).map_or(&[][..], Vec::as_slice);
    let skipped = output.iter().find_map(|line| line.trim().strip_prefix(SKIPPED));
    match skipped {
        _ if !passed => Outcome::Failed(test, output.join("\n")),
        Some(reason) => Outcome::Skipped(test, reason.into()),
        None => Outcome::Passed(test),
    }
}

/// `Running unittests src/lib.rs (target/debug/deps/seaworthy_core-0123)`, `Doc-tests seaworthy_core`.
fn program(line: &str) -> Option<String> {
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{} docs", name.replace('_', "-")));
    }
    let (source, file) = line.strip_prefix("Running ")?.strip_suffix(')')?.rsplit_once(" (")?;
    let stem = file.rsplit('/').next()?.rsplit_once('-').map(|(stem, _)| stem)?.replace('_', "-");
    Some(if source.starts_with("unittests") { stem } else { format!("{stem} (integration)") })
}

/// `---- path::name stdout ----`
fn heading(line: &str) -> Option<String> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----").map(str::to_string)
}

/// `test path::name ... ok`; an ignored test is a failure of the house rules and counted as one.
fn result(line: &str) -> Option<(String, bool)> {
    let (name, verdict) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    let known = matches!(verdict, "ok" | "FAILED") || verdict.starts_with("ignored");
    known.then(|| (name.to_string(), verdict == "ok"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As printed by cargo, with one program of each kind of end.
    const OUTPUT: &str = "
    Finished `test` profile [unoptimized] target(s) in 0.20s
     Running unittests src/lib.rs (target/debug/deps/seaworthy_core-0a1b2c)

running 3 tests
test run::a_step_runs_twice ... ok
test run::a_wrong_one ... FAILED
test real::a_dump_restores ... ok

successes:

---- real::a_dump_restores stdout ----
SKIPPED: postgres: initdb is not installed


successes:
    real::a_dump_restores
    run::a_step_runs_twice

failures:

---- run::a_wrong_one stdout ----

thread 'run::a_wrong_one' panicked at src/lib.rs:1:1:
left is not right


failures:
    run::a_wrong_one

test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.31s

error: test failed, to rerun pass `-p seaworthy-core --lib`
     Running tests/conformance.rs (target/debug/deps/conformance-99ff)

running 1 test
error: test failed, to rerun pass `--test conformance`

Caused by:
  process didn't exit successfully: `conformance-99ff` (signal: 11, SIGSEGV: invalid memory reference)
   Doc-tests seaworthy_core

running 1 test
test crates/seaworthy-core/src/lib.rs - f (line 3) ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.05s
";

    #[test]
    fn passed_failed_skipped_and_crashed_are_told_apart() {
        let lines: Vec<String> = OUTPUT.lines().map(str::to_string).collect();
        let suites = read(&lines);
        let names: Vec<&str> = suites.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["seaworthy-core", "conformance (integration)", "seaworthy-core docs"]);
        assert_eq!(suites[0].seconds, 0.31);
        let [Outcome::Skipped(_, reason), Outcome::Passed(passed), Outcome::Failed(failed, why)] =
            &suites[0].outcomes[..]
        else {
            panic!("{:?}", suites[0].outcomes)
        };
        assert_eq!(reason, "postgres: initdb is not installed");
        assert_eq!((passed.as_str(), failed.as_str()), ("run::a_step_runs_twice", "run::a_wrong_one"));
        assert!(why.contains("left is not right"), "{why}");
        let [Outcome::Failed(_, why)] = &suites[1].outcomes[..] else { panic!("{:?}", suites[1].outcomes) };
        assert!(why.contains("SIGSEGV"), "{why}");
        assert_eq!(suites[2].outcomes.len(), 1);
    }

    #[test]
    fn torn_lines_are_made_up_for_by_the_summary_and_loose_skips_are_seen() {
        let output = "     Running tests/a.rs (target/debug/deps/a-1)\ntest one ... said by a child\nok\nSKIPPED: mail: no venv\ntest two ... ok\ntest result: FAILED. 2 passed; 1 failed; 0 ignored; finished in 1.00s\n";
        let suites = read(&output.lines().map(str::to_string).collect::<Vec<_>>());
        let kinds: Vec<&str> = suites[0].outcomes.iter().map(kind).collect();
        assert_eq!(kinds, ["passed", "passed", "failed", "skipped"]);
    }

    fn kind(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Passed(_) => "passed",
            Outcome::Failed(..) => "failed",
            Outcome::Skipped(..) => "skipped",
        }
    }
}
