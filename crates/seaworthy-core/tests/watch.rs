//! What the watcher says of one process, fact by fact. Times are days and hours of June 2026 in Berlin's zone.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeMap;

use seaworthy_core::{
    schedule::{Timetable, parse_time, utc},
    watch::{Finding, MISSED_MAX, WatchFacts, changes, judge, next_look},
};
use seaworthy_model::{
    event::{SignalKind, SkipReason},
    id::{RunId, SignalId},
    process::{Drill, Missed, Overlap, Process, RestoreDrill, Schedule, Tier, Watch, When},
    run::{Artifact, Cause, Executed, Kind, Verified},
    schedule::Pause,
    time::{At, Span},
    view::{EndedRun, LiveRun, SignalRow, SkippedRow},
};

fn at(text: &str) -> At {
    parse_time(&format!("2026-06-{text}")).unwrap()
}

const fn minutes(n: u64) -> Span {
    Span::seconds(60 * n)
}

fn run_id(n: u8) -> RunId {
    RunId::new(At(0), &[n; 10])
}

struct World {
    process: Process,
    timetable: Timetable,
    live: Vec<LiveRun>,
    ended: Vec<EndedRun>,
    skipped: Vec<SkippedRow>,
    pause: Option<Pause>,
    artifact: Option<Result<Artifact, String>>,
}

/// Nightly at 01:00 UTC unless changed, to start within 10 minutes and to finish within an hour.
fn world(cron: &str) -> World {
    let (missed, overlap) = (Missed::Latest, Overlap::Forbid);
    let schedule = Schedule { missed, overlap, ..Schedule::new(When::Cron(cron.into()), "Europe/Berlin") };
    let timetable = Timetable::parse(&schedule).unwrap();
    let process = Process {
        tier: Tier::B,
        schedule: Some(schedule),
        watch: Some(Watch { start_within: Some(minutes(10)), finish_within: Some(minutes(60)) }),
        keep: 3,
        ..Process::named("backup")
    };
    World { process, timetable, live: vec![], ended: vec![], skipped: vec![], pause: None, artifact: None }
}

impl World {
    fn facts(&self, now: At) -> WatchFacts<'_> {
        WatchFacts {
            process: &self.process,
            timetable: Some(&self.timetable),
            in_force_since: at("10 00:00"),
            live: &self.live,
            ended: &self.ended,
            skipped: &self.skipped,
            pause: self.pause.as_ref(),
            blackouts: &[],
            artifact: self.artifact.clone(),
            now,
        }
    }

    fn keys(&self, now: &str) -> Vec<String> {
        judge(&self.facts(at(now))).into_iter().map(|finding| finding.key).collect()
    }

    fn look(&self, now: &str) -> Option<String> {
        next_look(&self.facts(at(now))).map(|t| utc(t)[8..16].replace('T', " "))
    }

    fn live(&mut self, n: u8, nominal: Option<&str>, claimed: Option<&str>) {
        self.live.push(LiveRun {
            run: run_id(n),
            process: "backup".into(),
            kind: Kind::Run,
            cause: nominal.map_or(Cause::Person, |nominal| Cause::Schedule { nominal: at(nominal) }),
            requested_at: at("10 00:00"),
            claimed_at: claimed.map(at),
            fence: 1,
            doing: "step dump, attempt 1".into(),
            troubled: false,
        });
    }

    fn ended(&mut self, n: u8, kind: Kind, nominal: Option<&str>, started: &str, ended: &str, verified: Verified) {
        let artifact = Artifact {
            name: "orders.dump".into(),
            bytes: 100,
            sha256: Some("aa".into()),
            modified: at(ended),
            place: "/runs/1/orders.dump".into(),
        };
        let run = EndedRun {
            run: run_id(n),
            process: "backup".into(),
            kind,
            digest: "d".into(),
            cause: nominal.map_or(Cause::Person, |nominal| Cause::Schedule { nominal: at(nominal) }),
            requested_at: at(started),
            started_at: Some(at(started)),
            ended_at: at(ended),
            executed: Executed::Ok,
            verified,
            reason: String::new(),
            duration: Span::ZERO,
            recovery: None,
            objective: None,
            heals: 0,
            artifacts: vec![artifact],
            measures: BTreeMap::new(),
        };
        self.ended.insert(0, run);
    }

    fn skip(&mut self, nominal: &str, reason: SkipReason) {
        self.skipped.insert(
            0,
            SkippedRow {
                process: "backup".into(),
                nominal: at(nominal),
                reason,
                detail: String::new(),
                count: 1,
                trigger: String::new(),
            },
        );
    }
}

const NIGHTLY: &str = "0 3 * * *";

#[test]
fn nothing_started_within_the_limit_is_missed() {
    let world = world(NIGHTLY);
    assert_eq!(world.keys("10 01:10"), [""; 0], "the limit itself still holds");
    assert_eq!(world.look("10 00:30").as_deref(), Some("10 01:10"));
    assert_eq!(world.keys("10 01:11"), ["missed/backup/2026-06-10T01:00:00Z"]);
    let finding = &judge(&world.facts(at("10 01:11")))[0];
    assert_eq!(
        finding.expected,
        "`backup` starts within 10m of 2026-06-10T01:00:00Z (2026-06-10 03:00 Europe/Berlin (+02:00))"
    );
    assert_eq!(
        finding.seen,
        "nothing had started by 2026-06-10T01:11:00Z (2026-06-10 03:11 Europe/Berlin (+02:00)); it never started"
    );
    assert_eq!((finding.kind, finding.nominal), (SignalKind::Missed, Some(at("10 01:00"))));
}

#[test]
fn any_later_start_clears_what_was_missed() {
    let mut world = world(NIGHTLY);
    world.live(1, None, Some("10 05:00"));
    assert_eq!(world.keys("10 05:01"), [""; 0]);
    assert_eq!(world.look("10 05:01").as_deref(), Some("10 06:00"), "then it runs too long");
    world.live.clear();
    world.ended(1, Kind::Drill, None, "10 05:00", "10 05:05", Verified::Yes);
    assert_eq!(world.keys("10 05:10"), ["missed/backup/2026-06-10T01:00:00Z"], "a drill is not a run");
}

#[test]
fn a_start_from_outside_is_for_the_nominal_time_before_it_by_a_clock_that_may_be_ahead() {
    let mut world = world(NIGHTLY);
    world.process.pinged = true;
    assert_eq!(world.keys("10 01:11"), ["missed/backup/2026-06-10T01:00:00Z"]);
    world.ended(1, Kind::Run, None, "10 01:00", "10 01:05", Verified::Unproven);
    assert_eq!(world.keys("10 02:00"), [""; 0]);
    // Half a minute before its time is still for it, half an hour is not.
    world.ended(2, Kind::Run, None, "11 00:59", "11 01:05", Verified::Unproven);
    assert_eq!(world.keys("11 01:30"), [""; 0]);
    world.ended(3, Kind::Run, None, "12 00:30", "12 00:35", Verified::Unproven);
    assert_eq!(world.keys("12 01:11"), ["missed/backup/2026-06-12T01:00:00Z"]);
    world.ended(4, Kind::Run, None, "12 01:20", "12 01:25", Verified::Unproven);
    assert_eq!(world.keys("12 01:30"), ["late/backup/2026-06-12T01:00:00Z"]);
    world.ended(5, Kind::Run, None, "13 01:00", "13 01:05", Verified::Unproven);
    assert_eq!(world.keys("13 01:30"), [""; 0]);
}

#[test]
fn a_start_that_a_clock_ahead_has_dated_silences_nothing() {
    let mut world = world(NIGHTLY);
    world.ended(1, Kind::Run, Some("12 01:00"), "12 01:00", "12 01:05", Verified::Yes);
    assert_eq!(world.keys("10 01:11"), ["missed/backup/2026-06-10T01:00:00Z"]);
    world.ended(2, Kind::Run, Some("10 01:00"), "10 01:00", "10 01:05", Verified::Yes);
    assert_eq!(world.keys("10 01:11"), [""; 0]);
}

#[test]
fn a_run_that_nobody_took_has_not_started() {
    let mut world = world(NIGHTLY);
    world.live(1, Some("10 01:00"), None);
    let finding = &judge(&world.facts(at("10 01:11")))[0];
    assert_eq!((finding.kind, finding.run), (SignalKind::Missed, Some(run_id(1))));
    assert!(finding.seen.ends_with("was requested but no node took it"), "{}", finding.seen);
}

#[test]
fn a_late_start_turns_missed_into_late_until_the_next_start() {
    let mut world = world(NIGHTLY);
    world.live(1, Some("10 01:00"), Some("10 01:20"));
    let finding = &judge(&world.facts(at("10 01:21")))[0];
    assert_eq!(finding.key, "late/backup/2026-06-10T01:00:00Z");
    assert_eq!(finding.seen, "it started 20m late, at 2026-06-10T01:20:00Z (2026-06-10 03:20 Europe/Berlin (+02:00))");
    world.live.clear();
    world.ended(1, Kind::Run, Some("10 01:00"), "10 01:20", "10 01:30", Verified::Yes);
    world.ended(2, Kind::Run, Some("11 01:00"), "11 01:00", "11 01:30", Verified::Yes);
    assert_eq!(world.keys("11 02:00"), [""; 0]);
}

#[test]
fn a_run_that_started_before_its_nominal_time_by_a_set_clock_serves_it() {
    let mut world = world(NIGHTLY);
    world.ended(1, Kind::Run, Some("10 01:00"), "10 00:59", "10 01:30", Verified::Yes);
    assert_eq!(world.keys("10 02:00"), [""; 0]);
    assert_eq!(world.look("10 02:00").as_deref(), Some("11 01:10"));
}

#[test]
fn occurrences_of_a_schedule_before_this_one_are_not_judged() {
    let mut world = world(NIGHTLY);
    world.ended(1, Kind::Run, Some("09 01:00"), "09 05:00", "09 05:30", Verified::Yes);
    assert_eq!(world.keys("10 00:30"), [""; 0], "late, but by the limits of another definition");
}

#[test]
fn an_overlap_is_not_missed_but_downtime_is() {
    let mut world = world("0 * * * *");
    world.ended(1, Kind::Run, Some("10 01:00"), "10 01:00", "10 01:50", Verified::Yes);
    world.skip("10 02:00", SkipReason::Overlap);
    assert_eq!(world.keys("10 02:30"), [""; 0]);
    assert_eq!(world.look("10 02:30").as_deref(), Some("10 03:10"), "the next one not skipped");
    world.skip("10 03:00", SkipReason::Downtime);
    let finding = &judge(&world.facts(at("10 03:30")))[0];
    assert_eq!(finding.key, "missed/backup/2026-06-10T03:00:00Z");
    assert!(finding.seen.ends_with("it was skipped: downtime"), "{}", finding.seen);
}

#[test]
fn skips_that_were_not_given_are_not_missed() {
    let mut world = world("0 * * * *");
    world.live(1, Some("10 01:00"), Some("10 01:00"));
    world.process.watch = Some(Watch { start_within: Some(minutes(10)), finish_within: None });
    assert_eq!(world.keys("10 09:30"), ["missed/backup/2026-06-10T02:00:00Z"]);
    world.skip("10 08:00", SkipReason::Overlap);
    world.skip("10 09:00", SkipReason::Overlap);
    assert_eq!(world.keys("10 09:30"), [""; 0], "nor are those before the two newest rows");
    assert_eq!(world.keys("10 10:11"), ["missed/backup/2026-06-10T10:00:00Z"]);
}

#[test]
fn an_outage_is_told_once_a_day_and_not_for_ever() {
    let minutely = world("* * * * *");
    assert_eq!(minutely.keys("10 12:00"), ["missed/backup/2026-06-10T00:01:00Z"]);
    assert_eq!(minutely.keys("12 12:00").len(), 3);
    let weeks = minutely.keys("30 12:00");
    assert_eq!(weeks.len(), MISSED_MAX);
    assert_eq!(weeks[..3], minutely.keys("12 12:00"), "keys stay while the outage lasts");
    let nightly = world(NIGHTLY);
    assert_eq!(nightly.keys("12 12:00").len(), 3, "every night is told");
}

#[test]
fn a_run_beyond_its_limit_is_too_long_while_and_after() {
    let mut world = world(NIGHTLY);
    world.live(1, Some("10 01:00"), Some("10 01:05"));
    assert_eq!(world.look("10 01:30").as_deref(), Some("10 02:05"));
    assert_eq!(world.keys("10 02:05"), [""; 0]);
    assert_eq!(world.keys("10 02:06"), [format!("long/backup/{}", run_id(1))]);
    assert!(judge(&world.facts(at("10 02:06")))[0].seen.contains("1h 1m: step dump, attempt 1"));
    world.live.clear();
    world.ended(1, Kind::Run, Some("10 01:00"), "10 01:05", "10 03:05", Verified::Yes);
    let finding = &judge(&world.facts(at("10 04:00")))[0];
    assert_eq!(finding.key, format!("long/backup/{}", run_id(1)), "the same signal");
    assert!(finding.seen.starts_with("it ran for 2h, until 2026-06-10T03:05:00Z"), "{}", finding.seen);
    world.ended(2, Kind::Run, Some("11 01:00"), "11 01:00", "11 01:30", Verified::Yes);
    assert_eq!(world.keys("11 01:40"), [""; 0]);
}

#[test]
fn a_drill_is_overdue_counted_from_the_last_verified_one() {
    let mut world = world(NIGHTLY);
    world.process.watch = None;
    let restore = RestoreDrill {
        every: Some(Span::seconds(86_400)),
        recovery_time: None,
        steps: vec![],
        verify: vec![],
        after: vec![],
    };
    world.process.drill = Some(Drill { restore: Some(restore), people: None });
    assert_eq!(world.look("10 12:00").as_deref(), Some("11 00:00"));
    assert_eq!(world.keys("11 00:01"), ["drill/backup"], "and nothing is missed without `watch:`");
    world.ended(1, Kind::Drill, None, "11 01:00", "11 01:05", Verified::No);
    assert_eq!(world.keys("11 02:00"), ["drill/backup"]);
    world.ended(2, Kind::Drill, None, "11 03:00", "11 03:05", Verified::Yes);
    assert_eq!(world.keys("12 03:05"), [""; 0]);
    assert_eq!(world.keys("12 03:06"), ["drill/backup"]);
}

#[test]
fn an_artifact_that_changed_or_went_is_found() {
    let mut world = world(NIGHTLY);
    world.ended(1, Kind::Run, Some("10 01:00"), "10 01:00", "10 01:30", Verified::Yes);
    world.ended(2, Kind::Run, None, "10 02:00", "10 02:30", Verified::No);
    let whole = world.ended[1].artifacts[0].clone();
    let key = format!("artifact/backup/{}", run_id(1));
    let cases = [
        (None, None),
        (Some(Ok(whole.clone())), None),
        (Some(Ok(Artifact { bytes: 99, ..whole.clone() })), Some("it has 99 bytes")),
        (Some(Ok(Artifact { sha256: Some("bb".into()), ..whole })), Some("it has the same size but SHA-256 bb")),
        (Some(Err("the file is not there".into())), Some("the file is not there")),
    ];
    for (artifact, seen) in cases {
        world.artifact = artifact;
        let findings = judge(&world.facts(at("10 03:00")));
        assert_eq!(findings.len(), usize::from(seen.is_some()), "{findings:?}");
        if let Some(seen) = seen {
            assert_eq!(findings[0].key, key);
            assert!(findings[0].seen.ends_with(seen), "{}", findings[0].seen);
        }
    }
}

#[test]
fn only_changes_are_raised_and_cleared() {
    let finding = |key: &str| Finding {
        key: key.into(),
        kind: SignalKind::Missed,
        nominal: None,
        run: None,
        expected: String::new(),
        seen: String::new(),
    };
    let row = |key: &str, kind, cleared_at| SignalRow {
        signal: SignalId::new(At(0), &[1; 10]),
        key: key.into(),
        process: "backup".into(),
        kind,
        raised_at: At(0),
        cleared_at,
        nominal: None,
        run: None,
        expected: String::new(),
        seen: String::new(),
    };
    let open = [
        row("a", SignalKind::Missed, None),
        row("b", SignalKind::Late, None),
        row("c", SignalKind::Missed, Some(At(1))),
        row("node", SignalKind::NodeSilent, None),
    ];
    let (raise, clear) = changes(&open, &[finding("a"), finding("c"), finding("d")]);
    assert_eq!(raise, [finding("c"), finding("d")], "what was cleared may come again");
    assert_eq!(clear, [open[1].clone()]);
}

#[test]
fn what_a_pause_keeps_from_running_is_not_missed_and_a_long_one_is_said() {
    let mut world = world(NIGHTLY);
    let pause =
        |until: &str, extended| Pause { since: at("10 00:30"), until: at(until), reason: "moving".into(), extended };
    assert_eq!(world.keys("11 01:11").len(), 2);
    world.pause = Some(pause("12 00:00", 0));
    assert_eq!(world.keys("11 01:11"), [""; 0], "quiet in the pause");
    assert_eq!(world.keys("12 01:11"), ["missed/backup/2026-06-12T01:00:00Z"], "and not after it");
    world.pause = Some(pause("29 00:00", 0));
    assert_eq!(world.keys("20 00:00"), [""; 0], "one long pause was meant");
    world.pause = Some(pause("29 00:00", 3));
    assert_eq!(world.keys("17 00:30"), [""; 0], "the limit itself still holds");
    assert_eq!(world.look("17 00:00").as_deref(), Some("17 00:30"));
    assert_eq!(world.keys("17 00:31"), ["paused/backup/2026-06-10T00:30:00Z"]);
}
