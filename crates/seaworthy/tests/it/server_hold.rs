//! What does not run although it is due: calendars, blackouts and pauses, in the plan and in a real server.

use crate::{
    kit::{Site, until},
    server_history::{of, stream, wait_for},
};

const QUICK: &str = "schedule: { every: 1s, KEYS }\nsteps:\n  - { id: one, run: 'true' }\n";

#[test]
fn a_pause_skips_with_its_reason_until_it_is_ended() {
    let site = Site::new();
    site.process("quick", &QUICK.replace(", KEYS", ""));
    let refused = site.json(&["pause", "quick", "--reason", "swap", "--for", "31d"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("a pause lasts at most 30d"), "{}", refused.stderr);
    assert_eq!(site.json(&["pause", "quick", "--reason", "swap"]).code, 2, "without an end");
    assert_eq!(site.json(&["pause", "quick", "--reason", " ", "--for", "1h"]).code, 2, "without a reason");
    assert_eq!(site.json(&["pause", "quack", "--reason", "swap", "--for", "1h"]).code, 2, "an unknown process");
    assert_eq!(site.json(&["resume", "quick"]).code, 2, "it is not paused");
    // Without a server, and the server that comes later keeps it.
    let paused = site.json(&["pause", "quick", "--reason", "disk swap", "--for", "1h"]);
    assert_eq!(paused.code, 0, "{paused:?}");
    let server = site.server();
    let skip = wait_for(&site, "schedule/quick", "occurrence_skipped");
    assert_eq!(skip.text("reason"), "paused");
    assert!(skip.text("detail").contains("disk swap"), "{skip:?}");
    let status = site.json(&["status"]);
    assert_eq!(status.json["processes"][0]["paused"]["reason"], "disk swap", "{status:?}");
    let (code, page) = server.get("/processes/quick").unwrap();
    assert!(code == 200 && page.contains("Paused") && page.contains("disk swap") && page.contains("Resume"), "{page}");
    let plan = site.json(&["plan", "quick"]);
    let first = plan.json["processes"][0]["next"][0]["skipped"].as_str().unwrap_or_default().to_owned();
    assert!(first.starts_with("paused until") && first.ends_with("disk swap"), "{plan:?}");
    let extended = site.json(&["pause", "quick", "--reason", "still swapping", "--for", "2h"]);
    assert_eq!(extended.code, 0, "{extended:?}");
    let entry = wait_for(&site, "process/quick", "process_paused");
    assert!(entry.body["extends"].is_boolean(), "{entry:?}");
    assert_eq!(site.json(&["resume", "quick", "--reason", "done"]).code, 0);
    wait_for(&site, "schedule/quick", "occurrence_due");
    // The definition is still known as loaded, though a pause stands last in its stream.
    assert_eq!(site.json(&["plan", "quick"]).json["processes"][0]["change"], "unchanged");
    server.stop();
}

#[test]
fn calendars_and_blackouts_of_the_site_keep_occurrences_from_running() {
    let site = Site::new();
    let text = site.read("seaworthy.yaml");
    let soon = |days: i64| site.sh(&format!("date -u -d '{days} days' +%Y-%m-%d")).trim().to_owned();
    let frozen = format!("{{ from: {}, until: {}, reason: year-end freeze }}", soon(-1), soon(2));
    site.write(
        "seaworthy.yaml",
        &format!("{text}\ncalendars: {{ never: Mon..Sun, always: [\"2020-01-01\"] }}\nblackouts: [{frozen}]\n"),
    );
    site.process("frozen", &QUICK.replace(", KEYS", ""));
    site.process("daily", "schedule: { cron: '0 3 * * *', except: always }\nsteps:\n  - { id: one, run: 'true' }\n");
    site.process("never", &QUICK.replace("KEYS", "except: never"));
    let check = site.json(&["check"]);
    let said = check.json["diagnostics"].to_string();
    assert!(said.contains("its calendars leave out every occurrence"), "{said}");
    std::fs::remove_file(site.path("ops/never.yaml")).unwrap();
    let plan = site.json(&["plan"]);
    let daily = &plan.json["processes"].as_array().unwrap().iter().find(|p| p["process"] == "daily").unwrap()["next"];
    let left_out = daily.as_array().unwrap().iter().filter(|fire| !fire["skipped"].is_null()).count();
    assert!((1..=3).contains(&left_out), "{daily}");
    assert_eq!(daily.as_array().unwrap().len() - left_out, 10, "ten that run, the others in addition");
    let server = site.server();
    let skip = wait_for(&site, "schedule/frozen", "occurrence_skipped");
    assert_eq!(skip.text("reason"), "blackout");
    assert!(skip.text("detail").contains("year-end freeze"), "{skip:?}");
    let facts = stream(&site, "schedule/frozen");
    assert!(of(&facts, "occurrence_due").is_empty(), "{facts:?}");
    server.stop();
}

#[test]
fn a_calendar_file_is_put_into_force_when_it_changes_and_a_broken_one_changes_nothing() {
    let site = Site::new();
    let text = site.read("seaworthy.yaml");
    site.write("seaworthy.yaml", &format!("{text}\ncalendars: {{ closed: {{ file: calendars/closed.ics }} }}\n"));
    let days = |first: i64, end: i64| {
        let day = |days: i64| site.sh(&format!("date -u -d '{days} days' +%Y%m%d")).trim().to_owned();
        let event =
            format!("BEGIN:VEVENT\nDTSTART;VALUE=DATE:{}\nDTEND;VALUE=DATE:{}\nEND:VEVENT", day(first), day(end));
        format!("BEGIN:VCALENDAR\n{event}\nEND:VCALENDAR\n")
    };
    site.write("calendars/closed.ics", &days(100, 102));
    site.process("quick", &QUICK.replace("KEYS", "except: closed"));
    let server = site.server();
    wait_for(&site, "schedule/quick", "occurrence_due");
    site.write("calendars/closed.ics", &days(-1, 3));
    let skip = wait_for(&site, "schedule/quick", "occurrence_skipped");
    assert_eq!(
        (skip.text("reason"), skip.text("detail").contains("is a day of `closed`")),
        ("calendar", true),
        "{skip:?}"
    );
    site.write("calendars/closed.ics", "<html>not found</html>\n");
    let broken = wait_for(&site, "site", "file_broken");
    assert!(broken.body.to_string().contains("calendars/closed.ics:1:1: this is not iCalendar"), "{broken:?}");
    let check = site.json(&["check"]);
    assert_eq!(check.code, 2, "{check:?}");
    let said = check.json["diagnostics"].to_string();
    assert!(said.contains("not iCalendar") && said.contains("the calendar `closed` cannot be used"), "{said}");
    let due = of(&stream(&site, "schedule/quick"), "occurrence_due").len();
    let skipped = of(&stream(&site, "schedule/quick"), "occurrence_skipped").len();
    until("it is skipped further on", || {
        (of(&stream(&site, "schedule/quick"), "occurrence_skipped").len() > skipped + 1).then_some(())
    });
    assert_eq!(of(&stream(&site, "schedule/quick"), "occurrence_due").len(), due, "the last good version holds");
    server.stop();
}
