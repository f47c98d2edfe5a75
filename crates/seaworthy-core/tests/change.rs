//! When a change waits, when it applies, and what a confirmation is good for.

use seaworthy_core::{
    change::{Book, Decision, Standing, decide},
    expect::looser,
};
use seaworthy_model::{
    change::{CONFIRM_WITHIN, Held, Subject},
    event::Event,
    time::{At, Span},
};

const NOW: At = At(1_000_000_000_000_000_000);

fn subject() -> Subject {
    Subject::Process("backup".into())
}

fn loaded(digest: &str) -> Event {
    Event::ProcessLoaded { digest: digest.into(), definition: String::new(), file: "ops/a.yaml".into() }
}

fn recorded(held: &Held) -> Event {
    Event::ChangeHeld {
        digest: held.digest.clone(),
        subject: held.subject.word(),
        from: held.from.clone(),
        to: held.to.clone(),
        weaker: held.weaker.clone(),
        until: held.until,
    }
}

fn confirmed(held: &Held) -> Event {
    Event::ChangeConfirmed {
        digest: held.digest.clone(),
        subject: held.subject.word(),
        weaker: vec![],
        reason: "agreed".into(),
    }
}

/// The change from `one` to `to`, which loses a check, against this history.
fn asked(history: &[Event], to: &str, now: At) -> Decision {
    let book = Book::fold(&subject(), history);
    decide(subject(), ("one", Some(to)), (vec!["verify lost check `a`".into()], vec![]), Standing::Relied, &book, now)
}

fn held(decision: Decision) -> (Held, bool) {
    match decision {
        Decision::Hold { held, fresh } => (held, fresh),
        Decision::Apply => panic!("it applies"),
    }
}

#[test]
fn what_takes_nothing_away_applies_and_so_does_all_of_a_draft() {
    let book = Book::default();
    let decide = |weaker: &[&str], standing| {
        let weaker = weaker.iter().map(|w| (*w).to_owned()).collect();
        decide(subject(), ("one", Some("two")), (weaker, vec!["step added".into()]), standing, &book, NOW)
    };
    assert_eq!(decide(&[], Standing::Relied), Decision::Apply);
    assert_eq!(decide(&["lost"], Standing::Draft), Decision::Apply);
    assert!(matches!(decide(&["lost"], Standing::Relied), Decision::Hold { .. }));
}

#[test]
fn a_change_is_recorded_once_and_applies_after_it_was_confirmed() {
    let mut history = vec![loaded("one")];
    let (first, fresh) = held(asked(&history, "two", NOW));
    assert!(fresh && first.until == NOW + CONFIRM_WITHIN);
    history.push(recorded(&first));
    let (again, fresh) = held(asked(&history, "two", NOW + Span::seconds(60)));
    assert_eq!((again, fresh), (first.clone(), false), "over restarts too");
    history.push(confirmed(&first));
    assert_eq!(asked(&history, "two", NOW + Span::seconds(60)), Decision::Apply);
}

#[test]
fn a_confirmation_is_for_one_change_and_used_up_by_it() {
    let mut history = vec![loaded("one")];
    let (first, _) = held(asked(&history, "two", NOW));
    history.extend([recorded(&first), confirmed(&first)]);
    let (other, fresh) = held(asked(&history, "three", NOW));
    assert!(fresh && other.digest != first.digest, "nothing else slips in");
    history.extend([loaded("two"), loaded("one")]);
    let (later, fresh) = held(asked(&history, "two", NOW));
    assert!(fresh && later.digest != first.digest, "the same change again is asked again, under another name");
}

#[test]
fn a_confirmation_that_came_while_another_change_waited_is_not_for_this_one() {
    let mut history = vec![loaded("one")];
    let (first, _) = held(asked(&history, "two", NOW));
    history.push(recorded(&first));
    let (second, _) = held(asked(&history, "three", NOW));
    history.extend([recorded(&second), confirmed(&first)]);
    assert!(matches!(asked(&history, "three", NOW), Decision::Hold { .. }));
    assert!(matches!(asked(&history, "two", NOW), Decision::Hold { .. }));
}

#[test]
fn what_waited_too_long_waits_under_another_name() {
    let mut history = vec![loaded("one")];
    let (first, _) = held(asked(&history, "two", NOW));
    history.push(recorded(&first));
    let late = NOW + CONFIRM_WITHIN;
    let (second, fresh) = held(asked(&history, "two", late));
    assert!(fresh && second.digest != first.digest && second.until == late + CONFIRM_WITHIN);
    history.push(confirmed(&first));
    assert_eq!(asked(&history, "two", late), Decision::Apply, "one that was given in time counts");
}

#[test]
fn a_change_that_was_taken_back_is_forgotten() {
    let mut history = vec![loaded("one")];
    let (first, _) = held(asked(&history, "two", NOW));
    let back = Event::ChangeWithdrawn { digest: first.digest.clone(), subject: subject().word() };
    history.extend([recorded(&first), confirmed(&first), back]);
    let (again, fresh) = held(asked(&history, "two", NOW));
    assert!(fresh && again.digest != first.digest);
}

#[test]
fn what_another_node_brought_into_force_applies_here_too() {
    assert_eq!(asked(&[loaded("one"), loaded("two")], "two", NOW), Decision::Apply);
    let gone = [loaded("one"), Event::ProcessRemoved { file: "ops/a.yaml".into() }];
    let removal = |history: &[Event]| {
        let book = Book::fold(&subject(), history);
        decide(subject(), ("one", None), (vec!["process removed".into()], vec![]), Standing::Relied, &book, NOW)
    };
    assert_eq!(removal(&gone), Decision::Apply);
    assert!(matches!(removal(&gone[..1]), Decision::Hold { .. }));
    assert!(matches!(removal(&[]), Decision::Hold { .. }));
}

#[test]
fn a_condition_asks_surely_less() {
    let all = [
        ("a > 1", "a > 1", ""),
        ("size > 1KiB", "size>1KiB", ""),
        ("size > 1MiB", "size > 1KiB", "`size > 1MiB` became `size > 1KiB`"),
        ("size > 1KiB", "size > 1MiB", ""),
        ("1MiB < size", "size > 1KiB", "`1MiB < size` became `size > 1KiB`"),
        ("size > 1KiB", "size >= 1KiB", "`size > 1KiB` became `size >= 1KiB`"),
        ("age < 1h", "age < 7d", "`age < 1h` became `age < 7d`"),
        ("age < 1h", "age < 30m", ""),
        ("a > 0.5 * usual.size", "a > usual.size * 0.4", "`a > 0.5 * usual.size` became `a > usual.size * 0.4`"),
        ("exit == 0 && value > 1", "value > 1", "`exit == 0` is not asked any more"),
        ("exit == 0 && value > 1", "true", "`exit == 0` is not asked any more; `value > 1` is not asked any more"),
        ("exit == 0", "exit in [0, 1]", "`exit == 0` is not asked any more"),
        ("stdout.trim() == \"a\"", "stdout.trim() == \"b\"", ""),
        ("stdout.contains(\"a\")", "stdout.contains(\"b\")", ""),
        ("stdout.contains('ab')", "stdout.contains('a')", "`stdout.contains('ab')` became `stdout.contains('a')`"),
        ("stdout.contains('a')", "stdout.contains('')", "`stdout.contains('a')` became `stdout.contains('')`"),
        ("stdout.matches('^a')", "stdout.matches('a*')", "`stdout.matches('^a')` became `stdout.matches('a*')`"),
        ("size > 100", "size > 100 - 1GiB", "`size > 100` became `size > 100 - 1GiB`"),
        ("size > 100", "1000000 * size > 100", "`size > 100` became `1000000 * size > 100`"),
        ("size > 100", "size / 2 > 100", ""),
        ("size > 100", "size + 5 > 100", "`size > 100` became `size + 5 > 100`"),
        ("size > 100", "size == size", "`size > 100` is not asked any more"),
        ("exit == 0", "exit != 300", "`exit == 0` is not asked any more"),
        ("size > 100", "size > 100 && 1 == 1", ""),
        ("value == 3", "value == 3 || true", "`value == 3` became `value == 3 || true`"),
        ("stdout == \"a b\"", "stdout == \"ab\"", ""),
        ("value > (", "value > 1", ""),
        ("-5 < value", "-9 < value", "`-5 < value` became `-9 < value`"),
    ];
    for (old, new, want) in all {
        assert_eq!(looser(old, new).join("; "), want, "{old} -> {new}");
    }
}

#[test]
fn a_branch_has_a_book_of_its_own_in_the_stream_of_the_site() {
    let main = Subject::Branch("main".into());
    let book = Book::default();
    let decision =
        decide(main.clone(), ("a", Some("b")), (vec!["history".into()], vec![]), Standing::Relied, &book, NOW);
    let (waits, _) = held(decision);
    let history = [recorded(&waits), confirmed(&waits)];
    assert_eq!(Book::fold(&main, &history).confirmed.unwrap(), waits.digest);
    assert_eq!(Book::fold(&Subject::Branch("other".into()), &history), Book::default());
    let followed = Event::BranchFollowed { branch: "main".into(), commit: "b".into() };
    let all: Vec<_> = history.into_iter().chain([followed]).collect();
    assert_eq!(Book::fold(&main, &all).confirmed, None);
}
