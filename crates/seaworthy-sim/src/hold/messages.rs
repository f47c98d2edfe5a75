//! Messages: whoever is to be told was told, or was given up with a record, under the id that was queued.
//!
//! This module must not know why somebody is told.

use std::collections::BTreeMap;

use seaworthy_model::{
    entry::Entry,
    event::{Event, SendOutcome},
    id::MessageId,
};

use crate::world::Truth;

/// Tries of one message after which it counts as one without an end.
const TRIES_MAX: u32 = 60;

#[derive(Default)]
struct Letter {
    due: bool,
    tries: u32,
    sent: bool,
    given_up: bool,
    ended: Option<bool>,
}

/// All messages of a journal.
#[derive(Default)]
pub struct Messages(BTreeMap<MessageId, Letter>);

impl Messages {
    /// Takes in one entry.
    pub fn entry(&mut self, entry: &Entry, event: &Event) -> Result<(), String> {
        let stream = entry.header.stream.as_str();
        let Some(id) = stream.strip_prefix("message/").and_then(|id| id.parse::<MessageId>().ok()) else {
            return Ok(());
        };
        let letter = self.0.entry(id).or_default();
        match event {
            Event::MessageDue { message, .. } if *message == id && !letter.due => letter.due = true,
            Event::MessageDue { message, .. } => return Err(format!("(7) {message} is due in the stream of {id}")),
            Event::MessageTried { outcome, .. } => {
                letter.tries += 1;
                letter.sent |= matches!(outcome, SendOutcome::Sent { .. });
                letter.given_up |= matches!(outcome, SendOutcome::GivenUp { .. });
                if letter.tries > TRIES_MAX {
                    return Err(format!("(7) {id} was tried {} times", letter.tries));
                }
            }
            Event::MessageEnded { told, .. } => {
                let before = letter.ended.replace(*told);
                if before.is_some() {
                    return Err(format!("(7) {id} ended twice"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// (7) At rest every message has ended as it says.
    pub fn all_told(&self, truth: &Truth, whose: &str) -> Result<(), String> {
        for (id, letter) in &self.0 {
            let heard = truth.heard.iter().any(|heard| heard.message == *id);
            match letter.ended {
                None => return Err(format!("(7) {id} of the {whose} was due and has no end")),
                Some(true) if !letter.sent || !heard => return Err(format!("(7) {id} is told, and nobody heard it")),
                Some(false) if !letter.given_up && letter.tries > 0 => {
                    return Err(format!("(7) {id} is not told, and was not given up"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub fn knows(&self, id: MessageId) -> bool {
        self.0.get(&id).is_some_and(|letter| letter.due)
    }

    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }
}
