//! Who asks: the one place where a request gets its person, and a page what only that person may see of it.
//!
//! Without an owner of the site everybody on this host asks as the user who started the server. From then on whoever has
//! no login session sees the sign-in page, or 401 where a program asks. This module must not know how anybody signs in.

use std::net::{IpAddr, SocketAddr};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use seaworthy_core::account::hold::person;
use seaworthy_model::{
    account::Token,
    id::ActorId,
    port::{Guest, Visitor},
    who::Who,
};

use crate::{
    BODY_BYTES_MAX,
    api::problem::{Problem, is_api},
    app::{App, Fault, Shared},
    door, guard, hook, ping, show,
    words::Words,
};

/// The field of every form of a session that only its pages know.
pub const FORM_FIELD: &str = "form";
/// The header in which a program in the browser of a session says the same.
pub const FORM_HEADER: &str = "seaworthy-form";
/// Where the layout says who looks at the page.
const WHO: &str = "<!--who-->";
/// The start of a form; nothing that came from outside can look like it, since it is escaped.
const FORM: &str = "<form ";
/// Stands in the tag of a form that asks for something.
const POST: &str = "method=\"post\"";
/// Longest page that is made personal.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// Who asks, as handlers get it.
#[derive(Clone)]
pub struct Caller {
    /// What decides on rights is asked about.
    pub who: Who,
    /// The name and port by which the request calls this server.
    pub host: String,
    /// `None`: there is no owner yet.
    pub guest: Option<Guest>,
    token: Option<Token>,
}

impl Caller {
    /// Everybody, while there is no owner.
    pub fn anybody(actor: ActorId) -> Caller {
        Caller { who: Who::unclaimed(actor), host: String::new(), guest: None, token: None }
    }

    /// The secret of the forms of this session.
    pub fn form(&self) -> Option<String> {
        self.token.as_ref().map(|token| token.derived(FORM_FIELD))
    }

    /// The markup with what only this person's pages have: the secret of their forms, and their name.
    pub fn personal(&self, html: &str, base: &str) -> String {
        let Some((guest, form)) = self.guest.as_ref().zip(self.form()) else { return html.to_owned() };
        let field = format!("<input type=\"hidden\" name=\"{FORM_FIELD}\" value=\"{form}\">");
        let name = Words(guest.account.name.clone());
        let who = format!("<a class=\"who\" href=\"{base}/account\" title=\"your account\">{name}</a>");
        let mut out = String::with_capacity(html.len() + 1024);
        for (at, part) in html.replacen(WHO, &who, 1).split(FORM).enumerate() {
            if at == 0 {
                out.push_str(part);
                continue;
            }
            // Attributes are escaped, so the first `>` ends the tag.
            let (attributes, rest) = part.split_once('>').unwrap_or((part, ""));
            let field = if attributes.contains(POST) { field.as_str() } else { "" };
            out.extend([FORM, attributes, ">", field, rest]);
        }
        out
    }

    /// Who it is now, after something was done.
    ///
    /// # Errors
    /// When the journal cannot answer.
    pub async fn again(&self, app: &App) -> Result<Option<Guest>, Fault> {
        match &self.token {
            None => Ok(None),
            Some(token) => Ok(app.web.door.guest(token, false).await?),
        }
    }

    /// Whether the session still holds; looking at a page that is open does not make it last longer.
    pub async fn still_in(&self, app: &App) -> bool {
        match &self.token {
            None => true,
            Some(token) => matches!(app.web.door.guest(token, false).await, Ok(Some(_))),
        }
    }
}

/// Runs around every request, inside the guard.
pub async fn who(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    let path = inside(&app.web.base, request.uri().path()).to_owned();
    if is_open(&path)
        || ping::is_ping(&app.web.base, request.uri().path())
        || hook::is_hook(&app.web.base, request.uri().path())
        // Whoever shows a token is recognised by it alone, at the address's own door: no cookie lends it more.
        || request.headers().contains_key(header::AUTHORIZATION)
    {
        return next.run(request).await;
    }
    let caller = match caller(&app, request.headers()).await {
        Ok(Some(caller)) => caller,
        Ok(None) => return not_in(&app, &request, &path),
        Err(fault) => return app.page(Err(fault)),
    };
    if caller.guest.is_some() && !matches!(*request.method(), Method::GET | Method::HEAD) {
        let made = match is_api(&path) {
            true => said_form(&caller, request.headers()).map(|()| request),
            false => with_form(&caller, request).await,
        };
        request = match made {
            Ok(request) => request,
            Err(fault) if is_api(&path) => return Problem::from(fault).into_response(),
            Err(fault) => return app.page(Err(fault)),
        };
    }
    request.extensions_mut().insert(caller.who.clone());
    request.extensions_mut().insert(caller.clone());
    let response = next.run(request).await;
    let html =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if html && caller.guest.is_some() { personal(&app, &caller, response).await } else { response }
}

/// Addresses that say nothing of the site and are needed before anybody is in.
fn is_open(path: &str) -> bool {
    let names = ["/sign-in", "/sign-in/passkey", "/sign-in/challenge", "/healthz", "/readyz", "/favicon.ico"];
    names.contains(&path) || ["/assets/", "/set-up/"].iter().any(|start| path.starts_with(start))
}

fn inside<'a>(base: &str, path: &'a str) -> &'a str {
    path.strip_prefix(base).filter(|rest| !base.is_empty() && rest.starts_with('/')).unwrap_or(path)
}

/// Whether somebody of this very host asks: a proxy before us speaks for others, and asks for a name or says for whom.
fn of_this_host(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    guard::is_loopback(host) && !["x-forwarded-for", "forwarded"].iter().any(|name| headers.contains_key(*name))
}

async fn caller(app: &App, headers: &HeaderMap) -> Result<Option<Caller>, Fault> {
    if !app.web.door.claimed().await? {
        return Ok((app.web.anybody && of_this_host(headers)).then(|| Caller::anybody(app.web.actor)));
    }
    let Some(token) = token(app, headers) else { return Ok(None) };
    let guest = app.web.door.guest(&token, true).await?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    Ok(guest.map(|guest| Caller {
        who: person(&guest.account, &guest.session),
        host,
        guest: Some(guest),
        token: Some(token),
    }))
}

fn not_in(app: &App, request: &Request, path: &str) -> Response {
    if is_api(path) {
        return door::nobody(app, path);
    }
    let page = *request.method() == Method::GET && path != "/live" && path != "/metrics";
    if page {
        let wanted = request.uri().path_and_query().map_or("/", |all| inside(&app.web.base, all.as_str()));
        return Redirect::to(&format!("{}/sign-in?to={}", app.web.base, show::segment(wanted))).into_response();
    }
    let sentence = "nobody is signed in here, or the session has ended; sign in first";
    (StatusCode::UNAUTHORIZED, axum::Json(serde_json::json!({ "error": sentence }))).into_response()
}

/// What is wrong with a request that a page elsewhere might have made.
fn not_ours() -> Fault {
    let sentence =
        "this form is not of your session now: you signed in anew, or it came from elsewhere; load the page again";
    Fault { status: StatusCode::FORBIDDEN, sentence: sentence.to_owned() }
}

/// A program in a session's browser says the secret of its forms in a header: `form` of `GET /api/v1/me`.
fn said_form(caller: &Caller, headers: &HeaderMap) -> Result<(), Fault> {
    let given = headers.get(FORM_HEADER).and_then(|value| value.to_str().ok());
    if given.is_some() && given == caller.form().as_deref() { Ok(()) } else { Err(not_ours()) }
}

/// The request again, if its form is one of this session's pages.
async fn with_form(caller: &Caller, request: Request) -> Result<Request, Fault> {
    let (parts, body) = request.into_parts();
    let too_much = |_| Fault::refused(format!("a form has at most {BODY_BYTES_MAX} bytes"));
    let bytes: Bytes = to_bytes(body, BODY_BYTES_MAX).await.map_err(too_much)?;
    let wanted = caller.form();
    let said = String::from_utf8_lossy(&bytes);
    // The value has hex digits only, so it stands in a form as it is.
    let given = said.split('&').find_map(|pair| pair.strip_prefix(FORM_FIELD)?.strip_prefix('='));
    if given.is_none() || given != wanted.as_deref() {
        return Err(not_ours());
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn personal(app: &App, caller: &Caller, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, PAGE_BYTES_MAX).await else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "this page is too long to be shown\n").into_response();
    };
    let html = caller.personal(&String::from_utf8_lossy(&bytes), &app.web.base);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(html))
}

/// The name of the cookie, and whether the browser speaks TLS with whoever stands before us.
pub fn cookie(app: &App, headers: &HeaderMap) -> (String, bool) {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if app.web.secure && !guard::is_loopback(host) {
        // The browser takes this name only from this very host, over TLS, for all of it.
        return ("__Host-seaworthy".to_owned(), true);
    }
    // A browser has one jar for all ports of a host.
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    (format!("seaworthy-{}", port.trim_end_matches(']')), false)
}

/// The token of the session that the request comes with.
pub fn token(app: &App, headers: &HeaderMap) -> Option<Token> {
    let (name, _) = cookie(app, headers);
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| Token::parse(value)).flatten()
    })
}

/// Header that gives the browser a token, or takes it away.
pub fn set_cookie(app: &App, headers: &HeaderMap, token: Option<&Token>) -> String {
    let (name, secure) = cookie(app, headers);
    let secure = if secure { "; Secure" } else { "" };
    match token {
        Some(token) => format!("{name}={}; Path=/; HttpOnly; SameSite=Lax{secure}", token.text()),
        None => format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}"),
    }
}

/// What can be seen of whoever knocks.
pub fn visitor(app: &App, headers: &HeaderMap, peer: Option<&ConnectInfo<SocketAddr>>) -> Visitor {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let address = place(headers, peer.map(|info| info.0.ip().to_canonical()));
    Visitor {
        source: address.map_or_else(|| "an unknown address".to_owned(), |address| network(address).to_string()),
        program: program(text("user-agent")),
        had: token(app, headers),
    }
}

/// The address that asks. Only a proxy on this host is believed, and of what it passes on only what it wrote itself: the
/// end of the last line.
fn place(headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
    let mut lines = headers.get_all("x-forwarded-for").into_iter();
    let told = lines.next_back().and_then(|line| line.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    peer.map(|peer| if peer.is_loopback() { told.unwrap_or(peer) } else { peer })
}

/// One place: an address, or the network that one subscriber has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    Address(IpAddr),
    /// The first 64 bits of an address of IPv6.
    Subscriber([u16; 4]),
}

/// Where an address is, whichever way it is written.
pub fn network(address: IpAddr) -> Network {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            Network::Subscriber([a, b, c, d])
        }
        address => Network::Address(address),
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Network::Address(address) => address.fmt(f),
            Network::Subscriber([a, b, c, d]) => write!(f, "{a:x}:{b:x}:{c:x}:{d:x}::/64"),
        }
    }
}

/// A browser in words that a person knows it by.
fn program(agent: &str) -> String {
    let first = |all: &[(&str, &'static str)]| all.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, word)| *word);
    let browsers = [
        ("seaworthy/", "seaworthy login"),
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chromium"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    match (first(&browsers), first(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "an unknown program".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_before_anybody_is_in_is_open() {
        for open in ["/sign-in", "/set-up/abc", "/healthz", "/readyz", "/assets/seaworthy.css", "/favicon.ico"] {
            assert!(is_open(open), "{open}");
        }
        for shut in [
            "/",
            "/account",
            "/sign-in/x",
            "/metrics",
            "/live",
            "/api/v1/processes",
            "/assets",
            "/set-up",
            "/runs/healthz",
        ] {
            assert!(!is_open(shut), "{shut}");
        }
        assert_eq!(inside("/sub", "/sub/sign-in"), "/sign-in");
        assert_eq!(inside("/sub", "/sign-in"), "/sign-in");
        assert_eq!(inside("/sub", "/subsign-in"), "/subsign-in");
    }

    #[test]
    fn only_a_proxy_on_this_host_says_who_asks_and_only_by_what_it_wrote_itself() {
        let (proxy, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([198, 51, 100, 7]));
        let of = |lines: &[&'static str], peer: IpAddr| {
            let lines = lines.iter().map(|line| (axum::http::HeaderName::from_static("x-forwarded-for"), *line));
            let headers = lines.map(|(name, line)| (name, axum::http::HeaderValue::from_static(line))).collect();
            place(&headers, Some(peer)).map(|address| address.to_string())
        };
        for (lines, told) in [
            (&["203.0.113.9"][..], "203.0.113.9"),
            (&["192.0.2.1, 203.0.113.9"], "203.0.113.9"),
            (&["192.0.2.1", "203.0.113.9"], "203.0.113.9"),
            (&["192.0.2.1, nonsense"], "127.0.0.1"),
            (&[], "127.0.0.1"),
        ] {
            assert_eq!(of(lines, proxy).as_deref(), Some(told), "{lines:?}");
            assert_eq!(of(lines, other).as_deref(), Some("198.51.100.7"), "nobody else is believed: {lines:?}");
        }
        assert_eq!(place(&HeaderMap::new(), None), None);
    }

    #[test]
    fn a_place_is_an_address_or_the_network_of_one_subscriber() {
        let place = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(place("192.0.2.7"), "192.0.2.7");
        assert_eq!(place("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(place("2001:db8:1:2:3:4:5:6"), place("2001:db8:1:2::9"));
        assert_ne!(place("2001:db8:1:2::9"), place("2001:db8:1:3::9"));
    }
}
