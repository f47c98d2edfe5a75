//! The door: which host names a request may use, where a form may come from, what every answer says about itself.
//!
//! Loopback is no protection against a page elsewhere that rebinds its name to 127.0.0.1, nor against its forms.
//! This module must not know any page.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use seaworthy_model::token::TOKEN_PREFIX;

use crate::{
    api::problem::{Problem, is_api},
    app::Shared,
    hook, ping,
};

/// No script, style, frame or connection from anywhere but here; nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// Runs around every request.
pub async fn guard(State(app): State<Shared>, request: Request, next: Next) -> Response {
    // The address of a ping is the secret, the signature of a hook says who calls: neither needs a form of ours, but
    // the host as anything else.
    let bare = is_bare(&request) && matches!(app.web.door.claimed().await, Ok(true));
    let path = request.uri().path();
    let own = ping::is_ping(&app.web.base, path) || hook::is_hook(&app.web.base, path);
    // A browser sends no token by itself, so a page elsewhere cannot make it act with one; nor with nothing at all, once
    // there is an owner. A program that forgot its token is told so.
    let alone = own || bare || request.headers().contains_key(header::AUTHORIZATION);
    let method = if alone { &Method::GET } else { request.method() };
    let mut response = match refuse(&app.web.hosts, method, request.uri(), request.headers()) {
        Some((status, sentence)) if is_api(path) => Problem::new(status, "door", sentence).into_response(),
        Some((status, sentence)) => (status, format!("{sentence}\n")).into_response(),
        None if !own && shows_token(request.uri()) => {
            let sentence = "an address ends up in logs and histories: this token is to be counted as known to others, so revoke it; send one as `Authorization: Bearer swt_…`";
            Problem::new(StatusCode::BAD_REQUEST, "token_in_address", sentence).into_response()
        }
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    if app.web.secure {
        // A browser heeds it only if the answer came over TLS.
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether a request of the API carries nothing that a browser would send by itself.
fn is_bare(request: &Request) -> bool {
    is_api(request.uri().path()) && !request.headers().contains_key(header::COOKIE)
}

/// Whether somebody wrote a token into the address.
fn shows_token(uri: &Uri) -> bool {
    uri.path_and_query().is_some_and(|text| {
        text.as_str().contains(TOKEN_PREFIX)
            || text.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("access_token=")))
    })
}

/// Status and sentence when the request may not pass.
fn refuse(hosts: &[String], method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<(StatusCode, String)> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let named = uri.authority().map(|authority| authority.as_str()).or_else(|| text("host")).unwrap_or_default();
    if !known(named, hosts) {
        return Some((
            StatusCode::MISDIRECTED_REQUEST,
            "this server answers to localhost and to the host of `public_url` only; set `public_url` in seaworthy.yaml if you reach it by another name".to_owned(),
        ));
    }
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let from_here = match (text("sec-fetch-site"), text("origin")) {
        // The browser itself says where the form came from; `Origin` is `null` under our own referrer policy.
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin.split_once("://").is_some_and(|(_, host)| {
            host.eq_ignore_ascii_case(named) || (hosts.iter().any(|h| h.eq_ignore_ascii_case(name_of(host))))
        }),
        (None, None) => false,
    };
    (!from_here).then(|| {
        (
            StatusCode::FORBIDDEN,
            "only a form of these pages may ask for this; from a terminal use `seaworthy run`, `drill` or `runs`"
                .to_owned(),
        )
    })
}

/// The name in `NAME:PORT` or `[V6]:PORT`.
pub fn name_of(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority.split_inclusive(']').next().unwrap_or(authority);
    }
    authority.split(':').next().unwrap_or(authority)
}

/// Whether a request names this very machine.
pub fn is_loopback(authority: &str) -> bool {
    let name = name_of(authority);
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

fn known(authority: &str, hosts: &[String]) -> bool {
    let name = name_of(authority);
    is_loopback(authority) || hosts.iter().any(|host| !host.is_empty() && name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(method: &str, pairs: &[(&str, &str)]) -> Option<u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(
                axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        refuse(&["ops.example.com".into()], &method, &Uri::from_static("/"), &headers)
            .map(|(status, _)| status.as_u16())
    }

    #[test]
    fn a_name_that_was_rebound_to_loopback_is_refused() {
        for good in ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:99", "ops.example.com", "ops.example.com:443"]
        {
            assert_eq!(door("GET", &[("host", good)]), None, "{good}");
        }
        for bad in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::2]", "10.0.0.1"] {
            assert_eq!(door("GET", &[("host", bad)]), Some(421), "{bad}");
        }
        assert_eq!(door("GET", &[]), Some(421));
    }

    #[test]
    fn a_form_of_another_page_is_refused() {
        let host = ("host", "127.0.0.1:8080");
        assert_eq!(door("POST", &[host]), Some(403));
        assert_eq!(door("POST", &[host, ("origin", "http://evil.example")]), Some(403));
        assert_eq!(door("POST", &[host, ("origin", "null")]), Some(403));
        assert_eq!(door("POST", &[host, ("origin", "http://127.0.0.1:9090")]), Some(403));
        assert_eq!(
            door("POST", &[host, ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "cross-site")]),
            Some(403)
        );
        assert_eq!(door("POST", &[host, ("sec-fetch-site", "same-site")]), Some(403));
        assert_eq!(door("POST", &[host, ("origin", "http://127.0.0.1:8080")]), None);
        assert_eq!(door("POST", &[host, ("origin", "null"), ("sec-fetch-site", "same-origin")]), None);
    }
}
