//! Times as HTML: readable at a glance, exact in the title, refreshed by the script.
//!
//! Holds no text from outside. This module must not know what happened at the time.

use std::fmt;

use askama::filters::HtmlSafe;
use seaworthy_model::time::At;

use crate::show;

/// `4 min ago`.
#[derive(Debug, Clone, Copy)]
pub struct Ago {
    pub at: At,
    pub now: At,
}

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (iso, age) = (show::iso(self.at), show::age(self.now.since(self.at)));
        write!(f, r#"<time datetime="{iso}" title="{iso}" data-ago="ago">{age} ago</time>"#)
    }
}

impl HtmlSafe for Ago {}

/// `4 min`: for columns whose head says what it is the age of.
#[derive(Debug, Clone, Copy)]
pub struct Age {
    pub at: At,
    pub now: At,
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (iso, age) = (show::iso(self.at), show::age(self.now.since(self.at)));
        write!(f, r#"<time datetime="{iso}" title="{iso}" data-ago="">{age}</time>"#)
    }
}

impl HtmlSafe for Age {}

/// `Sat 23:40`, UTC.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub at: At,
    pub now: At,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (iso, text) = (show::iso(self.at), show::moment(self.at, self.now));
        write!(f, r#"<time datetime="{iso}" title="{iso}">{text}</time>"#)
    }
}

impl HtmlSafe for Moment {}

/// `Sat 23:40:10`, UTC: where things follow each other closely.
#[derive(Debug, Clone, Copy)]
pub struct Second {
    pub at: At,
    pub now: At,
}

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (iso, text) = (show::iso(self.at), show::moment(self.at, self.now));
        // Dates of other years carry no clock.
        let seconds = if text.contains(':') { &iso[16..19] } else { "" };
        write!(f, r#"<time datetime="{iso}" title="{iso}">{text}{seconds}</time>"#)
    }
}

impl HtmlSafe for Second {}
