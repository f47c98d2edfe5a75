//! `cancel RUN`: stops a run that goes on in the server.
//!
//! Whoever follows a run of their own stops it with Ctrl-C. It must not touch commands itself: the run's node does.

use super::{Ask, site};
use crate::{
    socket::{self, Answered, Asked},
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of the run, or the start of it
    pub run: String,
    /// Why, for the record
    #[arg(long, default_value = "asked at the terminal")]
    pub reason: String,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let reading = site::open(ask)?;
    let run = reading.find(&args.run).await?.to_string();
    match socket::ask(&reading.place, &Asked::Cancel { run: run.clone(), reason: args.reason }).await? {
        Some(Answered::Done { detail }) => {
            ask.out.line(&detail);
            ask.out.object(&serde_json::json!({ "v": 1, "run_id": run, "cancelled": true }));
            Ok(code::VERIFIED)
        }
        Some(Answered::Refused { reason }) => Err(Trouble::start(reason)),
        Some(Answered::Started { .. }) => Err(Trouble::start("the server answered something else")),
        None => Err(Trouble::start(format!(
            "no server is running; a run at a terminal is stopped there with Ctrl-C, one that was left goes on with: seaworthy up (then cancel {run})"
        ))),
    }
}
