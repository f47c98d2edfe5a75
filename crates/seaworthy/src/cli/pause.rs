//! `pause PROCESS` and `resume PROCESS`: nothing of it starts by itself for a while, and then it does again.
//!
//! The end is part of the pause. With a server it asks the server; without one it writes itself.

use seaworthy_core::schedule::{PAUSE_MAX, parse_time};
use seaworthy_model::{
    entry::Via,
    port::{Answer, Ask as Wish, Clock as _, Requests as _},
    time::{At, Span},
};
use seaworthy_runtime::seal;
use serde_json::json;

use super::{Ask, site};
use crate::{
    place::Place,
    real::RealClock,
    socket::{self, Answered, Asked},
    trouble::{Trouble, code},
    wire,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the process
    pub process: String,
    /// Why, for those who find it paused
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The first moment after it, such as `2026-12-27 06:00 Europe/Berlin`; at most 30 days away
    #[arg(long, value_name = "TIME", required_unless_present = "duration", conflicts_with = "duration")]
    pub until: Option<String>,
    /// How long, such as 4h; at most 30d
    #[arg(long = "for", value_name = "DURATION", id = "duration")]
    pub length: Option<String>,
}

/// Carries out `pause`.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let now = RealClock.now();
    let until = match (&args.until, &args.length) {
        (Some(text), _) => parse_time(text).map_err(Trouble::start)?,
        (None, Some(text)) => now + Span::parse(text).map_err(Trouble::start)?,
        (None, None) => return Err(Trouble::start(format!("a pause has an end, at most {PAUSE_MAX} away: --for 4h"))),
    };
    let (process, reason) = (args.process, args.reason);
    let asked = Asked::Pause { process: process.clone(), until: until.0, reason: reason.clone() };
    let detail = settle(ask, asked, Wish::Pause { process: process.clone(), until, reason }).await?;
    done(ask, &process, Some(until), &detail)
}

/// Ends a pause before its time.
pub async fn resume(ask: &Ask, process: String, reason: String) -> Result<u8, Trouble> {
    let asked = Asked::Resume { process: process.clone(), reason: reason.clone() };
    let detail = settle(ask, asked, Wish::Resume { process: process.clone(), reason }).await?;
    done(ask, &process, None, &detail)
}

fn done(ask: &Ask, process: &str, until: Option<At>, detail: &str) -> Result<u8, Trouble> {
    ask.out.line(detail);
    ask.out.object(&json!({ "v": 1, "process": process, "paused_until": until.map(site::time), "detail": detail }));
    Ok(code::VERIFIED)
}

/// The answer of the server, or of ourselves where there is none.
async fn settle(ask: &Ask, asked: Asked, wish: Wish) -> Result<String, Trouble> {
    let place = ask.place()?;
    match socket::ask(&place, &asked).await? {
        Some(Answered::Done { detail }) => Ok(detail),
        Some(Answered::Refused { reason }) => Err(Trouble::start(reason)),
        Some(Answered::Started { run, .. }) => Err(Trouble::start(format!("the server started {run} instead"))),
        None => alone(&place, wish).await,
    }
}

async fn alone(place: &Place, wish: Wish) -> Result<String, Trouble> {
    let house = wire::open(place).await?;
    let actor = house.os_actor(rustix::process::geteuid()).await?;
    let answer = house.desk.ask(wish, actor, Via::Cli).await;
    let sealed = seal::seal(&house.ports).await;
    house.close();
    sealed?;
    match answer? {
        Answer::Done { detail } => Ok(detail),
        Answer::Refused { reason } | Answer::TooMany { reason } => Err(Trouble::start(reason)),
        Answer::Started { run, .. } => Err(Trouble::start(format!("{run} was started instead"))),
    }
}
