//! Cases by hand for what a person may write; the many are in `tests/golden.rs`.

use super::*;

pub(super) fn schedule(cron: &str, timezone: &str) -> Schedule {
    Schedule::new(When::Cron(cron.to_owned()), timezone)
}

fn at(text: &str) -> At {
    parse_time(text).unwrap()
}

fn fires(cron: &str, zone: &str, after: &str, n: usize) -> Vec<String> {
    let timetable = Timetable::parse(&schedule(cron, zone)).unwrap();
    let mut t = at(after);
    (0..n)
        .map(|_| {
            t = timetable.next_after(t).unwrap();
            utc(t)
        })
        .collect()
}

#[test]
fn a_nominal_time_in_a_gap_fires_right_after_it_and_in_a_fold_once() {
    assert_eq!(
        fires("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
    assert_eq!(
        fires("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
}

#[test]
fn a_starred_expression_follows_elapsed_time() {
    assert_eq!(
        fires("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z", 5),
        [
            "2026-10-25T00:00:00Z",
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:00:00Z"
        ]
    );
}

#[test]
fn what_never_fires_is_refused_at_load() {
    for (cron, zone) in [
        ("0 0 30 2 *", "UTC"),
        ("0 0 31 4,6,9,11 *", "UTC"),
        ("0 0 29-31 2 */7", "UTC"),
        // The last Sunday of March, in the hour that Berlin leaves out, by elapsed time.
        ("* 2 * 3 0L", "Europe/Berlin"),
    ] {
        let timetable = Timetable::parse(&schedule(cron, zone));
        if cron == "0 0 29-31 2 */7" {
            assert!(timetable.is_ok(), "a Sunday that is 29 February comes in 2032");
        } else {
            assert!(timetable.unwrap_err().message.contains("never fires"), "{cron}");
        }
    }
}

#[test]
fn a_wrong_field_is_pointed_at() {
    let cases = [
        ("0 25 * * *", 2, 2, "`25` is not a valid hour"),
        ("0 1 * * FOO", 8, 3, "`FOO` is not a valid day of week"),
        ("0  1-0 * * *", 3, 3, "the hour range `1-0` runs backwards"),
        ("*/0 * * * *", 2, 1, "`0` is not a step for the minute"),
        ("1,,2 * * * *", 0, 4, "the minute `1,,2` has a comma with nothing beside it"),
        ("0 0 * * 1#6", 10, 1, "`6` does not say which weekday of the month"),
        ("0 0 * *", 0, 7, "a cron expression has five fields, this one has 4"),
        ("0 0 0 * * *", 0, 11, "a cron expression has five fields, this one has 6"),
        ("@reboot", 0, 7, "`@reboot` is not a known expression"),
        ("0 0 L/2 * *", 4, 1, "`L` is not a valid day of month"),
        ("- 0 * * *", 0, 0, "the minute lacks a value here"),
        ("é 0 * * *", 0, 2, "`é` is not a valid minute"),
        ("99999999999999999999 0 * * *", 0, 20, "`99999999999999999999` is not a valid minute"),
    ];
    for (cron, at, len, message) in cases {
        let problem = Timetable::parse(&schedule(cron, "UTC")).unwrap_err();
        assert_eq!((problem.at, problem.len, problem.message.as_str()), (at, len, message), "{cron}");
        assert!(!problem.help.is_empty());
    }
}

#[test]
fn an_unknown_zone_is_answered_with_the_nearest() {
    for (written, meant) in [
        ("Europe/Berln", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("Etc/Unknown", ""),
        ("", ""),
    ] {
        let problem = zone_exists(written).unwrap_err();
        assert_eq!((problem.at, problem.len, problem.about), (0, written.len(), Part::Timezone));
        assert!(problem.help.contains(meant), "{written}: {}", problem.help);
    }
    assert_eq!(zone_exists("Australia/Lord_Howe"), Ok(()));
}

#[test]
fn an_interval_is_aligned_to_its_anchor() {
    let every = |span, anchor| Schedule { when: When::Every { span, anchor }, ..schedule("", "UTC") };
    let timetable = Timetable::parse(&every(Span::seconds(90), At(5))).unwrap();
    assert_eq!(timetable.next_after(At(4)), Some(At(5)));
    assert_eq!(timetable.next_after(At(5)), Some(At(90_000_000_005)));
    assert_eq!(timetable.next_after(At(-1)), Some(At(5)));
    assert_eq!(timetable.next_after(At(i64::MAX)), None);
    assert_eq!(timetable.period_after(At(0)), Span::seconds(90));
    assert!(Timetable::parse(&every(Span::ZERO, At(0))).is_err());
}

#[test]
fn times_are_shown_and_read_in_their_zone() {
    let timetable = Timetable::parse(&schedule("0 3 * * *", "europe/berlin")).unwrap();
    assert_eq!(timetable.local(at("2026-03-29T01:00:00Z")), "2026-03-29 03:00 Europe/Berlin (+02:00)");
    assert_eq!(timetable.local(at("2026-03-29T00:59:07Z")), "2026-03-29 01:59:07 Europe/Berlin (+01:00)");
    for (text, expected) in [
        ("2026-03-29T03:00:00+02:00", "2026-03-29T01:00:00Z"),
        ("2026-03-29 02:30 Europe/Berlin", "2026-03-29T01:00:00Z"),
        ("2026-10-25 02:30 Europe/Berlin", "2026-10-25T00:30:00Z"),
        ("2026-03-29 03:00 Europe/Berlin (+02:00)", "2026-03-29T01:00:00Z"),
        ("2026-03-29T03:00", "2026-03-29T03:00:00Z"),
        ("2026-03-29", "2026-03-29T00:00:00Z"),
    ] {
        assert_eq!(utc(at(text)), expected, "{text}");
    }
    assert_eq!(utc(parse_time_in("2026-07-01 12:00", "America/New_York").unwrap()), "2026-07-01T16:00:00Z");
    for wrong in ["", "tomorrow", "2026-02-30 00:00", "2026-03-29 02:00 Nowhere", "2500-01-01"] {
        assert!(parse_time(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_wrong_calendar_is_pointed_at() {
    let cases = [
        ("Mum 02:30", 0, 3, "`Mum` is not a day of the week"),
        ("Mon,Fri..Tue 02:30", 4, 8, "the days `Fri..Tue` run backwards"),
        ("Mon 25:00", 4, 2, "`25` is not a valid hour"),
        ("*-*-* 02:61:00", 9, 2, "`61` is not a valid minute"),
        ("*-02-30", 0, 7, "`*-02-30` never fires in UTC"),
        ("2020-01-01", 0, 10, "`2020-01-01` never fires in UTC"),
        ("*/5:00", 0, 3, "`*/5` is not a valid hour"),
        ("*:0/90", 2, 4, "the minute `0/90` has no second value"),
        ("02:30:00.5", 6, 4, "`00.5` has parts of a second"),
        ("*-*-* 02:30 extra", 12, 5, "`extra` does not belong here"),
        ("*-*-*-* 02:30", 0, 7, "`*-*-*-*` is not a date"),
    ];
    for (calendar, at, len, message) in cases {
        let schedule = Schedule::new(When::Calendar(calendar.to_owned()), "UTC");
        let problem = Timetable::parse(&schedule).unwrap_err();
        assert_eq!((problem.at, problem.len, problem.message.as_str()), (at, len, message), "{calendar}");
        assert!(!problem.help.is_empty());
    }
}

#[test]
fn any_minute_is_the_same_one_for_a_process_and_within_its_bounds() {
    let of = |name: &str, cron: &str| {
        let schedule = Schedule { spread_by: Some(name.to_owned()), ..schedule(cron, "UTC") };
        Timetable::parse(&schedule).map(|timetable| utc(timetable.next_after(at("2026-01-01T00:00:00Z")).unwrap()))
    };
    // 17 is what this name draws; it may never change, or every such schedule would move.
    assert_eq!(of("backup-orders", "~ 3 * * *"), Ok("2026-01-01T03:17:00Z".into()));
    assert_eq!(of("backup-orders", "~ 3 * * *"), of("backup-orders", "0~59 3 * * *"));
    let all: std::collections::BTreeSet<String> =
        (0..500).map(|n| of(&format!("p{n}"), "10~19 ~ * * *").unwrap()).collect();
    assert!(all.iter().all(|fire| fire.as_bytes()[14] == b'1'), "minutes 10 to 19: {all:?}");
    assert!(all.len() > 100, "they spread over the day: {}", all.len());
    // The 31st would leave months out.
    assert!((0..200).all(|n| of(&format!("p{n}"), "0 0 ~ 2 *").is_ok()));
    let problem = of("it", "30~10 3 * * *").unwrap_err();
    assert_eq!((problem.at, problem.len, problem.help.as_str()), (0, 5, "write the lower value first: `10~30`"));
}

#[test]
fn jitter_puts_every_fire_off_by_the_same_part_and_counts_stay_right() {
    let of = |name: &str| Schedule {
        jitter: Some(Span::seconds(600)),
        spread_by: Some(name.to_owned()),
        ..schedule("30 2 * * *", "Europe/Berlin")
    };
    let shifts: std::collections::BTreeSet<Span> =
        (0..200).map(|n| Timetable::parse(&of(&format!("p{n}"))).unwrap().shift()).collect();
    assert!(shifts.len() > 100 && shifts.iter().all(|shift| *shift < Span::seconds(600)));
    let (plain, late) =
        (Timetable::parse(&schedule("30 2 * * *", "Europe/Berlin")).unwrap(), Timetable::parse(&of("x")).unwrap());
    let mut t = at("2026-03-27T00:00:00Z");
    for _ in 0..4 {
        let fire = late.next_after(t).unwrap();
        assert_eq!(plain.next_after(t).unwrap() + late.shift(), fire);
        assert_eq!((late.count(t, fire), late.count(t, At(fire.0 - 1))), (1, 0));
        assert_eq!(late.newest(t, fire, 3), [fire]);
        t = fire;
    }
}

#[test]
fn expressions_of_a_list_that_fire_at_one_moment_are_one_occurrence() {
    let when = |cron: &str| When::Cron(cron.to_owned());
    let both = Schedule { when: When::Any(vec![when("0 */6 * * *"), when("0 6,9 * * *")]), ..schedule("", "UTC") };
    let timetable = Timetable::parse(&both).unwrap();
    let (from, upto) = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
    let fires: Vec<String> =
        timetable.newest(from, upto, 9).into_iter().map(|fire| utc(fire)[11..16].to_owned()).collect();
    assert_eq!(fires, ["06:00", "09:00", "12:00", "18:00", "00:00"]);
    assert_eq!(timetable.count(from, upto), 5);
    assert_eq!(timetable.newest(from, upto, 2), [at("2026-01-01T18:00:00Z"), upto]);
}
