//! What a person may ask of the door about themself: end sessions.
//!
//! This module must not know rights: everybody may do this, about themself alone.

use seaworthy_model::{
    account::DoorChange,
    entry::Via,
    event::AccountEvent,
    port::{Batch, DoorAsk, Guest, StoreError},
};

use super::Doorkeeper;

pub(super) async fn ask(
    door: &Doorkeeper,
    by: Guest,
    ask: DoorAsk,
    via: Via,
) -> Result<Result<String, String>, StoreError> {
    let mut sessions = door.accounts.sessions(by.account.actor).await?;
    let (why, said) = match ask {
        DoorAsk::SignOut => {
            sessions.retain(|session| session.digest == by.session.digest);
            ("signed out", "signed out")
        }
        DoorAsk::EndOthers => {
            sessions.retain(|session| session.digest != by.session.digest);
            ("ended by its person, with all others", "all other sessions have ended")
        }
        DoorAsk::EndSession { session: short } => {
            sessions.retain(|session| session.short() == short);
            ("ended by its person", "the session has ended")
        }
    };
    if sessions.is_empty() {
        return Ok(Err("there is no such session of yours; it may have ended".to_owned()));
    }
    let mut batch = Batch::by(by.account.actor, via);
    let ended = |short: String| AccountEvent::SessionEnded { session: short, why: why.to_owned() };
    door.tell(&mut batch, by.account.actor, sessions.iter().map(|session| ended(session.short())));
    batch.door.extend(sessions.iter().map(|session| DoorChange::SessionEnded(session.digest)));
    door.journal.append(batch).await?;
    Ok(Ok(said.to_owned()))
}
