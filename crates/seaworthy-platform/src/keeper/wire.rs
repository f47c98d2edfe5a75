//! What is said on a keeper's socket, and how: a length of four bytes (little-endian), then JSON.
//!
//! Must not know who keeps or who asks. `hello`, `adopt`, `stop`, `noted` and their answers keep their form for ever,
//! so that a newer server can take up what an older keeper holds; only `start` may change, with [`PROTOCOL`].

use std::io;

use seaworthy_model::{process::Limits, run::Acted, time::Span};
use serde::{Deserialize, Serialize};

/// Raised when `start` changes. A server leaves a keeper of another protocol alone with its commands.
pub const PROTOCOL: u32 = 2;
/// Longest message. The kernel takes about 2 MiB of arguments and environment; JSON may double that, and masks come on top.
pub(crate) const MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What is asked of a keeper.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// The first message.
    Hello {
        v: u32,
    },
    Start(Box<Wanted>),
    /// Answered with `ended` once it has, or with `unknown`.
    Adopt {
        attempt: String,
    },
    /// The same, and it is told to end.
    Stop {
        attempt: String,
    },
    /// Their ends are durable elsewhere.
    Noted {
        attempts: Vec<String>,
    },
}

/// What a keeper answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum Answer {
    /// `site` names the data folder; an older keeper does not say it.
    Hello {
        v: u32,
        pid: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        site: Option<String>,
    },
    Ended {
        attempt: String,
        acted: Box<Acted>,
    },
    Unknown {
        attempt: String,
    },
}

/// One order, complete. Holds secrets: it is never shown and never written.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// `RUN.STEP.ATTEMPT`.
    pub(crate) attempt: String,
    /// Program and arguments.
    pub(crate) words: Vec<String>,
    pub(crate) folder: String,
    /// All of it but the secrets and what the keeper adds.
    pub(crate) env: Vec<(String, String)>,
    /// Name and value.
    pub(crate) secrets: Vec<(String, String)>,
    /// Not given, but masked.
    pub(crate) masked: Vec<(String, String)>,
    pub(crate) timeout: Option<Span>,
    /// Between TERM and KILL.
    pub(crate) grace: Span,
    #[serde(default)]
    pub(crate) limits: Limits,
    /// It is a program of ours that says itself whether anybody can know: [`crate::action`].
    #[serde(default)]
    pub(crate) own: bool,
}

/// A message as it goes over the socket.
pub(crate) fn pack(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message).map_err(io::Error::other)?;
    let length = bytes.len() - 4;
    if length > MESSAGE_BYTES_MAX {
        let text = format!("a message of {length} bytes is more than the {MESSAGE_BYTES_MAX} that a keeper takes");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let length = u32::try_from(length).map_err(io::Error::other)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// Takes the first whole message out of what has come. `Err`: this is none of ours, and nothing after it can be.
pub(crate) fn unpack<T: for<'a> Deserialize<'a>>(come: &[u8]) -> io::Result<Option<(T, usize)>> {
    let Some((length, rest)) = come.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_le_bytes(*length) as usize;
    if length > MESSAGE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is longer than any may be"));
    }
    let Some(text) = rest.get(..length) else { return Ok(None) };
    let message = serde_json::from_slice(text).map_err(|error| {
        // Never the text: it may hold a secret.
        io::Error::new(io::ErrorKind::InvalidData, format!("a message cannot be read (column {})", error.column()))
    })?;
    Ok(Some((message, 4 + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_whole_from_pieces_and_strange_ones_are_refused() {
        let sent = pack(&Ask::Adopt { attempt: "run_1.dump.1".into() }).expect("short");
        for cut in 0..sent.len() {
            assert!(unpack::<Ask>(&sent[..cut]).expect("only unfinished").is_none(), "{cut}");
        }
        let (ask, used) = unpack::<Ask>(&sent).expect("well-formed").expect("whole");
        assert!(matches!(ask, Ask::Adopt { attempt } if attempt == "run_1.dump.1") && used == sent.len());
        assert!(unpack::<Ask>(&u32::MAX.to_le_bytes()).is_err(), "nothing of this length is waited for");
        assert!(unpack::<Ask>(b"\x02\x00\x00\x00{}").is_err());
    }
}
