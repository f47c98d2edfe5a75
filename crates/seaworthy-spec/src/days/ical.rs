//! iCalendar (RFC 5545): the events of a file that last whole days, with the rule by which they come again.
//!
//! This module must not know how a rule is judged (core does). What it does not need, such as names of events, is passed
//! over; what would change the days and is not understood is an error.

use seaworthy_core::schedule::{Event, event_days, parse_day};
use seaworthy_model::schedule::Days;

use crate::{
    diagnostic::quoted,
    source::{Mark, Place, Report},
};

/// Most events of a file, and of those most that come again by a rule: its days are counted through eighty years.
const EVENTS_MAX: usize = 2_000;
const RULES_MAX: usize = 200;

/// `NAME;PARAMETERS:VALUE`, put together from its lines.
struct Property {
    name: String,
    value: String,
    /// Of its first line.
    place: Place,
}

pub fn read(report: &mut Report<'_>) -> Vec<Days> {
    let begins = |property: &Property, what: &str| property.is("BEGIN", what);
    if !report.line(1).trim().eq_ignore_ascii_case("BEGIN:VCALENDAR") {
        let place = Place::on_line(Mark { line: 1, column: 1 }, report.line(1).chars().count());
        let help = "its first line is BEGIN:VCALENDAR; a list of days is a file that ends in .txt";
        report.error("syntax", place, "this is not iCalendar", help);
        return vec![];
    }
    let properties = properties(report);
    let (mut days, mut rest, mut events, mut rules) = (Vec::new(), properties.as_slice(), 0, 0);
    while let Some(start) = rest.iter().position(|property| begins(property, "VEVENT")) {
        let (head, body) = (&rest[start], &rest[start + 1..]);
        events += 1;
        let end = body.iter().position(|property| property.is("END", "VEVENT"));
        let Some(end) = end.filter(|end| !body[..*end].iter().any(|p| begins(p, "VEVENT"))) else {
            report.error("syntax", head.place, "this event does not end", "add END:VEVENT, or load the file once more");
            break;
        };
        if events > EVENTS_MAX {
            let help = "leave years out that are over, or split it into several calendars";
            report.error("too-many", head.place, format!("the file has more than {EVENTS_MAX} events"), help);
            break;
        }
        rules += usize::from(body[..end].iter().any(|property| property.name == "RRULE"));
        if rules > RULES_MAX {
            let help = "write their days one by one, or split it into several calendars";
            let message = format!("more than {RULES_MAX} events of the file come again by a rule");
            report.error("too-many", head.place, message, help);
            break;
        }
        let more = event(head, &body[..end], report);
        if !super::fits(&days, more.len(), head.place, report) {
            break;
        }
        days.extend(more);
        rest = &body[end + 1..];
    }
    if !properties.iter().any(|property| property.is("END", "VCALENDAR")) {
        let last = properties.last().map_or(Place::on_line(Mark { line: 1, column: 1 }, 1), |last| last.place);
        report.error(
            "syntax",
            last,
            "the file ends in the middle",
            "its last line is END:VCALENDAR; load it once more",
        );
    }
    days
}

fn event(head: &Property, body: &[Property], report: &mut Report<'_>) -> Vec<Days> {
    if body.iter().any(|property| property.is("STATUS", "CANCELLED")) {
        return vec![];
    }
    let (mut event, mut begins, mut rule) = (Event::default(), false, None);
    for property in body {
        match property.name.as_str() {
            "DTSTART" => begins = property.day(report).map(|day| event.first = day).is_some(),
            "DTEND" => event.end = property.day(report),
            "RRULE" if rule.is_none() => rule = Some(property),
            "EXDATE" => event.except.extend(property.days(report)),
            "RRULE" | "RDATE" | "EXRULE" | "DURATION" | "RECURRENCE-ID" => {
                let message = format!("a `{}` like this is not understood here", property.name);
                let help = "write an event of its own for these days, with DTSTART and DTEND";
                report.error("not-built", property.place, message, help);
                return vec![];
            }
            _ => {}
        }
    }
    if !begins {
        if !body.iter().any(|property| property.name == "DTSTART") {
            report.error("missing-key", head.place, "this event has no DTSTART", "add DTSTART;VALUE=DATE:20261224");
        }
        return vec![];
    }
    event.rule = rule.map(|property| property.value.as_str());
    event_days(&event).unwrap_or_else(|sentence| {
        let place = rule.map_or(head.place, |property| property.place);
        let (message, help) = sentence.split_once("; ").unwrap_or((&sentence, ""));
        report.error("wrong-value", place, message, help);
        vec![]
    })
}

impl Property {
    fn is(&self, name: &str, value: &str) -> bool {
        self.name == name && self.value.trim().eq_ignore_ascii_case(value)
    }

    fn days(&self, report: &mut Report<'_>) -> Vec<u32> {
        self.value.split(',').filter_map(|value| self.one(value, report)).collect()
    }

    fn day(&self, report: &mut Report<'_>) -> Option<u32> {
        self.one(&self.value, report)
    }

    /// A day: a date, or midnight of a clock on the wall.
    fn one(&self, value: &str, report: &mut Report<'_>) -> Option<u32> {
        let value = value.trim();
        let day = parse_day(value.strip_suffix("T000000").unwrap_or(value));
        if day.is_none() {
            let (code, message) = match value.split_once('T').and_then(|(day, _)| parse_day(day)) {
                Some(_) => ("not-a-day", format!("{} is a time of day, and a calendar has whole days", quoted(value))),
                None => ("wrong-value", format!("{} is not a day", quoted(value))),
            };
            let help =
                format!("write {};VALUE=DATE:20261224; hours in which nothing starts are `blackouts:`", self.name);
            report.error(code, self.place, message, help);
        }
        day
    }
}

/// The lines that belong together, joined (RFC 5545 section 3.1).
fn properties(report: &mut Report<'_>) -> Vec<Property> {
    let mut all: Vec<(u32, String)> = Vec::new();
    for (text, line) in report.lines.iter().zip(1u32..) {
        match (text.strip_prefix([' ', '\t']), all.last_mut()) {
            (Some(more), Some((_, whole))) => whole.push_str(more),
            _ if text.trim().is_empty() => {}
            _ => all.push((line, (*text).to_owned())),
        }
    }
    let mut properties = Vec::new();
    for (line, text) in all {
        let place = Place::on_line(Mark { line, column: 1 }, report.line(line).chars().count());
        // A colon within quotes belongs to a parameter.
        let mut quote = false;
        let colon = text.char_indices().find(|(_, c)| {
            quote ^= *c == '"';
            *c == ':' && !quote
        });
        let Some((colon, _)) = colon else {
            report.error(
                "syntax",
                place,
                "this line has no value",
                "write NAME:VALUE; a line that goes on begins with a space",
            );
            continue;
        };
        let (head, value) = (&text[..colon], text[colon + 1..].to_owned());
        let name = head.split(';').next().unwrap_or(head);
        properties.push(Property { name: name.to_ascii_uppercase(), value, place });
    }
    properties
}
