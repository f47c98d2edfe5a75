//! Calls from outside: `/hook/NAME`, signed, at most once.
//!
//! Must not know HTTP: a face gives the call and shows the answer.

use seaworthy_core::hook::{Signed, accept};
use seaworthy_model::{
    port::{HookAnswer, HookCall, StoreError},
    site::SecretPlace,
    trigger::{Trigger, Triggered},
};
use tracing::warn;

use super::fire::{Fired, fire};
use crate::requests::Desk;

/// Takes a call.
///
/// # Errors
/// When the journal cannot be read or written.
pub(crate) async fn called(desk: &Desk, call: HookCall) -> Result<HookAnswer, StoreError> {
    let ports = &desk.ports;
    let loaded = ports.definitions.current();
    let hook = loaded.processes.values().find_map(|pinned| {
        pinned.process.triggers.iter().find_map(|trigger| match trigger {
            Trigger::Webhook { name, secret, style } if *name == call.name => Some((pinned, secret, *style)),
            _ => None,
        })
    });
    let Some((pinned, secret, style)) = hook else { return Ok(HookAnswer::Unknown) };
    let place = loaded.site.secrets.get(secret).cloned().unwrap_or_else(|| SecretPlace::Env(secret.clone()));
    let secret = match ports.secrets.get(secret, &place, &loaded.folder).await {
        Ok(secret) => secret,
        Err(reason) => {
            // The sentence names places of this host: it is for its log, not for who calls.
            warn!("a call of /hook/{} cannot be judged: {reason}", call.name);
            return Ok(HookAnswer::Held {
                reason: "the signature cannot be judged now; the log of the server says why".into(),
            });
        }
    };
    let signed = Signed { signature: call.signature, key: call.key };
    let keys = match accept(style, secret.value.as_bytes(), &signed, &call.body, ports.clock.now()) {
        Ok(keys) => keys,
        Err(reason) => return Ok(HookAnswer::Forged { reason }),
    };
    let by = Triggered::Webhook { name: call.name };
    Ok(match fire(desk, pinned, &by, &keys, Some(call.body)).await? {
        Fired::Started(run) => HookAnswer::Started { run, again: false },
        Fired::Again(run) => HookAnswer::Started { run, again: true },
        Fired::Held(reason) | Fired::Full(reason) => HookAnswer::Held { reason },
    })
}
