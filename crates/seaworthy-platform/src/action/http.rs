//! Sends one request. Its answer is the output; its status says whether it is done.
//!
//! A connection that was never made means that nothing was asked; from then on no answer, or half of one, means that
//! nobody knows. Proxies of the environment are not used. Must not know what the answer is good for.

use std::{collections::BTreeMap, io::Write as _, time::Duration};

use reqwest::{
    Client, Method, Response, StatusCode, Url,
    header::{HeaderMap, HeaderName, HeaderValue, LOCATION},
    redirect::Policy,
};
use seaworthy_model::{
    deed::{Deed, Request},
    port::Fut,
};
use serde_json::Value;

use super::{Came, Given, Kind, Trouble, expand, say};

/// What is read of an answer; the rest is left unread, with a remark.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest answer whose fields can be handed on.
const FIELDS_BYTES_MAX: usize = 1024 * 1024;
/// Longest time until a connection is made.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Http;

impl Kind for Http {
    fn takes(&self, deed: &Deed) -> bool {
        matches!(deed, Deed::Http(_))
    }

    fn carry<'a>(&'a self, given: &'a Given) -> Fut<'a, Came> {
        Box::pin(async move {
            let Deed::Http(request) = &given.deed else {
                return Err(Trouble::NotDone("this is no request".into()));
            };
            let limit = given.limit.to_std();
            let client = client(limit).map_err(Trouble::NotDone)?;
            let asked = Asked::of(request).map_err(Trouble::NotDone)?;
            let late = || {
                let text = format!("{} gave no answer within {}: look whether it did it", asked.shown, given.limit);
                Trouble::Unknown(text)
            };
            tokio::time::timeout(limit, asked.send(&client, request)).await.map_err(|_| late())?
        })
    }
}

fn client(limit: Duration) -> Result<Client, String> {
    // Whoever embeds us may have chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        // Earlier than the limit of all, so that a connection that was never made is known as such.
        .connect_timeout(CONNECT_WITHIN.min(limit / 2))
        .user_agent(concat!("seaworthy/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("the HTTP client cannot be made: {}", said(error)))
}

/// A request with all its names replaced.
struct Asked {
    /// As the file writes it: for sentences.
    shown: String,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<String>,
}

impl Asked {
    fn of(request: &Request) -> Result<Asked, String> {
        let shown = format!("{} {}", request.method, expand::shown(&request.url));
        let filled = |text: &str| expand::expand(text, &expand::own).map_err(|why| format!("{shown}: {why}"));
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| format!("`{}` is not an HTTP method", request.method))?;
        // The address itself may hold a secret by now: the reason names none of it.
        let url: Url = filled(&request.url)?.parse().map_err(|why| format!("{shown} is not an address: {why}"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let header =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` cannot name a header"))?;
            let value = HeaderValue::from_str(&filled(value)?)
                .map_err(|_| format!("the value of the header {name} holds characters that no header may hold"))?;
            headers.insert(header, value);
        }
        if let Some(key) = expand::own("SEAWORTHY_KEY").and_then(|key| HeaderValue::from_str(&key).ok()) {
            headers.insert(HeaderName::from_static("idempotency-key"), key);
        }
        let body = request.body.as_deref().map(filled).transpose()?;
        Ok(Asked { shown, method, url, headers, body })
    }

    async fn send(&self, client: &Client, request: &Request) -> Came {
        let mut url = self.url.clone();
        let mut left = request.redirects;
        loop {
            let answer = self.send_to(client, &url).await?;
            let Some(next) = elsewhere(&answer, &url).filter(|_| request.redirects > 0) else {
                return self.take(answer, &request.status).await;
            };
            if left == 0 {
                let text = format!("{} leads on and on: {} addresses were asked", self.shown, request.redirects + 1);
                return Err(Trouble::NotDone(text));
            }
            // Like the headers, what was to be sent is for the one who was named.
            if self.body.is_some() && next.origin() != self.url.origin() {
                let to = next.origin().ascii_serialization();
                let text = format!(
                    "{} leads to {to}, and its body is for {} alone, so it was not sent there: name the last address itself",
                    self.shown,
                    self.url.origin().ascii_serialization()
                );
                return Err(Trouble::NotDone(text));
            }
            left -= 1;
            url = next;
        }
    }

    async fn send_to(&self, client: &Client, url: &Url) -> Result<Response, Trouble> {
        let mut sent = client.request(self.method.clone(), url.clone());
        // Headers may hold secrets, which are for the one who was named.
        if url.origin() == self.url.origin() {
            sent = sent.headers(self.headers.clone());
        }
        if let Some(body) = &self.body {
            sent = sent.body(body.clone());
        }
        sent.send().await.map_err(|error| {
            let (unsent, shown) = (error.is_connect() || error.is_builder(), &self.shown);
            let why = said(error);
            match unsent {
                true => Trouble::NotDone(format!("{shown} was not sent: {why}")),
                false => {
                    Trouble::Unknown(format!("{shown} was sent, and no answer came: {why}; look whether it did it"))
                }
            }
        })
    }

    /// Writes the answer out and says what its status means.
    async fn take(&self, mut answer: Response, expected: &[u16]) -> Came {
        let (shown, status) = (&self.shown, answer.status());
        let mut fields = Vec::new();
        let (mut seen, mut cut) = (0usize, false);
        loop {
            let chunk = answer.chunk().await.map_err(|error| {
                let why = said(error);
                Trouble::Unknown(format!(
                    "{shown} answered {status}, and its answer broke off after {seen} bytes: {why}"
                ))
            })?;
            let Some(chunk) = chunk else { break };
            let room = (ANSWER_BYTES_MAX - seen).min(chunk.len());
            seen += room;
            // Nobody may read it any more.
            let _ = std::io::stdout().write_all(&chunk[..room]);
            if fields.len() + room <= FIELDS_BYTES_MAX {
                fields.extend_from_slice(&chunk[..room]);
            }
            if room < chunk.len() {
                cut = true;
                break;
            }
        }
        let _ = std::io::stdout().flush();
        if cut {
            say(&format!("the answer is longer than {ANSWER_BYTES_MAX} bytes, and its rest was not read"));
        }
        let good = if expected.is_empty() { status.is_success() } else { expected.contains(&status.as_u16()) };
        match (good, status) {
            (true, _) => {
                say(&format!("{shown} answered {status}"));
                Ok(values(status, if seen == fields.len() { &fields } else { &[] }))
            }
            // Said by something between that was given no answer itself.
            (false, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT) => Err(Trouble::Unknown(format!(
                "{shown} answered {status}: something between was given no answer; look whether it did it"
            ))),
            (false, _) => Err(Trouble::NotDone(format!("{shown} answered {status}, expected {}", listed(expected)))),
        }
    }
}

fn listed(expected: &[u16]) -> String {
    if expected.is_empty() {
        return "200 to 299".into();
    }
    expected.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")
}

/// Where a redirect leads, if the answer is one.
fn elsewhere(answer: &Response, from: &Url) -> Option<Url> {
    let redirect = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let place = answer.headers().get(LOCATION).filter(|_| redirect)?.to_str().ok()?;
    from.join(place).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// `status`, and the fields of an answer that is a JSON object.
fn values(status: StatusCode, answer: &[u8]) -> BTreeMap<String, Value> {
    let mut values: BTreeMap<String, Value> = serde_json::from_slice(answer).unwrap_or_default();
    values.insert("status".into(), status.as_u16().into());
    values
}

/// The whole chain of causes, without the address, which may hold a secret.
fn said(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(why) = cause {
        let words = why.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = why.source();
    }
    text
}
