//! Looks by an HTTP request: status, headers and body of the answer are the observation.
//!
//! This module must not know what a good status is. Redirects are not followed: where an address leads is
//! part of what is looked at. Proxies of the environment are not used. No answer (refused, no such name, a
//! certificate that is not trusted) means that it could not look.

use std::sync::{Mutex, PoisonError};

use reqwest::{Client, Method, redirect::Policy};
use seaworthy_model::{
    port::{Fut, LookOrder, Probe},
    process::Look,
    run::Observation,
    value::{Facts, Value},
};

use crate::{
    expand::{expand, shown},
    sight::{Mask, observe},
};

/// The client is kept, since it reads the host's trusted roots; connections are not: each look makes its own.
#[derive(Default)]
pub(crate) struct HttpProbe {
    client: Mutex<Option<Client>>,
}

impl Probe for HttpProbe {
    fn name(&self) -> &'static str {
        "http"
    }

    fn takes(&self, look: &Look) -> bool {
        matches!(look, Look::Http { .. })
    }

    fn look<'a>(&'a self, order: &'a LookOrder) -> Fut<'a, Result<Observation, String>> {
        Box::pin(async move {
            let mask = Mask::of(&order.hidden());
            observe(self.name(), order, &mask, self.ask(order, &mask)).await
        })
    }
}

impl HttpProbe {
    async fn ask(&self, order: &LookOrder, mask: &Mask) -> Result<(Facts, u64), String> {
        let Look::Http { url, method, headers, body } = &order.look else {
            return Err("the http probe was asked for another kind of look".into());
        };
        let place = shown(url);
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is not an HTTP method"))?;
        let mut request = self.client()?.request(method, expand(url, order)?);
        for (name, value) in headers {
            request = request.header(name, expand(value, order)?);
        }
        if let Some(body) = body {
            request = request.body(body.clone());
        }
        let mut answer = request.send().await.map_err(|error| format!("{place} gave no answer: {}", said(error)))?;
        let status = answer.status().as_u16();
        let (heads, mut dropped) = head_facts(&answer, mask);
        let (mut bytes, mut seen, room) = (Vec::new(), 0u64, mask.room());
        loop {
            let chunk = answer.chunk().await;
            let Some(chunk) = chunk.map_err(|error| {
                format!(
                    "{place} answered with status {status}, but its body broke off after {seen} bytes: {}",
                    said(error)
                )
            })?
            else {
                break;
            };
            seen += chunk.len() as u64;
            let free = room.saturating_sub(bytes.len()).min(chunk.len());
            bytes.extend_from_slice(&chunk[..free]);
        }
        let (body, cut) = mask.head(&bytes, seen);
        dropped += cut;
        let facts = Facts::from([
            ("status".into(), Value::Int(i64::from(status))),
            ("headers".into(), heads),
            ("body".into(), Value::Text(body)),
        ]);
        Ok((facts, dropped))
    }

    fn client(&self) -> Result<Client, String> {
        // A plain lock: nothing is awaited while it is held.
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = kept.as_ref() {
            return Ok(client.clone());
        }
        crate::install_tls();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .user_agent(concat!("seaworthy/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("the HTTP client cannot be made: {}", said(error)))?;
        Ok(kept.insert(client).clone())
    }
}

/// Names in small letters; several values of one name joined by a comma, as RFC 9110 section 5.2 allows.
fn head_facts(answer: &reqwest::Response, mask: &Mask) -> (Value, u64) {
    let (mut heads, mut dropped) = (std::collections::BTreeMap::new(), 0);
    for name in answer.headers().keys() {
        let values: Vec<_> =
            answer.headers().get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect();
        let (text, cut) = mask.text(&values.join(", "));
        dropped += cut;
        heads.insert(name.as_str().to_owned(), Value::Text(text));
    }
    (Value::Map(heads), dropped)
}

/// The whole chain of causes, without the URL, which may hold a secret.
fn said(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
