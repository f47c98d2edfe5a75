//! A list of days, one a line, as in the site file; what follows a `#` is for people.
//!
//! This module must not know iCalendar.

use seaworthy_core::schedule::parse_days;
use seaworthy_model::schedule::Days;

use crate::source::{Mark, Place, Report};

pub fn read(report: &mut Report<'_>) -> Vec<Days> {
    let mut days = Vec::new();
    for (text, line) in report.lines.clone().into_iter().zip(1..) {
        let item = text.split('#').next().unwrap_or_default();
        let (start, item) = (item.chars().take_while(|c| c.is_whitespace()).count() + 1, item.trim());
        if item.is_empty() {
            continue;
        }
        let place = Place::on_line(Mark { line, column: start as u32 }, item.chars().count());
        match parse_days(item) {
            Ok(_) if !super::fits(&days, 1, place, report) => break,
            Ok(more) => days.push(more),
            Err(sentence) => {
                let (message, help) = sentence.split_once("; ").unwrap_or((&sentence, ""));
                report.error("wrong-value", place, message, help);
            }
        }
    }
    days
}
