//! Calendars whose days are in files: which days they are, and where what is wrong is pointed at.

use expect_test::expect;
use seaworthy_model::schedule::Days;
use seaworthy_spec::{Read, Severity, read};

use crate::{rendered, source};

const SITE: &str =
    "site: it\ncalendars:\n  holidays: [12-24, { file: calendars/it.ics }, { file: calendars/own.txt }]\n";
const PROCESS: &str = "process: it\nschedule: { cron: 0 3 * * *, except: holidays }\nsteps: [{ id: a, run: 'true' }]\n";
const PLAIN: &str = "process: plain\nsteps: [{ id: a, run: 'true' }]\n";
/// As Google exports one: folded lines, names with colons, a time stamp.
const ICAL: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Holidays\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270326\r\n\
                    DTEND;VALUE=DATE:20270327\r\nDTSTAMP:20261101T101112Z\r\nSUMMARY:Good Friday: no\r\n  deploys\r\nEND:VEVENT\r\n\
                    BEGIN:VEVENT\r\nDTSTART;TZID=\"Europe/Berlin: it\":19900\r\n 101T000000\r\nRRULE:FREQ=YEARLY\r\nEND:VEVENT\r\n\
                    BEGIN:VEVENT\r\nSTATUS:CANCELLED\r\nDTSTART:nothing\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn with(ical: Option<&str>, list: Option<&str>) -> Read {
    let mut files = vec![source("ops/it.yaml", PROCESS), source("ops/plain.yaml", PLAIN)];
    files.extend(ical.map(|text| source("calendars/it.ics", text)));
    files.extend(list.map(|text| source("calendars/own.txt", text)));
    read(&source("seaworthy.yaml", SITE), &files, &|_| true)
}

#[test]
fn days_come_from_both_kinds_of_files_and_are_pinned_with_the_schedule() {
    let read = with(Some(ICAL), Some("# closed\n2026-12-31  # stocktaking\n\n  Sat..Sun\n"));
    assert_eq!(rendered(&read, &[Severity::Error, Severity::Warning]), "");
    let schedule = read.processes[0].1.schedule.clone().expect("it has one");
    let yearly = |day| Days::Yearly { first: day, last: day };
    let on = |day| Days::Dates { first: day, last: day };
    let days = [yearly(1224), on(20270326), yearly(101), on(20261231), Days::Weekdays(0b110_0000)];
    assert_eq!(schedule.except[0].days, days);
}

#[test]
fn a_file_that_cannot_be_used_breaks_who_names_its_calendar_and_nobody_else() {
    let event = |lines: &str| format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n");
    let good = Some("2026-12-31");
    let wrong = [
        (None, good),
        (Some("<html>not found</html>\n".to_owned()), good),
        (Some(event("DTSTART:20261224T180000Z")), good),
        (Some(event("DTSTART;VALUE=DATE:2026-12-24")), good),
        (Some(event("DTSTART:20261224\nRRULE:FREQ=YEARLY;BYEASTER=1")), good),
        (Some(event("DTSTART:20261224\nDTEND:20261220\nDURATION")), good),
        (Some(event("SUMMARY:nothing")), good),
        (Some(event("DTSTART:20261224").replace("END:VEVENT\nEND:VCALENDAR\n", "")), good),
        (Some(event("DTSTART:20200101\nRRULE:FREQ=DAILY")), good),
        (Some(event("DTSTART:20261224\nRDATE:20261226")), good),
        (Some(event("DTSTART:20261224")), Some("2026-12-31\n 31.12.2026 # eve\n2026-02-30\n")),
        (Some(event("DTSTART:20261224")), Some("# nothing yet\n")),
    ];
    let mut shown = String::new();
    for (ical, list) in wrong {
        let read = with(ical.as_deref(), list);
        assert!(read.site.is_some(), "the site is whole");
        let names: Vec<&str> = read.processes.iter().map(|(_, process)| process.name.as_str()).collect();
        assert_eq!(names, ["plain"], "who does not need the calendar is loaded: {ical:?} {list:?}");
        let all = rendered(&read, &[Severity::Error, Severity::Warning]);
        let (here, last) =
            all.split_once("error[broken-calendar]: the calendar `holidays` cannot be used").expect("it is said");
        assert!(
            last.contains("calendars/it.ics is missing") || last.contains("calendars/own.txt is missing"),
            "{last}"
        );
        shown += here;
    }
    expect![[r#"
        warning[missing-file]: there is no file `calendars/it.ics` that can be read
          --> seaworthy.yaml:3:29
          |
        3 |   holidays: [12-24, { file: calendars/it.ics }, { file: calendars/own.txt }]
          |                             ^^^^^^^^^^^^^^^^ help: write it; until then no process can be loaded that names this calendar
        error[syntax]: this is not iCalendar
          --> calendars/it.ics:1:1
          |
        1 | <html>not found</html>
          | ^^^^^^^^^^^^^^^^^^^^^^ help: its first line is BEGIN:VCALENDAR; a list of days is a file that ends in .txt
        error[not-a-day]: `20261224T180000Z` is a time of day, and a calendar has whole days
          --> calendars/it.ics:3:1
          |
        3 | DTSTART:20261224T180000Z
          | ^^^^^^^^^^^^^^^^^^^^^^^^ help: write DTSTART;VALUE=DATE:20261224; hours in which nothing starts are `blackouts:`
        error[wrong-value]: `2026-12-24` is not a day
          --> calendars/it.ics:3:1
          |
        3 | DTSTART;VALUE=DATE:2026-12-24
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ help: write DTSTART;VALUE=DATE:20261224; hours in which nothing starts are `blackouts:`
        error[wrong-value]: `BYEASTER` in a rule is not understood here
          --> calendars/it.ics:4:1
          |
        4 | RRULE:FREQ=YEARLY;BYEASTER=1
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ help: write its days one by one, or as a list in a file that ends in .txt
        error[wrong-value]: the event lasts -4 days
          --> calendars/it.ics:2:1
          |
        2 | BEGIN:VEVENT
          | ^^^^^^^^^^^^ help: its end is the first day after it, and it lasts 366 days at most
        error[syntax]: this line has no value
          --> calendars/it.ics:5:1
          |
        5 | DURATION
          | ^^^^^^^^ help: write NAME:VALUE; a line that goes on begins with a space
        error[missing-key]: this event has no DTSTART
          --> calendars/it.ics:2:1
          |
        2 | BEGIN:VEVENT
          | ^^^^^^^^^^^^ help: add DTSTART;VALUE=DATE:20261224
        error[syntax]: this event does not end
          --> calendars/it.ics:2:1
          |
        2 | BEGIN:VEVENT
          | ^^^^^^^^^^^^ help: add END:VEVENT, or load the file once more
        error[syntax]: the file ends in the middle
          --> calendars/it.ics:3:1
          |
        3 | DTSTART:20261224
          | ^^^^^^^^^^^^^^^^ help: its last line is END:VCALENDAR; load it once more
        error[too-many]: with this the calendar has more than 2000 days and spans of days
          --> calendars/it.ics:2:1
          |
        2 | BEGIN:VEVENT
          | ^^^^^^^^^^^^ help: let the rule end with UNTIL, or write weekdays and days of every year in the site file
        error[not-built]: a `RDATE` like this is not understood here
          --> calendars/it.ics:4:1
          |
        4 | RDATE:20261226
          | ^^^^^^^^^^^^^^ help: write an event of its own for these days, with DTSTART and DTEND
        error[wrong-value]: `31.12.2026` is neither a day nor a span of days
          --> calendars/own.txt:2:2
          |
        2 |  31.12.2026 # eve
          |  ^^^^^^^^^^ help: write `2026-12-25`, `2026-12-24..2027-01-02`, `12-25` for every year, or weekdays such as `Sat..Sun`
        error[wrong-value]: `2026-02-30` is neither a day nor a span of days
          --> calendars/own.txt:3:1
          |
        3 | 2026-02-30
          | ^^^^^^^^^^ help: write `2026-12-25`, `2026-12-24..2027-01-02`, `12-25` for every year, or weekdays such as `Sat..Sun`
        error[no-days]: the file has no day from 2020 on
          --> calendars/own.txt:1:1
          |
        1 | # nothing yet
          | ^ help: write days that are still to come, or leave the file out of the calendar
    "#]].assert_eq(&shown);
}

#[test]
fn files_are_bounded_and_in_their_folder() {
    let many = "2026-01-01\n".repeat(2_001);
    let said = rendered(&with(Some(ICAL), Some(&many)), &[Severity::Error]);
    assert!(said.contains("--> calendars/own.txt:2001:1"), "{said}");
    let together = "2026-01-01\n".repeat(1_999);
    let said = rendered(&with(Some(ICAL), Some(&together)), &[Severity::Error]);
    assert!(said.contains("error[too-many]: with this file the calendar has more than 2000 days"), "{said}");
    // Rules that never come true are counted through all years, each for itself.
    let never = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20200101\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT\n";
    let never = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", never.repeat(2_000));
    let said = rendered(&with(Some(&never), Some("12-24\n")), &[Severity::Error]);
    assert!(said.contains("more than 200 events of the file come again by a rule"), "{said}");
    let large = "# x\n".repeat(300_000);
    assert!(rendered(&with(Some(ICAL), Some(&large)), &[Severity::Error]).contains("at most 1048576 are read"));
    for path in ["/etc/holidays.ics", "../it.ics", "ops/it.ics", "calendars/it.json"] {
        let site = format!("site: it\ncalendars: {{ holidays: {{ file: {path} }} }}\n");
        let read = read(&source("seaworthy.yaml", &site), &[source(path, ICAL)], &|_| true);
        assert!(read.site.is_none(), "{path}: {:?}", read.diagnostics);
    }
}
