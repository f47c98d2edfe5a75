//! Clean-up that does not come to an end by itself.

use seaworthy_model::{
    event::Event,
    process::{Drill, Effect, Process, RestoreDrill},
    run::{Acted, Cause, Executed, Kind, Outcome, Usual},
    time::{At, Span},
};

use super::{
    super::{AFTER_MAX, Next, Plan, State, next, next::nothing},
    world::{backup, step},
};

/// A drill with two steps of clean-up; the second has a limit of its own.
fn drilled() -> Plan {
    let mut second = step("shred", Effect::Idempotent, &[]);
    second.timeout = Some(Span::seconds(5));
    let restore = RestoreDrill {
        every: None,
        recovery_time: None,
        steps: vec![step("restore", Effect::Idempotent, &[])],
        verify: backup().verify,
        after: vec![step("drop", Effect::Idempotent, &[]), second],
    };
    let process = Process { drill: Some(Drill { restore: Some(restore), people: None }), ..backup() };
    Plan::of(&process, Kind::Drill).unwrap()
}

pub(super) fn requested() -> Event {
    Event::RunRequested {
        process: "backup".into(),
        kind: Kind::Drill,
        digest: "d".into(),
        cause: Cause::Person,
        usual: Usual::default(),
        artifact: None,
        objective: None,
        inputs: Default::default(),
    }
}

fn cancelled(times: usize, cleaning_after: usize) -> State {
    let mut events = vec![requested()];
    events.extend((0..times).map(|_| Event::CancelRequested { reason: "enough".into() }));
    let key = "after.drop".to_owned();
    events.insert(1 + cleaning_after, Event::AttemptStarted { step: key.clone(), attempt: 1, key });
    State::fold(events.iter().map(|event| (At(0), event)))
}

#[test]
fn a_clean_up_without_a_limit_has_one() {
    let limits: Vec<_> = drilled().after.iter().map(|step| step.timeout).collect();
    assert_eq!(limits, [Some(AFTER_MAX), Some(Span::seconds(5))]);
}

#[test]
fn a_second_cancel_stops_the_clean_up_and_one_before_it_began_does_not() {
    let asked = |state: &State| next(&drilled(), state, At(0), &mut || 0);
    assert_eq!(asked(&cancelled(1, 1)), Next::Attend(None), "the first spares it");
    assert_eq!(asked(&cancelled(2, 2)), Next::Attend(None), "somebody who was impatient has not asked for that");
    let mut state = cancelled(2, 1);
    assert_eq!(asked(&state), Next::Stop);
    let acted = Acted { outcome: Outcome::Unknown, ..nothing() };
    state.apply(At(0), &Event::AttemptEnded { step: "after.drop".into(), attempt: 1, acted });
    let Next::Record(last) = asked(&state) else { panic!("the clean-up goes on") };
    let [Event::RunEnded { executed: Executed::Cancelled, reason, .. }] = &last[..] else { panic!("{last:?}") };
    assert_eq!(reason, "cancelled: enough; nobody knows whether after.drop happened, look yourself");
}
