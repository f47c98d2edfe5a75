//! A message as a letter: headers, plain text, and the id by which a repeat is recognised.
//!
//! This module must not know servers. The id, the date and the text depend on the message alone, so a letter
//! that is sent twice is the same letter (RFC 5322 section 3.6.4). `Auto-Submitted` keeps holiday answers
//! away (RFC 3834).

use std::time::{Duration, SystemTime};

use lettre::{
    Message as Letter,
    message::{
        Mailbox,
        header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue},
    },
};
use seaworthy_model::{
    port::{Message, SendError},
    time::At,
};

use crate::sentence::never;

/// Longest subject, in characters; the rest is in the text.
const SUBJECT_CHARS_MAX: usize = 200;

/// Writes the letter.
pub(crate) fn letter(from: &str, to: &[String], message: &Message) -> Result<Letter, SendError> {
    let from_box = mailbox(from)?;
    let domain = from_box.email.domain().to_owned();
    let mut builder = Letter::builder()
        .from(from_box)
        .subject(one_line(&message.subject))
        .date(time(message.at))
        .message_id(Some(format!("<{}@{domain}>", message.id)))
        .header(AutoSubmitted("auto-generated".into()))
        .header(ContentType::TEXT_PLAIN)
        .header(ContentTransferEncoding::QuotedPrintable);
    for address in to {
        builder = builder.to(mailbox(address)?);
    }
    // The transport ends the text with a line feed of its own.
    builder
        .body(message.text.trim_end().to_owned())
        .map_err(|error| never(format!("the letter cannot be written: {error}")))
}

/// Reads `a@example.com` or `Name <a@example.com>`.
pub(crate) fn mailbox(text: &str) -> Result<Mailbox, SendError> {
    text.parse().map_err(|error| never(format!("`{}` is not a mail address: {error}", one_line(text))))
}

/// No line feed, so that no text can add a header of its own.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUBJECT_CHARS_MAX).collect()
}

fn time(at: At) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(at.0).unwrap_or(0))
}

#[derive(Clone)]
struct AutoSubmitted(String);

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use seaworthy_model::{id::MessageId, process::Occasion};

    use super::*;

    fn message(subject: &str) -> Message {
        Message {
            id: MessageId::new(At(1), &[3; 10]),
            occasion: Occasion::Failed,
            site: "acme".into(),
            process: "backup".into(),
            subject: subject.into(),
            text: "größer\n".into(),
            expected: vec![],
            seen: vec![],
            tried: vec![],
            procedure: None,
            link: None,
            run: None,
            at: At(1_700_000_000_000_000_000),
        }
    }

    fn text(subject: &str) -> String {
        let letter = letter("ops@example.com", &["a@example.com".into()], &message(subject)).unwrap();
        String::from_utf8(letter.formatted()).unwrap()
    }

    #[test]
    fn a_subject_cannot_add_a_header() {
        let text = text("hello\r\nBcc: spy@example.com\r\n\r\nbody");
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
        assert!(head.contains("Subject: hello"), "{head}");
    }

    #[test]
    fn the_same_message_is_the_same_letter() {
        assert_eq!(text("größer"), text("größer"));
        assert!(text("x").contains(&format!("Message-ID: <{}@example.com>", MessageId::new(At(1), &[3; 10]))));
        assert!(text("x").contains("Auto-Submitted: auto-generated"));
        assert!(text("x").contains("Date: Tue, 14 Nov 2023 22:13:20"));
    }
}
