//! `confirm DIGEST --reason TEXT`: a person agrees to a change that takes something away.
//!
//! This module must not decide whether it may be done: the desk answers.

use seaworthy_model::{
    entry::Via,
    port::{Answer, Ask as Wish, Requests as _},
};
use seaworthy_runtime::seal;
use serde_json::json;

use super::Ask;
use crate::{
    branch,
    place::Place,
    socket::{self, Answered, Asked},
    trouble::{Trouble, code},
    wire,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Digests of the changes, as `plan` and `status` show them
    #[arg(required = true)]
    pub digest: Vec<String>,
    /// Why; it is recorded with your name
    #[arg(long)]
    pub reason: String,
}

/// Carries out the verb, one change after the other.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let place = ask.place()?;
    let mut done = Vec::new();
    for digest in &args.digest {
        let asked = Asked::Confirm { digest: digest.clone(), reason: args.reason.clone() };
        let said = match socket::ask(&place, &asked).await? {
            Some(Answered::Done { detail }) => Ok(detail),
            Some(Answered::Refused { reason }) => Err(reason),
            Some(other) => Err(format!("the server answered something else: {other:?}")),
            None => alone(&place, digest, &args.reason).await?,
        };
        let detail = said.map_err(Trouble::refused)?;
        ask.out.line(&detail);
        done.push(json!({ "digest": digest, "detail": detail }));
    }
    ask.out.object(&json!({ "v": 1, "confirmed": done }));
    Ok(code::VERIFIED)
}

/// Without a server: confirm, and put into force what was confirmed.
async fn alone(place: &Place, digest: &str, reason: &str) -> Result<Result<String, String>, Trouble> {
    let house = wire::open_to_confirm(place).await?;
    let done = async {
        wire::refresh(place, &house).await?;
        let actor = house.os_actor(rustix::process::geteuid()).await?;
        let wish = Wish::Confirm { digest: digest.to_owned(), reason: reason.to_owned() };
        let answer = house.desk.ask(wish, actor, Via::Cli).await?;
        if let Answer::Done { .. } = &answer {
            if let Some(source) = &place.source {
                branch::turn(source, &house.ports).await?;
            }
            wire::settle(place, &house).await?;
        }
        Ok::<_, Trouble>(answer)
    };
    let done = done.await;
    // Opening may have appended already, whatever became of the wish.
    let sealed = seal::seal(&house.ports).await;
    house.close();
    let answer = done?;
    sealed?;
    Ok(match answer {
        Answer::Done { detail } => Ok(detail),
        Answer::Refused { reason } | Answer::TooMany { reason } => Err(reason),
        Answer::Started { run, .. } => Err(format!("{run} was started instead")),
    })
}
