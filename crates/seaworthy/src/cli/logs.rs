//! `logs ID [-f]`: the output of a run's commands, as it was kept.

use std::io::IsTerminal as _;

use seaworthy_core::run::State;
use seaworthy_model::{
    id::RunId,
    port::{OutputKey, Outputs, Std},
};
use seaworthy_platform::FileOutputs;

use super::{Ask, follow, site};
use crate::{
    out,
    trouble::{Trouble, code},
};

/// Bytes read at one time.
const PIECE: usize = 256 * 1024;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of the run, or the start of it
    pub run: String,
    /// Go on until the run has ended
    #[arg(short = 'f', long)]
    pub follow: bool,
    /// Only standard error
    #[arg(long)]
    pub stderr: bool,
    /// Only this step
    #[arg(long)]
    pub step: Option<String>,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let site = site::open(ask)?;
    let run = site.find(&args.run).await?;
    let outputs = FileOutputs::new(site.place.data.clone());
    let mut printed: Vec<Printed> = Vec::new();
    let mut state = State::default();
    loop {
        let length = site.journal.frontier().await?.size;
        for (at, event) in follow::events(site.journal.as_ref(), run, state.version).await? {
            state.apply(at, &event);
        }
        if state.version == 0 {
            return Err(Trouble::start(format!("there is no run {run} in this journal")));
        }
        for key in keys(run, &state, args.step.as_deref()) {
            if !printed.iter().any(|known| known.key == key) {
                printed.push(Printed { key, from: 0, headed: args.stderr, ended: false });
            }
        }
        for one in printed.iter_mut().filter(|one| !one.ended) {
            if !std::mem::replace(&mut one.headed, true) {
                let heading = format!("--- {} attempt {}", one.key.step, one.key.attempt);
                ask.out.line(&ask.out.paint(out::Tone::Quiet, &heading));
            }
            one.ended = match print(&outputs, &one.key, &mut one.from, args.stderr).await? {
                Print::More => false,
                Print::Ended => true,
                Print::Unread => return Ok(code::VERIFIED),
            };
        }
        if !args.follow || state.ended.is_some() {
            if state.ended.is_some() && follow::dropped(site.journal.as_ref(), run).await? > 0 {
                out::complain(
                    "note: entries of this run were dropped by retention, and its output with them or before",
                );
            } else if state.ended.is_some() && printed.iter().any(|one| !one.ended) {
                out::complain("note: output of this run is not kept any more; retention removed it");
            }
            return Ok(code::VERIFIED);
        }
        // New entries end the wait; a command that only prints is looked at twice a second.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(500), site.journal.past(length)).await;
    }
}

fn keys(run: RunId, state: &State, step: Option<&str>) -> Vec<OutputKey> {
    let mut all: Vec<_> = state
        .attempts
        .iter()
        .flat_map(|(step, attempts)| attempts.iter().map(move |a| (a.started_at, step, a.number)))
        .collect();
    all.sort();
    all.into_iter()
        .filter(|(_, id, _)| step.is_none_or(|wanted| wanted == *id))
        .map(|(_, step, attempt)| OutputKey { run, step: step.clone(), attempt })
        .collect()
}

/// An attempt whose output is being printed.
struct Printed {
    key: OutputKey,
    from: u64,
    headed: bool,
    ended: bool,
}

/// How far printing came.
enum Print {
    /// More may follow.
    More,
    Ended,
    /// Nobody reads any more.
    Unread,
}

async fn print(outputs: &FileOutputs, key: &OutputKey, from: &mut u64, stderr: bool) -> Result<Print, Trouble> {
    loop {
        let part = outputs.read(key, *from, PIECE).await;
        let part = part.map_err(|e| Trouble::start(format!("the output of step {} cannot be read ({e})", key.step)))?;
        for chunk in &part.chunks {
            let read = match chunk.stream {
                Std::Note => {
                    out::complain(&String::from_utf8_lossy(&chunk.bytes));
                    true
                }
                Std::Err => shown(&chunk.bytes),
                Std::Out => stderr || shown(&chunk.bytes),
            };
            if !read {
                return Ok(Print::Unread);
            }
        }
        let stuck = part.next == *from;
        *from = part.next;
        if part.ended || stuck {
            return Ok(if part.ended { Print::Ended } else { Print::More });
        }
    }
}

/// A terminal is shown text only: what a command prints must not steer it or imitate us. A pipe gets the bytes.
/// Says whether somebody still reads.
fn shown(bytes: &[u8]) -> bool {
    if std::io::stdout().is_terminal() {
        out::bytes(out::safe(&String::from_utf8_lossy(bytes)).as_bytes())
    } else {
        out::bytes(bytes)
    }
}
