//! What a person reads at the end: failures in full, a table of suites, and one closing line for machines.

use std::fmt::Write as _;

use super::{Outcome, Suite};

/// Passed, failed and skipped.
fn counts(suite: &Suite) -> [usize; 3] {
    suite.outcomes.iter().fold([0; 3], |mut counts, outcome| {
        let kind = match outcome {
            Outcome::Passed(_) => 0,
            Outcome::Failed(..) => 1,
            Outcome::Skipped(..) => 2,
        };
        counts[kind] += 1;
        counts
    })
}

/// Prints a suite as soon as it has ended: failures with what they printed.
pub fn say(suite: &Suite) {
    for outcome in &suite.outcomes {
        if let Outcome::Failed(what, why) = outcome {
            println!("---- FAILED: {}: {what}\n{}", suite.name, why.trim_end());
        }
    }
    let [passed, failed, skipped] = counts(suite);
    println!("   {}: {passed} passed, {failed} failed, {skipped} skipped in {:.1} s", suite.name, suite.seconds);
}

/// The table, the reasons of all skips, and the closing line.
pub fn closing(suites: &[Suite], seconds: f64) -> String {
    let width = suites.iter().map(|suite| suite.name.len()).chain(["total".len()]).max().unwrap_or(0);
    let mut text =
        format!("\n{:<width$}  {:>8}  {:>6}  {:>6}  {:>7}\n", "suite", "seconds", "passed", "failed", "skipped");
    let mut total = [0; 3];
    let mut row = |name: &str, seconds: f64, [passed, failed, skipped]: [usize; 3]| {
        let _ = writeln!(text, "{name:<width$}  {seconds:>8.1}  {passed:>6}  {failed:>6}  {skipped:>7}");
    };
    for suite in suites {
        let counts = counts(suite);
        (0..3).for_each(|kind| total[kind] += counts[kind]);
        row(&suite.name, suite.seconds, counts);
    }
    row("total", seconds, total);
    for suite in suites {
        for outcome in &suite.outcomes {
            match outcome {
                Outcome::Skipped(what, why) => {
                    let _ = writeln!(text, "SKIPPED: {}: {what}: {why}", suite.name);
                }
                Outcome::Failed(what, _) => {
                    let _ = writeln!(text, "FAILED: {}: {what}", suite.name);
                }
                Outcome::Passed(_) => {}
            }
        }
    }
    let [passed, failed, skipped] = total;
    let _ = writeln!(text, "\n{passed} passed, {failed} failed, {skipped} skipped");
    text
}

/// Nothing failed, and something passed.
pub fn all_well(suites: &[Suite]) -> bool {
    let total = suites.iter().map(counts).fold([0; 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
    total[1] == 0 && total[0] > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(name: &str, outcomes: Vec<Outcome>) -> Suite {
        Suite { name: name.into(), seconds: 1.25, outcomes }
    }

    #[test]
    fn the_last_line_is_the_sum_alone() {
        let suites = [
            suite("tidy", vec![Outcome::Passed("a".into()), Outcome::Passed("b".into())]),
            suite("browser", vec![Outcome::Skipped("browser".into(), "no Chromium".into())]),
            suite("tests", vec![Outcome::Failed("t".into(), "left".into())]),
        ];
        let text = closing(&suites, 2.0);
        assert_eq!(text.lines().last(), Some("2 passed, 1 failed, 1 skipped"));
        assert!(text.contains("SKIPPED: browser: browser: no Chromium\n"), "{text}");
        assert!(text.contains("FAILED: tests: t\n"), "{text}");
        assert!(!all_well(&suites));
        assert!(all_well(&suites[..2]));
    }

    #[test]
    fn only_skips_are_not_well() {
        assert!(!all_well(&[suite("browser", vec![Outcome::Skipped("b".into(), "r".into())])]));
        assert!(!all_well(&[]));
    }
}
