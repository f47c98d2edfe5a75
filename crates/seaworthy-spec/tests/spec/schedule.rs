//! Schedules in files: what is read, and where what is wrong is pointed at.

use expect_test::expect;
use seaworthy_core::schedule::utc;
use seaworthy_model::{
    process::{Overlap, When},
    schedule::{Days, WhenOver},
    time::{At, Span},
};

use seaworthy_spec::read;

use crate::{problems, process::process, site_problems, source};

#[test]
fn a_schedule_counts_intervals_from_its_anchor() {
    let read = |schedule: &str| process(&format!("process: it\nschedule: {schedule}\n")).schedule.expect("it has one");
    let every = read("{ every: 15m, anchor: '2026-01-01T00:05:00Z', overlap: { queue: 3 }, within: 1h }");
    // 20,454 days lie between 1970-01-01 and 2026-01-01.
    let anchor = At((20_454 * 86_400 + 300) * 1_000_000_000);
    assert_eq!(every.when, When::Every { span: Span::seconds(900), anchor });
    assert_eq!((every.overlap, every.within), (Overlap::Queue(3), Some(Span::seconds(3_600))));
    assert_eq!(read("{ cron: '@x' }".replace("@x", "5 4 * * sun").as_str()).timezone, "UTC");
    assert_eq!(read("{ every: 1d, overlap: queue(2) }").overlap, Overlap::Queue(2));
    assert_eq!(read("{ every: 1d, overlap: allow }").overlap, Overlap::Allow);
}

#[test]
fn a_schedule_is_one_expression_or_several_of_one_zone() {
    let read = |schedule: &str| process(&format!("process: it\nschedule: {schedule}\n")).schedule.expect("it has one");
    let calendar = |text: &str| When::Calendar(text.into());
    let own = read("{ calendar: 'Mon..Fri 02:30 Europe/Berlin' }");
    assert_eq!((own.when, own.timezone.as_str()), (calendar("Mon..Fri 02:30"), "Europe/Berlin"));
    let two = read("{ calendar: [daily, 'Sat 18:00'], timezone: Europe/Berlin }");
    assert_eq!(two.when, When::Any(vec![calendar("daily"), calendar("Sat 18:00")]));
    assert_eq!((two.jitter, two.spread_by), (None, None));
    let spread = read("{ cron: '~ 3 * * *', jitter: 10m }");
    assert_eq!((spread.jitter, spread.spread_by.as_deref()), (Some(Span::seconds(600)), Some("it")));
    assert_eq!(read("{ cron: '~ 3 * * *' }").spread_by.as_deref(), Some("it"));
}

#[test]
fn wrong_schedules_are_marked_inside_their_text() {
    let texts = [
        "{ cron: '0 25 * * *' }",
        "{ cron: \"0 1 30 2 *\" }",
        "{ cron: 0 1 * * }",
        "{ cron: '0 1 * * *', every: 1h }",
        "{ calendar: 'Mon *-*-* 25:00' }",
        "{ calendar: '*-02-30' }",
        "{ calendar: [daily, 'Mon 02:30 Europe/Berlin'] }",
        "{ calendar: 'Mon 02:30 Europe/Berln' }",
        "{ cron: ['0 1 * * *', '0 1 * * 9'] }",
        "{ cron: '0 1 * * *', jitter: 2d }",
        "{ every: 10ms }",
        "{ every: 0s }",
        "{ every: 1h, timezone: Mars/Base }",
        "{ every: 1h, anchor: yesterday }",
        "0 1 * * *",
    ];
    let shown: String = texts.iter().map(|text| problems(&format!("process: it\nschedule: {text}\n"))).collect();
    expect![[r#"
        error[bad-schedule]: `25` is not a valid hour
          --> ops/it.yaml:2:22
          |
        2 | schedule: { cron: '0 25 * * *' }
          |                      ^^ help: write a number from 0 to 23
        error[bad-schedule]: `0 1 30 2 *` never fires in UTC
          --> ops/it.yaml:2:20
          |
        2 | schedule: { cron: "0 1 30 2 *" }
          |                    ^^^^^^^^^^ help: no such day and time comes within 50 years; write a day that its month has, such as `L` (in a calendar `~01`) for the last one
        error[bad-schedule]: a cron expression has five fields, this one has 4
          --> ops/it.yaml:2:19
          |
        2 | schedule: { cron: 0 1 * * }
          |                   ^^^^^^^ help: write minute, hour, day of month, month and day of week, such as `30 2 * * *`, or one of @yearly, @monthly, @weekly, @daily, @hourly
        error[two-kinds]: a schedule has both `cron` and `every`
          --> ops/it.yaml:2:32
          |
        2 | schedule: { cron: '0 1 * * *', every: 1h }
          |                                ^^^^^ help: keep one of them
        error[bad-schedule]: `25` is not a valid hour
          --> ops/it.yaml:2:34
          |
        2 | schedule: { calendar: 'Mon *-*-* 25:00' }
          |                                  ^^ help: write a number from 0 to 23
        error[bad-schedule]: `*-02-30` never fires in UTC
          --> ops/it.yaml:2:24
          |
        2 | schedule: { calendar: '*-02-30' }
          |                        ^^^^^^^ help: no such day and time comes within 50 years; write a day that its month has, such as `L` (in a calendar `~01`) for the last one
        error[two-zones]: one schedule has one time zone
          --> ops/it.yaml:2:42
          |
        2 | schedule: { calendar: [daily, 'Mon 02:30 Europe/Berlin'] }
          |                                          ^^^^^^^^^^^^^ help: write it once, under `timezone:`; what is due in another zone is another process
        error[bad-timezone]: `Europe/Berln` is not a time zone
          --> ops/it.yaml:2:34
          |
        2 | schedule: { calendar: 'Mon 02:30 Europe/Berln' }
          |                                  ^^^^^^^^^^^^ help: did you mean `Europe/Berlin`? Names are those of the IANA database, such as `Europe/Berlin`
        error[bad-schedule]: `9` is not a valid day of week
          --> ops/it.yaml:2:42
          |
        2 | schedule: { cron: ['0 1 * * *', '0 1 * * 9'] }
          |                                          ^ help: write a number from 0 to 7, or a name from SUN to SAT
        error[wrong-value]: a jitter of 2d is out of bounds
          --> ops/it.yaml:2:40
          |
        2 | schedule: { cron: '0 1 * * *', jitter: 2d }
          |                                        ^^ help: write one from 1s to 1d
        error[bad-schedule]: an interval of 10ms is too short
          --> ops/it.yaml:2:20
          |
        2 | schedule: { every: 10ms }
          |                    ^^^^ help: the shortest is 1s
        error[wrong-value]: no time at all is not a length of time here
          --> ops/it.yaml:2:20
          |
        2 | schedule: { every: 0s }
          |                    ^^ help: write a longer one, such as `30s`
        error[bad-timezone]: `Mars/Base` is not a time zone
          --> ops/it.yaml:2:34
          |
        2 | schedule: { every: 1h, timezone: Mars/Base }
          |                                  ^^^^^^^^^ help: did you mean `Africa/Harare`? Names are those of the IANA database, such as `Europe/Berlin`
        error[wrong-value]: `yesterday` is not a time
          --> ops/it.yaml:2:32
          |
        2 | schedule: { every: 1h, anchor: yesterday }
          |                                ^^^^^^^^^ help: write `2026-03-29T01:00:00Z`, or `2026-03-29 02:00 Europe/Berlin` for a local time
        error[wrong-type]: here is a text, but a mapping (a schedule) is wanted
          --> ops/it.yaml:2:11
          |
        2 | schedule: 0 1 * * *
          |           ^^^^^^^^^ help: write a mapping that begins with one of: cron, calendar, every
    "#]].assert_eq(&shown);
}

const CALENDARS: &str = "site: it
calendars:
  holidays: [12-25, 2026-12-24..2027-01-02]
  workdays: Mon..Fri
blackouts:
  - { from: 2026-12-24 18:00 Europe/Berlin, until: 2026-12-27T06:00:00Z, reason: year-end freeze }
";

#[test]
fn calendars_and_blackouts_come_from_the_site_and_are_pinned_with_the_schedule() {
    let text = "process: it\nschedule:\n  cron: 0 3 * * *\n  timezone: Europe/Berlin\n  except: holidays\n  only: [workdays]\n  \
                blackouts: [{ from: 2026-07-01 00:00, until: 2026-07-02 00:00, reason: stocktaking, over: latest }]\n";
    let read = read(&source("seaworthy.yaml", CALENDARS), &[source("ops/it.yaml", text)], &|_| true);
    let schedule = read.processes[0].1.schedule.clone().expect("it has one");
    assert_eq!((schedule.except[0].name.as_str(), schedule.except[0].days.len()), ("holidays", 2));
    assert_eq!(schedule.only[0].days, [Days::Weekdays(0b1_1111)]);
    let own = &schedule.blackouts[0];
    // Local times of the schedule's own zone.
    assert_eq!((utc(own.from).as_str(), own.over), ("2026-06-30T22:00:00Z", WhenOver::Latest));
    let site = read.site.expect("it is whole");
    assert_eq!(
        (utc(site.blackouts[0].from).as_str(), site.blackouts[0].over),
        ("2026-12-24T17:00:00Z", WhenOver::Skip)
    );
}

#[test]
fn wrong_calendars_are_marked_where_they_are_named() {
    let wrong = "site: it\ncalendars: { holidays: [2026-02-30, Sat..Sun], a: tomorrow }\nblackouts:\n  - { from: 2026-02-02, until: 2026-01-01, reason: it }\n";
    let file = |keys: &str| format!("process: it\nschedule: {{ cron: 0 3 * * *, {keys} }}\n");
    let with = |keys: &str| {
        let read = read(&source("seaworthy.yaml", CALENDARS), &[source("ops/it.yaml", &file(keys))], &|_| true);
        crate::rendered(&read, &[seaworthy_spec::Severity::Error])
    };
    let shown = [
        site_problems(wrong),
        with("except: holiday"),
        with("only: workdays, except: workdays"),
        problems(&file("except: x")),
    ];
    expect![[r#"
        error[wrong-value]: `2026-02-30` is neither a day nor a span of days
          --> seaworthy.yaml:2:25
          |
        2 | calendars: { holidays: [2026-02-30, Sat..Sun], a: tomorrow }
          |                         ^^^^^^^^^^ help: write `2026-12-25`, `2026-12-24..2027-01-02`, `12-25` for every year, or weekdays such as `Sat..Sun`
        error[wrong-value]: `tomorrow` is neither a day nor a span of days
          --> seaworthy.yaml:2:51
          |
        2 | calendars: { holidays: [2026-02-30, Sat..Sun], a: tomorrow }
          |                                                   ^^^^^^^^ help: write `2026-12-25`, `2026-12-24..2027-01-02`, `12-25` for every year, or weekdays such as `Sat..Sun`
        error[bad-blackout]: this blackout ends before it begins
          --> seaworthy.yaml:4:25
          |
        4 |   - { from: 2026-02-02, until: 2026-01-01, reason: it }
          |                         ^^^^^ help: write `until` later than `from`
        error[unknown-calendar]: there is no calendar `holiday`
          --> ops/it.yaml:2:38
          |
        2 | schedule: { cron: 0 3 * * *, except: holiday }
          |                                      ^^^^^^^ help: write `holidays`; or add it under `calendars:` in the site file
        error[bad-schedule]: its calendars leave out every occurrence of the next years: it never runs
          --> ops/it.yaml:2:54
          |
        2 | schedule: { cron: 0 3 * * *, only: workdays, except: workdays }
          |                                                      ^^^^^^^^ help: look at `except` and `only`, and at the days of their calendars
        error[unknown-calendar]: there is no calendar `x`
          --> ops/it.yaml:2:38
          |
        2 | schedule: { cron: 0 3 * * *, except: x }
          |                                      ^ help: add it under `calendars:` in the site file
    "#]].assert_eq(&shown.concat());
}
