//! `owner-link`: a new one-time link for the first owner, for whoever owns the data folder.
//!
//! The link is shown once, here; what is kept is its hash. This module must not make anybody an owner: the page does,
//! where the person chooses what proves them.

use seaworthy_model::entry::Via;
use serde_json::json;

use super::{Ask, made_up};
use crate::{
    role::door,
    socket::{self, Answered, Asked},
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {}

/// Carries out the verb.
pub async fn run(ask: &Ask, _: Args) -> Result<u8, Trouble> {
    let place = ask.place()?;
    let house = made_up::open_beside(&place).await?;
    let made = async {
        let actor = house.os_actor(rustix::process::geteuid()).await?;
        let made = house.door()?.claim_link(actor, Via::Cli).await?;
        let sealed = seaworthy_runtime::seal::seal(&house.ports).await;
        sealed?;
        Ok::<_, Trouble>((made, house.in_force_url()))
    };
    let made = made.await;
    house.close();
    let (made, url) = made?;
    door::forget(&place);
    let Some((token, link)) = made else {
        return Err(Trouble::refused(
            "this site has an owner already; an owner invites others, and lets people set up anew what they lost",
        ));
    };
    let url = match (url, socket::ask(&place, &Asked::Hello).await) {
        (Some(url), _) => url,
        (None, Ok(Some(Answered::Done { detail }))) => detail.trim_end_matches('/').to_owned(),
        _ => "http://127.0.0.1:7770".to_owned(),
    };
    let until = seaworthy_core::schedule::utc(link.until);
    ask.out.line(&format!("{url}/set-up/{}", token.text()));
    ask.out
        .line(&format!("\nWhoever opens it becomes the first owner. It works once, until {until}; older ones do not."));
    ask.out.object(&json!({ "v": 1, "url": format!("{url}/set-up/{}", token.text()), "until": until }));
    Ok(code::VERIFIED)
}
