//! Tells a web address: the message as JSON, signed if the route names a secret.
//!
//! This module must not know who listens. What it sends, version 1:
//! - body: the fields of `Message` and `v`, the version of this form;
//! - `Seaworthy-Message` and `Idempotency-Key`: the message id, the same at every try;
//! - `Seaworthy-Signature: t=SECONDS,v1=HEX`: HMAC-SHA256 with the secret over `SECONDS.BODY`. The time is
//!   that of the try, so that a receiver can refuse old ones.
//!
//! Redirects are not followed: what a person did not write into the site file gets no message. `$NAME` in the
//! URL is replaced by the secret of that name, and no sentence shows more of a URL than host and port. Proxies
//! of the environment are used, since many networks have no other way out.

use std::sync::{Mutex, PoisonError};

use reqwest::{Client, Url, redirect::Policy};
use seaworthy_model::{
    hmac::hmac_sha256,
    port::{Address, Fut, Message, Notifier, SendError},
    process::hex,
    site::Outlet,
};

use crate::sentence::{chain, foreign, later, never, secret, within};

/// Of the body's form and the signature's.
const VERSION: u32 = 1;
/// Most of an unfriendly answer that is read for the sentence about it.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Try again although the request was at fault: timeout, too early, too many (RFC 9110, 8470, 6585).
const PATIENT: [u16; 3] = [408, 425, 429];

#[derive(Default)]
pub(crate) struct WebhookNotifier {
    /// Kept since it reads the host's trusted roots; connections are not.
    client: Mutex<Option<Client>>,
}

impl Notifier for WebhookNotifier {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn send<'a>(&'a self, to: &'a Address, message: &'a Message) -> Fut<'a, Result<String, SendError>> {
        Box::pin(async move {
            let Outlet::Webhook { url, secret: key } = &to.outlet else {
                return Err(never("the webhook notifier was given another kind of outlet"));
            };
            let url = address(url, to)?;
            let place = place(&url);
            let key = key.as_deref().map(|name| secret(to, name)).transpose()?;
            within(to, &place, self.post(url, &place, key, message)).await
        })
    }
}

impl WebhookNotifier {
    async fn post(&self, url: Url, place: &str, key: Option<&str>, message: &Message) -> Result<String, SendError> {
        let body = body(message)?;
        let id = message.id.to_string();
        let mut request = self
            .client()?
            .post(url)
            .header("Content-Type", "application/json")
            .header("Seaworthy-Message", &id)
            .header("Idempotency-Key", &id);
        if let Some(key) = key {
            let now = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
            request = request.header("Seaworthy-Signature", signature(key, now, &body));
        }
        let mut answer = request
            .body(body)
            .send()
            .await
            .map_err(|error| later(format!("{place} could not be reached: {}", chain(&error.without_url()))))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(format!("{place} answered {}", status.as_u16()));
        }
        let mut said = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            said.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX - said.len())]);
            if said.len() == ANSWER_BYTES_MAX {
                break;
            }
        }
        let reason = format!("{place} answered {status}: {}", foreign(&String::from_utf8_lossy(&said)));
        let retry = status.is_server_error() || PATIENT.contains(&status.as_u16());
        if retry { Err(later(reason)) } else { Err(never(format!("{reason}; check the route's URL"))) }
    }

    fn client(&self) -> Result<Client, SendError> {
        // A plain lock: nothing is awaited while it is held.
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = kept.as_ref() {
            return Ok(client.clone());
        }
        crate::install_tls();
        let client = Client::builder()
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .user_agent(concat!("seaworthy/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| never(format!("the HTTP client cannot be made: {}", chain(&error))))?;
        Ok(kept.insert(client).clone())
    }
}

/// The message's fields and the version, in one object.
fn body(message: &Message) -> Result<String, SendError> {
    let wrong = |error: serde_json::Error| never(format!("the message cannot be written as JSON: {error}"));
    let mut fields = serde_json::to_value(message).map_err(wrong)?;
    fields["v"] = VERSION.into();
    serde_json::to_string(&fields).map_err(wrong)
}

fn signature(key: &str, seconds: u64, body: &str) -> String {
    let mac = hmac_sha256(key.as_bytes(), &[format!("{seconds}.{body}").as_bytes()]);
    format!("t={seconds},v1={}", hex(&mac))
}

/// The URL with `$NAME` replaced by secrets. Longer names first, so that `$URL` does not eat into `$URL_2`.
fn address(url: &str, to: &Address) -> Result<Url, SendError> {
    let mut names: Vec<&str> = to.secrets.iter().map(|secret| secret.name.as_str()).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let mut text = url.to_owned();
    for name in names {
        for written in [format!("${{{name}}}"), format!("${name}")] {
            if text.contains(&written) {
                text = text.replace(&written, secret(to, name)?.trim());
            }
        }
    }
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| never("the URL of a webhook route is not an http:// or https:// address; check the site file"))
}

/// `webhook HOST:PORT`; the rest of such URLs is often a secret.
fn place(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("webhook {}:{port}", url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_time_and_body() {
        let first = signature("key", 1_700_000_000, "{}");
        assert_eq!(first, signature("key", 1_700_000_000, "{}"));
        assert!(first.starts_with("t=1700000000,v1="));
        let mac = |text: &str| text.rsplit_once("v1=").map(|(_, mac)| mac.to_owned());
        assert_ne!(mac(&first), mac(&signature("key", 1_700_000_001, "{}")));
        assert_ne!(mac(&first), mac(&signature("key", 1_700_000_000, "{ }")));
        assert_ne!(mac(&first), mac(&signature("other", 1_700_000_000, "{}")));
    }
}
