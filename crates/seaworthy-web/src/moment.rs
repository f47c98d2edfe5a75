//! Times as HTML: readable at a glance, exact in the title, refreshed by the script.
//!
//! Holds no text from outside. This module must not know what happened at the time.

use std::fmt;

use askama::filters::HtmlSafe;
use seaworthy_model::time::{At, Span};

use crate::show;

/// What is dated later than this from now was dated by a clock that was ahead. Clocks never agree to the second.
const SKEW: Span = Span::seconds(5);

/// An age that nobody knows; the script leaves it alone.
fn ahead(f: &mut fmt::Formatter<'_>, at: At) -> fmt::Result {
    let iso = show::iso(at);
    write!(f, r#"<time datetime="{iso}" title="{iso}">dated in the future</time>"#)
}

/// `4 min ago`.
#[derive(Debug, Clone, Copy)]
pub struct Ago {
    pub at: At,
    pub now: At,
}

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at > self.now + SKEW {
            return ahead(f, self.at);
        }
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
        if self.at > self.now + SKEW {
            return ahead(f, self.at);
        }
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

#[cfg(test)]
mod tests {
    use super::{Age, Ago, At, Span};

    #[test]
    fn what_is_dated_in_the_future_has_no_age() {
        let now = At(1_800_000_000_000_000_000);
        for ahead in [Span::seconds(6), Span::seconds(30 * 86_400)] {
            let at = now + ahead;
            for said in [Ago { at, now }.to_string(), Age { at, now }.to_string()] {
                assert!(said.contains(">dated in the future<") && !said.contains("data-ago"), "{said}");
            }
        }
        assert!(Ago { at: now + Span::seconds(2), now }.to_string().contains(">0 s ago<"));
        assert!(Age { at: now - Span::seconds(4), now }.to_string().contains(">4 s<"));
    }
}
