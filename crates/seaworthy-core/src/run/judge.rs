//! What a look means: an observation and a condition become a verdict.
//!
//! Evaluated once; the verdict with its inputs is the event, and replay never evaluates again.
//! This module must not look at anything itself.

use std::collections::BTreeMap;

use seaworthy_model::{
    process::{Bound, Check, Look},
    run::{Judged, Observation, USUAL_RUNS_MIN, Usual, Verdict},
    time::Span,
    value::{Facts, Value},
};

use crate::expect::{Expect, Scope, compile};

/// Name of the measure that `usual.NAME` means in a check.
pub(super) fn measure(check: &Check, name: &str) -> String {
    match (&check.look, name) {
        (Look::Artifact { name: artifact }, "size") => format!("size:{artifact}"),
        (Look::Duration { .. }, _) => "duration".to_owned(),
        (_, "duration") => format!("took:{}", check.id),
        (_, other) => format!("{other}:{}", check.id),
    }
}

fn compiled(check: &Check) -> Result<Expect, String> {
    let source = check.expect.as_deref().ok_or("the check has no condition")?;
    compile(source, &Scope::of(&check.look)).map_err(|problems| {
        let first = problems.first().map_or("no reason given", |p| p.message.as_str());
        format!("the condition `{source}` cannot be used: {first}")
    })
}

/// What the check takes from `usual`, or why it cannot yet be judged.
fn usual_facts(check: &Check, usual: &Usual) -> Result<Facts, String> {
    let names = match &check.look {
        Look::Duration { at_least, at_most } => {
            let relative = [at_least, at_most].iter().any(|b| matches!(b, Some(Bound::OfUsual(_))));
            if relative { vec!["duration".to_owned()] } else { vec![] }
        }
        _ => compiled(check).map(|e| e.usual_names()).unwrap_or_default(),
    };
    let mut facts = BTreeMap::new();
    for name in names {
        if usual.runs < USUAL_RUNS_MIN {
            return Err(format!("learning: {} of {USUAL_RUNS_MIN} verified runs", usual.runs));
        }
        let Some(centre) = usual.centre.get(&measure(check, &name)) else {
            return Err(format!("learning: fewer than {USUAL_RUNS_MIN} verified runs have a {name} for this check"));
        };
        let value = if name == "duration" { Value::Duration(*centre as i64) } else { Value::Decimal(*centre) };
        facts.insert(name, value);
    }
    Ok(facts)
}

/// The verdict of a check that cannot be judged yet: it names `usual`, and too few runs are verified.
pub fn skipped(check: &Check, round: u32, usual: &Usual) -> Option<Judged> {
    usual_facts(check, usual).err().map(|reason| passed_over(check, round, reason))
}

/// A check that was not carried out. Never a pass.
pub(super) fn passed_over(check: &Check, round: u32, reason: String) -> Judged {
    plain(check, round, Verdict::Skipped { reason }, "not looked at".into())
}

/// A check that could not look.
pub fn unable(check: &Check, round: u32, reason: String) -> Judged {
    let observed = format!("could not look: {reason}");
    plain(check, round, Verdict::Unknown { reason }, observed)
}

fn plain(check: &Check, round: u32, verdict: Verdict, observed: String) -> Judged {
    let expected = check.expect.clone().unwrap_or_else(|| bounds_text(check, None));
    Judged { check: check.id.clone(), round, verdict, expected, observed, observation: None }
}

/// Judges what a probe saw.
pub fn judge(check: &Check, round: u32, seen: Observation, usual: &Usual) -> Judged {
    let expect = match compiled(check) {
        Ok(expect) => expect,
        Err(reason) => return unable(check, round, reason),
    };
    let facts = match usual_facts(check, usual) {
        Ok(facts) => facts,
        // What was seen is kept all the same: this is how the usual is learnt.
        Err(reason) => {
            let observed = expect.explain(&seen.facts, &BTreeMap::new()).observed;
            return Judged { observed, observation: Some(seen), ..passed_over(check, round, reason) };
        }
    };
    let verdict = match expect.evaluate(&seen.facts, &facts) {
        Ok(true) => Verdict::Yes,
        Ok(false) => Verdict::No,
        Err(reason) => Verdict::Unknown { reason },
    };
    let words = expect.explain(&seen.facts, &facts);
    let observed = match &verdict {
        Verdict::Unknown { reason } => format!("{} ({reason})", words.observed),
        Verdict::No => with_last_words(check, &seen.facts, words.observed),
        _ => words.observed,
    };
    Judged { check: check.id.clone(), round, verdict, expected: words.expected, observed, observation: Some(seen) }
}

/// Longest quotation of a command's own words, in characters.
const QUOTED_CHARS_MAX: usize = 200;

/// The part of a condition that said no is often only the exit code; the command itself has said why.
fn with_last_words(check: &Check, facts: &Facts, observed: String) -> String {
    if !matches!(check.look, Look::Command { .. }) {
        return observed;
    }
    let said = |name: &str| match facts.get(name) {
        Some(Value::Text(text)) => text.lines().rev().map(str::trim).find(|line| !line.is_empty()),
        _ => None,
    };
    let words = ["stderr", "stdout"].into_iter().find_map(|name| said(name).map(|words| (name, words)));
    match words {
        Some((name, words)) if !observed.contains(name) => {
            let plain: String = words.chars().filter(|c| !c.is_control()).take(QUOTED_CHARS_MAX).collect();
            format!("{observed}; its last words: {plain}")
        }
        _ => observed,
    }
}

/// Judges a `duration:` check from the run's own record: too fast is also wrong.
pub(super) fn judge_duration(check: &Check, round: u32, took: Span, usual: &Usual) -> Judged {
    let Look::Duration { at_least, at_most } = &check.look else {
        return unable(check, round, "this is not a duration check".into());
    };
    // While the usual is being learnt, a plain bound counts all the same.
    let (facts, learning) = match usual_facts(check, usual) {
        Ok(facts) => (facts, None),
        Err(reason) => (Facts::new(), Some(reason)),
    };
    let centre = match facts.get("duration") {
        Some(Value::Duration(n)) => Some(Span(u64::try_from(*n).unwrap_or(0))),
        _ => None,
    };
    let fast = at_least.and_then(|b| resolve(b, centre)).is_some_and(|low| took < low);
    let slow = at_most.and_then(|b| resolve(b, centre)).is_some_and(|high| took > high);
    if let Some(reason) = learning.filter(|_| !fast && !slow) {
        return passed_over(check, round, reason);
    }
    let remark = if fast {
        ", too fast"
    } else if slow {
        ", too slow"
    } else {
        ""
    };
    let facts = BTreeMap::from([("duration".to_owned(), Value::Duration(i64::try_from(took.0).unwrap_or(i64::MAX)))]);
    Judged {
        check: check.id.clone(),
        round,
        verdict: if fast || slow { Verdict::No } else { Verdict::Yes },
        expected: bounds_text(check, centre),
        observed: format!("duration {took}{remark}"),
        observation: Some(Observation { source: "journal".into(), facts, took: Span::ZERO, dropped: 0 }),
    }
}

/// `None`: a share of the usual that is not known.
fn resolve(bound: Bound, centre: Option<Span>) -> Option<Span> {
    match (bound, centre) {
        (Bound::Span(span), _) => Some(span),
        (Bound::OfUsual(percent), centre) => centre.map(|centre| Span((centre.0 as f64 * percent / 100.0) as u64)),
    }
}

fn bounds_text(check: &Check, centre: Option<Span>) -> String {
    let Look::Duration { at_least, at_most } = &check.look else { return String::new() };
    let word = |bound: &Bound| match (bound, resolve(*bound, centre)) {
        (Bound::Span(span), _) => span.to_string(),
        (Bound::OfUsual(percent), Some(span)) => format!("{span} ({percent}% of usual)"),
        (Bound::OfUsual(percent), None) => format!("{percent}% of usual"),
    };
    match (at_least, at_most) {
        (Some(low), Some(high)) => format!("duration from {} to {}", word(low), word(high)),
        (Some(low), None) => format!("duration at least {}", word(low)),
        (None, Some(high)) => format!("duration at most {}", word(high)),
        (None, None) => "any duration".into(),
    }
}
