//! `ping new|revoke|list`: the keys by which something outside may say how it goes.
//!
//! A key is shown once, when it is made; what is kept is its hash. This module must not take pings.

use seaworthy_model::{
    entry::Via,
    event::Event,
    ping::PingKey,
    port::{Batch, Chance as _, Definitions as _},
};
use seaworthy_runtime::{outside, ping::keys};
use serde_json::json;

use super::{Ask, made_up};
use crate::{
    real::RealChance,
    socket::{self, Answered, Asked},
    trouble::{Trouble, code},
    wire::House,
};

/// Letters of a hash that name a key.
const SHOWN: usize = 12;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Make a key for a process that says `pinged: true`; it is shown this once
    New {
        /// Name of the process; one that has no file is made up
        process: String,
    },
    /// Take all keys of a process back
    Revoke {
        /// Name of the process
        process: String,
        /// Only the key that `list` shows by these letters
        #[arg(long)]
        key: Option<String>,
    },
    /// Which processes have keys, and since when; never a key
    List,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let place = ask.place()?;
    let house = made_up::open_beside(&place).await?;
    let done = match args.what {
        What::New { process } => new(ask, &place, &house, &process).await,
        What::Revoke { process, key } => revoke(ask, &house, &process, key.as_deref()).await,
        What::List => list(ask, &house).await,
    };
    let sealed = seaworthy_runtime::seal::seal(&house.ports).await;
    house.close();
    let done = done?;
    sealed?;
    Ok(done)
}

async fn new(ask: &Ask, place: &crate::place::Place, house: &House, name: &str) -> Result<u8, Trouble> {
    let loaded = house.in_force.current();
    match loaded.processes.get(name) {
        Some(pinned) if pinned.process.pinged => {}
        Some(pinned) => {
            return Err(Trouble::start(format!(
                "write `pinged: true` into {}: a ping is for what is started outside",
                pinned.file
            )));
        }
        None => {
            let (process, file) = made_up::make_up(place, name)?;
            outside::define(&house.ports, &loaded, process, &file).await?;
        }
    }
    let mut random = [0; 16];
    RealChance.fill(&mut random);
    let key = PingKey::of(random);
    record(house, Event::PingKeyMade { process: name.to_owned(), digest: key.digest() }).await?;
    let url = loaded.site.public_url.clone();
    let url = match url {
        Some(url) => url,
        None => match socket::ask(place, &Asked::Hello).await {
            Ok(Some(Answered::Done { detail })) => detail.trim_end_matches('/').to_owned(),
            _ => "http://127.0.0.1:7770".to_owned(),
        },
    };
    ask.out.line(&format!("{url}/ping/{}", key.uuid()));
    ask.out.line(&format!("{url}/ping/{}/{name}", key.letters()));
    ask.out.line(
        "\nBoth say that it ended well. Add /start, /fail, /log or /EXITCODE. Whoever has the address can say it:",
    );
    ask.out.line("keep it like a password. It is not shown again; `seaworthy ping revoke` takes it back.");
    ask.out.object(&json!({
        "v": 1, "process": name, "key": key.digest()[..SHOWN], "uuid": key.uuid(), "letters": key.letters(),
        "url": format!("{url}/ping/{}", key.uuid()),
    }));
    Ok(code::VERIFIED)
}

async fn record(house: &House, event: Event) -> Result<(), Trouble> {
    let actor = house.os_actor(rustix::process::geteuid()).await?;
    let mut batch = Batch::by(actor, Via::Cli);
    batch.writes.push(house.ports.ids().write(keys(), None, house.ports.clock.now(), [event]));
    house.ports.journal.append(batch).await?;
    Ok(())
}

/// Keys in force: process, hash, since when.
async fn in_force(house: &House) -> Result<Vec<(String, String, seaworthy_model::time::At)>, Trouble> {
    let mut all = Vec::new();
    for entry in house.ports.journal.stream(&keys(), 0).await? {
        match entry.event().map_err(|e| Trouble::start(e.to_string()))? {
            Some(Event::PingKeyMade { process, digest }) => all.push((process, digest, entry.header.at)),
            Some(Event::PingKeyRevoked { digest, .. }) => all.retain(|(_, known, _)| *known != digest),
            _ => {}
        }
    }
    Ok(all)
}

async fn revoke(ask: &Ask, house: &House, name: &str, key: Option<&str>) -> Result<u8, Trouble> {
    let all = in_force(house).await?;
    let chosen = |digest: &str| key.is_none_or(|key| key.len() >= 4 && digest.starts_with(key));
    let gone: Vec<_> = all.into_iter().filter(|(process, digest, _)| process == name && chosen(digest)).collect();
    if gone.is_empty() {
        return Err(Trouble::start(format!("`{name}` has no such key; look with: seaworthy ping list")));
    }
    for (process, digest, _) in &gone {
        record(house, Event::PingKeyRevoked { process: process.clone(), digest: digest.clone() }).await?;
        ask.out.line(&format!("revoked {} of {process}", &digest[..SHOWN]));
    }
    let keys: Vec<&str> = gone.iter().map(|(_, digest, _)| &digest[..SHOWN]).collect();
    ask.out.object(&json!({ "v": 1, "process": name, "revoked": keys }));
    Ok(code::VERIFIED)
}

async fn list(ask: &Ask, house: &House) -> Result<u8, Trouble> {
    let mut keys = Vec::new();
    for (process, digest, at) in in_force(house).await? {
        let since = seaworthy_core::schedule::utc(at);
        ask.out.line(&format!("{process}  {}  since {since}", &digest[..SHOWN]));
        keys.push(json!({ "process": process, "key": digest[..SHOWN], "since": since }));
    }
    if keys.is_empty() {
        ask.out.line("no process has a key; make one with: seaworthy ping new PROCESS");
    }
    ask.out.object(&json!({ "v": 1, "keys": keys }));
    Ok(code::VERIFIED)
}
