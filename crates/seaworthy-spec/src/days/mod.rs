//! Files under `calendars/`: lists of days, and iCalendar.
//!
//! This module must not know which calendars a site has, nor whether a day is one of a set.

mod ical;
mod list;

use seaworthy_model::schedule::Days;

use crate::{
    Source,
    shape::site::DAYS_MAX,
    source::{Mark, Place, Report},
    tree::{SOURCE_BYTES_MAX, control_character},
};

/// Where these files are, in the site's folder.
pub const FOLDER: &str = "calendars/";
/// The endings of their names: a list of days, an iCalendar file.
pub const ENDINGS: [&str; 2] = ["txt", "ics"];

/// Whether a path is that of a file of days.
pub fn is_name(path: &str) -> bool {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    path.starts_with(FOLDER) && ENDINGS.contains(&ending)
}

/// The days of a file. Use them only if the report has no error.
pub fn read(source: &Source, report: &mut Report<'_>) -> Vec<Days> {
    let first = Place::on_line(Mark { line: 1, column: 1 }, 1);
    if source.text.len() > SOURCE_BYTES_MAX {
        let message = format!("the file has {} bytes; at most {SOURCE_BYTES_MAX} are read", source.text.len());
        report.error("too-large", first, message, "leave years out that are over, or split it into several calendars");
        return vec![];
    }
    if let Some(place) = control_character(report) {
        report.error("control-character", place, "a control character is not allowed in a file of text", "delete it");
        return vec![];
    }
    let days = if source.file.ends_with(".ics") { ical::read(report) } else { list::read(report) };
    if days.is_empty() && !report.has_errors() {
        let help = "write days that are still to come, or leave the file out of the calendar";
        report.error("no-days", first, "the file has no day from 2020 on", help);
    }
    days
}

/// Whether one more fits; says so once if not.
fn fits(days: &[Days], more: usize, place: Place, report: &mut Report<'_>) -> bool {
    if days.len() + more <= DAYS_MAX {
        return true;
    }
    let message = format!("with this the calendar has more than {DAYS_MAX} days and spans of days");
    let help = "let the rule end with UNTIL, or write weekdays and days of every year in the site file";
    report.error("too-many", place, message, help);
    false
}
