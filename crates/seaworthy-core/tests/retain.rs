//! What may go and why the rest stays; and years of a process that runs every minute.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_core::retain::{Item, Needs, Policy, What, make_room, needed, stays};
use seaworthy_model::{
    id::RunId,
    retain::Retention,
    run::{Cause, Executed, Kind, Verified},
    time::{At, Span},
    view::EndedRun,
};

const DAY: u64 = 86_400;
const NOW: At = At(1_800_000_000_000_000_000);

fn days(n: u64) -> Span {
    Span::seconds(n * DAY)
}

fn run(ended_at: At) -> RunId {
    RunId::new(ended_at, &[0; 10])
}

fn row(ended_at: At, executed: Executed, verified: Verified) -> EndedRun {
    EndedRun {
        run: run(ended_at),
        process: "p".into(),
        kind: Kind::Run,
        digest: String::new(),
        cause: Cause::Person,
        requested_at: ended_at,
        started_at: Some(ended_at),
        ended_at,
        executed,
        verified,
        reason: String::new(),
        duration: Span::ZERO,
        recovery: None,
        objective: None,
        heals: 0,
        artifacts: vec![],
        measures: BTreeMap::new(),
    }
}

fn policy() -> Policy {
    let all = Some(days(10));
    let said = Retention { runs: Some(2), artifacts: all, outputs: all, bodies: all, snapshots: all };
    Policy::of(Some(said), None)
}

/// Why each part of a run of so many days ago stays; `goes` if it does not.
fn verdict(age: u64, verified: Verified, needs: impl Fn(RunId) -> Needs) -> String {
    let row = row(NOW - days(age), Executed::Ok, verified);
    let needs = needs(row.run);
    let word = |what| stays(what, &row, &needs, &policy(), NOW).map_or("goes", |why| why.word());
    What::ALL.map(|what| format!("{}: {}", what.word(), word(what))).join("; ")
}

fn set(run: RunId) -> BTreeSet<RunId> {
    BTreeSet::from([run])
}

#[test]
fn what_is_old_and_not_needed_goes_and_the_rest_says_why_it_stays() {
    let all = |word: &str| format!("artifacts: {word}; outputs: {word}; bodies: {word}; snapshots: {word}");
    let none = |_| Needs::default();
    assert_eq!(verdict(11, Verified::Yes, none), all("goes"));
    assert_eq!(verdict(9, Verified::Yes, none), all("not old enough"));
    assert_eq!(verdict(99, Verified::Unknown, none), all("nobody knows how it ended"));
    let proof = |run| Needs { proofs: set(run), ..Needs::default() };
    assert_eq!(verdict(99, Verified::Yes, proof), all("the newest proof"));
    let drilled = |run| Needs { drilled: set(run), ..Needs::default() };
    assert_eq!(verdict(99, Verified::Yes, drilled), all("an open drill restores it"));
    let signal = |run| Needs { signals: set(run), ..Needs::default() };
    assert_eq!(verdict(99, Verified::No, signal), all("an open signal is about it"));
    let message = |run| Needs { messages: set(run), ..Needs::default() };
    assert_eq!(verdict(99, Verified::No, message), all("a message about it is to be sent"));
    let usual = |run| Needs { usual: set(run), ..Needs::default() };
    assert_eq!(
        verdict(99, Verified::Yes, usual),
        "artifacts: goes; outputs: goes; bodies: says what is usual; snapshots: goes"
    );
    let newest = |run| Needs { newest: set(run), ..Needs::default() };
    assert_eq!(
        verdict(99, Verified::Yes, newest),
        "artifacts: goes; outputs: among the newest runs; bodies: among the newest runs; snapshots: among the newest runs"
    );
}

#[test]
fn a_process_speaks_before_its_site_and_bodies_stay_for_ever_if_nobody_does() {
    let policy = Policy::of(None, None);
    assert_eq!((policy.age(What::Bodies), policy.age(What::Artifacts)), (None, None));
    assert_eq!((policy.age(What::Outputs), policy.age(What::Snapshots)), (Some(days(90)), Some(days(90))));
    let site = Retention { bodies: Some(days(400)), outputs: Some(days(30)), ..Retention::default() };
    let own = Retention { outputs: Some(days(7)), ..Retention::default() };
    let policy = Policy::of(Some(own), Some(site));
    assert_eq!((policy.age(What::Bodies), policy.age(What::Outputs)), (Some(days(400)), Some(days(7))));
}

#[test]
fn room_is_made_by_the_oldest_that_nobody_needs_and_what_does_not_fit_is_told() {
    let item = |day: u64, what, bytes, needed| {
        let ended_at = NOW - days(100 - day);
        Item { run: run(ended_at), what, place: day, bytes, needed }
    };
    let items = || {
        vec![
            item(3, What::Outputs, 10, false),
            item(1, What::Artifacts, 50, false),
            item(1, What::Outputs, 5, false),
            item(2, What::Artifacts, 50, true),
            item(2, What::Outputs, 0, false),
        ]
    };
    let dropped = |at_most| {
        let room = make_room(items(), 115, at_most);
        let all: Vec<String> = room
            .drop
            .iter()
            .map(|(run, what)| {
                let day = (1..=3).find(|day| item(*day, *what, 0, false).run == *run).unwrap();
                format!("{day} {}", what.word())
            })
            .collect();
        (all.join(", "), room.over)
    };
    assert_eq!(dropped(115), (String::new(), 0));
    assert_eq!(dropped(110), ("1 outputs".into(), 0));
    assert_eq!(dropped(100), ("1 outputs, 1 artifacts".into(), 0));
    assert_eq!(dropped(40), ("1 outputs, 1 artifacts, 3 outputs".into(), 10), "what is needed stays and is told");
}

/// Three years of a process that runs every minute, looked at once a day: what is kept stays bounded, and nothing that
/// is needed ever goes.
#[test]
fn years_of_a_minutely_process_stay_bounded() {
    let said = Retention { runs: Some(50), outputs: Some(days(2)), bodies: Some(days(5)), ..Retention::default() };
    let policy = Policy::of(Some(said), None);
    let start = NOW;
    let mut outputs: Vec<EndedRun> = Vec::new();
    let mut bodies: Vec<EndedRun> = Vec::new();
    let mut last: Vec<EndedRun> = Vec::new();
    let (mut most_outputs, mut most_bodies, mut seed) = (0, 0, 7u64);
    for day in 0..3 * 365u64 {
        for minute in 0..24 * 60u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // For whole months nothing is verified, so the newest proof grows old.
            let bad = (day / 40) % 2 == 1 || (seed >> 33) % 50 == 0;
            let at = start + Span::seconds(day * DAY + minute * 60);
            let one = row(at, Executed::Ok, if bad { Verified::No } else { Verified::Yes });
            outputs.push(one.clone());
            bodies.push(one.clone());
            last.push(one);
        }
        // Rows stay for ever; the test needs the newest, and the newest verified.
        let proof = last.iter().rposition(|row| row.verified == Verified::Yes).map(|at| last[at].clone());
        let usual: Vec<EndedRun> =
            last.iter().rev().filter(|r| r.verified == Verified::Yes).take(20).cloned().collect();
        let newest = last.iter().rev().take(policy.whole as usize).map(|row| row.run).collect();
        let needs = Needs {
            newest,
            proofs: proof.iter().map(|row| row.run).collect(),
            usual: usual.iter().map(|row| row.run).collect(),
            ..Needs::default()
        };
        let now = start + Span::seconds((day + 1) * DAY);
        let keep = |what, rows: &mut Vec<EndedRun>| {
            rows.retain(|row| {
                let stays = stays(what, row, &needs, &policy, now).is_some();
                assert!(stays || needed(what, row, &needs).is_none(), "{what:?} of a needed run went");
                stays
            });
        };
        keep(What::Outputs, &mut outputs);
        keep(What::Bodies, &mut bodies);
        if let Some(proof) = &proof {
            assert!(outputs.iter().any(|row| row.run == proof.run), "the newest proof is whole on day {day}");
            assert!(bodies.iter().any(|row| row.run == proof.run));
        }
        assert!(usual.iter().all(|row| bodies.iter().any(|b| b.run == row.run)), "what usual needs is whole");
        let keep_last: BTreeSet<RunId> = usual.iter().map(|row| row.run).collect();
        let from = last.len().saturating_sub(50);
        let mut n = 0;
        last.retain(|row| {
            n += 1;
            n > from || keep_last.contains(&row.run)
        });
        (most_outputs, most_bodies) = (most_outputs.max(outputs.len()), most_bodies.max(bodies.len()));
    }
    assert!(most_outputs <= 3 * 24 * 60 + 1, "{most_outputs}");
    assert!(most_bodies <= 6 * 24 * 60 + 20, "{most_bodies}");
}
