//! What is usual for a process: robust centre and spread of its last verified runs.
//!
//! Median and median absolute deviation (Hampel 1974): one broken night does not move them.
//! This module must not know where runs are kept.

use std::collections::BTreeMap;

use seaworthy_model::{
    run::{USUAL_RUNS_MAX, USUAL_RUNS_MIN, Usual},
    view::EndedRun,
};

/// Over at most the last 20 of `runs` (verified ones, newest first).
pub fn usual(runs: &[EndedRun]) -> Usual {
    let runs = &runs[..runs.len().min(USUAL_RUNS_MAX as usize)];
    let mut columns: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for run in runs {
        for (name, value) in &run.measures {
            if value.is_finite() {
                columns.entry(name).or_default().push(*value);
            }
        }
    }
    let mut usual = Usual { runs: u32::try_from(runs.len()).unwrap_or(USUAL_RUNS_MAX), ..Usual::default() };
    // A measure needs as many runs as the whole: a check that is new learns anew.
    for (name, mut values) in columns.into_iter().filter(|(_, values)| values.len() >= USUAL_RUNS_MIN as usize) {
        let centre = median(&mut values);
        let mut apart: Vec<f64> = values.iter().map(|v| (v - centre).abs()).collect();
        usual.centre.insert(name.to_owned(), centre);
        usual.spread.insert(name.to_owned(), median(&mut apart));
    }
    usual
}

/// Middle of the sorted values, mean of the two middle ones; 0 for none.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn one_wild_night_does_not_move_the_centre() {
        assert_eq!(median(&mut [10.0, 11.0, 12.0, 11.0, 9_000.0]), 11.0);
        assert_eq!(median(&mut [4.0, 2.0]), 3.0);
        assert_eq!(median(&mut []), 0.0);
    }
}
