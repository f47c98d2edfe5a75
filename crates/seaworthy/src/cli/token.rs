//! `token new|list|revoke`: tokens by which a program speaks for the person who answers for it.
//!
//! A token is shown once, when it is made; what is kept is its hash. This module must not know what a token may be.

use seaworthy_core::schedule::utc;
use seaworthy_model::{
    access::{Action, Actions},
    id::TokenId,
    port::{TokenRequests as _, TokenWish},
    time::{At, Span},
    token::TokenRow,
    who::{Scope, Who},
};
use serde_json::{Value, json};

use super::{Ask, made_up};
use crate::{
    trouble::{Trouble, code},
    who,
    wire::House,
};

/// Tokens that are listed.
const LIST_MAX: usize = 1_000;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Make a token that you answer for; it is shown this once
    New {
        /// What you call it
        label: String,
        /// What it may do, such as see,run (a refusal names the right that is missing)
        #[arg(long, value_delimiter = ',', required = true)]
        may: Vec<String>,
        /// Only for processes of these services
        #[arg(long, value_delimiter = ',')]
        service: Vec<String>,
        /// How long it lives, such as 30d; 366d at most
        #[arg(long)]
        lives: String,
        /// Something that works by itself uses it: it never signs, approves or confirms
        #[arg(long)]
        robot: bool,
    },
    /// The tokens of this site, whose they are, and when they were used last; never a token
    List,
    /// Take a token back for good
    Revoke {
        /// Its id, as `list` shows it
        token: String,
        /// Why; it is recorded with your name
        #[arg(long)]
        reason: String,
    },
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let place = ask.place()?;
    let house = made_up::open_beside(&place).await?;
    let done = act(ask, &house, args.what).await;
    let sealed = seaworthy_runtime::seal::seal(&house.ports).await;
    house.close();
    let done = done?;
    sealed?;
    Ok(done)
}

async fn act(ask: &Ask, house: &House, what: What) -> Result<u8, Trouble> {
    let uid = rustix::process::geteuid();
    let me = Who::host(house.os_actor(uid).await?, &who::os_name(uid));
    match what {
        What::New { label, may, service, lives, robot } => {
            let may = may.iter().map(|word| action(word)).collect::<Result<Actions, _>>()?;
            let lives = Span::parse(&lives).map_err(Trouble::start)?;
            let wish = TokenWish { label, robot, scope: Scope { may, services: service }, lives };
            let made = house.tokens.make_token(wish, &me).await?.map_err(Trouble::refused)?;
            ask.out.line(made.secret.text());
            ask.out.line(&format!(
                "\nSend it as `Authorization: Bearer {}…`, never in an address. It ends {} and is not shown again;",
                &made.secret.text()[..8],
                utc(made.row.expires)
            ));
            ask.out.line(&format!("`seaworthy token revoke {} --reason …` takes it back.", made.row.token));
            let token = object(house, &made.row).await?;
            ask.out.object(&json!({ "v": 1, "secret": made.secret.text(), "token": token }));
        }
        What::List => {
            let mut all = Vec::new();
            for row in house.tokens.list_tokens(None, LIST_MAX).await? {
                ask.out.line(&line(&row, house.ports.clock.now()));
                all.push(object(house, &row).await?);
            }
            if all.is_empty() {
                ask.out.line("there are no tokens; make one with: seaworthy token new LABEL --may see --lives 30d");
            }
            ask.out.object(&json!({ "v": 1, "tokens": all }));
        }
        What::Revoke { token, reason } => {
            let id: TokenId =
                token.parse().map_err(|e| Trouble::start(format!("{e}; look with: seaworthy token list")))?;
            let row = house.tokens.revoke_token(id, reason, &me).await?.map_err(Trouble::refused)?;
            ask.out.line(&format!("revoked {} ({})", row.token, row.label));
            let token = object(house, &row).await?;
            ask.out.object(&json!({ "v": 1, "token": token }));
        }
    }
    Ok(code::VERIFIED)
}

fn action(word: &str) -> Result<Action, Trouble> {
    let unknown = || Trouble::start(format!("there is no right `{word}`; there are: {}", Action::WORDS.join(", ")));
    Action::parse(word.trim()).ok_or_else(unknown)
}

fn line(row: &TokenRow, now: At) -> String {
    let kind = if row.robot { "robot" } else { "person" };
    let end = match row.revoked_at {
        Some(at) => format!("revoked {}", utc(at)),
        None if row.expires <= now => format!("ended {}", utc(row.expires)),
        None => format!("ends {}", utc(row.expires)),
    };
    let used = row.used_at.map_or("never used".to_owned(), |at| format!("used {}", utc(at)));
    format!("{}  {}  {kind}  {}  {end}  {used}", row.token, row.label, row.scope.may.words().join(","))
}

async fn object(house: &House, row: &TokenRow) -> Result<Value, Trouble> {
    let name = house.ports.journal.person(row.owner).await?.map(|(name, _)| name);
    Ok(json!({
        "token_id": row.token, "label": row.label, "robot": row.robot, "may": row.scope.may,
        "services": row.scope.services, "owner": row.owner, "owner_name": name, "made_at": utc(row.made_at),
        "expires_at": utc(row.expires), "used_at": row.used_at.map(utc), "revoked_at": row.revoked_at.map(utc),
    }))
}
