//! `show ID`: one run in full, as it went.

use super::{Ask, follow, site, story};
use crate::trouble::{Trouble, code};
use seaworthy_core::run::State;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of the run, or the start of it
    pub run: String,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let site = site::open(ask)?;
    let run = site.find(&args.run).await?;
    let events = follow::events(site.journal.as_ref(), run, 0).await?;
    if events.is_empty() {
        return Err(Trouble::start(format!("there is no run {run} in this journal")));
    }
    let dropped = follow::dropped(site.journal.as_ref(), run).await?;
    let mut state = State::default();
    for (at, event) in &events {
        state.apply(*at, event);
        if let Some(line) = story::line(&ask.out, event) {
            ask.out.line(&format!("{}  {line}", site::time(*at)));
        }
    }
    for row in site.views.messages(Some(run), 20).await? {
        let word = if row.told {
            "told"
        } else if row.ended_at.is_some() {
            "NOT told"
        } else {
            "being told"
        };
        ask.out.line(&format!("{}    tell    {} {word}: {}", site::time(row.due_at), row.route, row.detail));
    }
    match (&state.requested, &state.ended) {
        (Some(requested), Some(end)) => {
            ask.out.line(&story::verdict(
                &ask.out,
                &requested.process,
                requested.kind,
                end.executed,
                end.verified,
                &end.reason,
            ));
        }
        _ => ask.out.line("still running"),
    }
    if dropped > 0 {
        ask.out.line(&format!(
            "  the bodies of {dropped} entries of this run were dropped by retention: what was asked for and the verdict stay"
        ));
    }
    let mut object = follow::object(run, &state);
    object["bodies_dropped"] = dropped.into();
    ask.out.object(&object);
    Ok(code::VERIFIED)
}
