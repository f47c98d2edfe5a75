//! What the verdict of a run means for the step that waited for it. Verified counts, not executed.
//!
//! This module must not know how it was waited for.

use seaworthy_model::{
    run::{Acted, Executed, Outcome, Verified},
    time::Span,
    view::EndedRun,
};

use super::next::nothing;

/// The end of the attempt. `over`: the run was stopped because the step may take no longer than this.
pub fn called(run: &EndedRun, over: Option<Span>) -> Acted {
    let (id, process) = (run.run, &run.process);
    let why = |what: &str| {
        let rest = if run.reason.is_empty() { String::new() } else { format!(": {}", run.reason) };
        Some(format!("{id} of `{process}` {what}{rest}"))
    };
    let (outcome, reason) = match (run.verified, over) {
        (Verified::Yes, _) => (Outcome::Done, None),
        (_, Some(limit)) => {
            (Outcome::NotDone, Some(format!("{id} of `{process}` took longer than {limit} and was stopped")))
        }
        (Verified::No, _) if run.executed == Executed::Cancelled => (Outcome::NotDone, why("was stopped")),
        (Verified::No, _) => (Outcome::NotDone, why("is not verified")),
        (Verified::Unknown, _) => (Outcome::Unknown, why("ended, and nobody knows whether well")),
        (Verified::Unproven, _) => (Outcome::NotDone, why("proves nothing: give that process `verify`")),
    };
    let took = run.ended_at.since(run.requested_at);
    Acted { outcome, reason, took, held_by: "its own run".into(), ..nothing() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaworthy_model::{
        id::RunId,
        run::{Cause, Kind},
        time::At,
    };

    fn ended(executed: Executed, verified: Verified) -> EndedRun {
        EndedRun {
            run: RunId::new(At(0), &[1; 10]),
            process: "child".into(),
            kind: Kind::Run,
            digest: String::new(),
            cause: Cause::Person,
            requested_at: At(0),
            started_at: None,
            ended_at: At(2_000_000_000),
            executed,
            verified,
            reason: "it said so".into(),
            duration: Span::ZERO,
            recovery: None,
            objective: None,
            heals: 0,
            artifacts: vec![],
            measures: Default::default(),
        }
    }

    #[test]
    fn only_a_verified_run_makes_its_step_done() {
        for (executed, verified, outcome) in [
            (Executed::Ok, Verified::Yes, Outcome::Done),
            (Executed::Ok, Verified::No, Outcome::NotDone),
            (Executed::Ok, Verified::Unproven, Outcome::NotDone),
            (Executed::Cancelled, Verified::No, Outcome::NotDone),
            (Executed::Ok, Verified::Unknown, Outcome::Unknown),
            (Executed::Unknown, Verified::Unknown, Outcome::Unknown),
        ] {
            let acted = called(&ended(executed, verified), None);
            assert_eq!((acted.outcome, acted.took), (outcome, Span::seconds(2)), "{executed:?} {verified:?}");
            assert_eq!(acted.reason.is_none(), outcome == Outcome::Done);
        }
        let over = called(&ended(Executed::Cancelled, Verified::No), Some(Span::seconds(1)));
        assert!(over.reason.is_some_and(|reason| reason.contains("took longer than 1s")));
    }
}
