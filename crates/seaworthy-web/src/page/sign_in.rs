//! Coming in: the sign-in page, and the page that sets an account up by a link. Both work without script.
//!
//! This module must not decide who comes in: the door answers.

use std::net::SocketAddr;

use askama::Template;
use axum::{
    Extension, Form,
    extract::{ConnectInfo, Path, Query, State as Extract},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use seaworthy_core::account::name::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use seaworthy_model::{
    account::{Purpose, Token, Typed},
    port::{Entered, Entering, Fresh, StoreError},
    time::Span,
};
use serde::Deserialize;

use crate::{
    app::{App, Fault, Frame, Shared},
    assets, qr, show,
    who::{set_cookie, visitor},
    words::Words,
};

type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

#[derive(Template)]
#[template(path = "door/sign_in.html")]
struct SignIn {
    frame: Frame,
    script: String,
    to: String,
    name: String,
    problem: Words,
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    to: String,
}

pub async fn show(Extract(app): Extract<Shared>, Query(wanted): Query<Wanted>) -> Response {
    let problem = match app.web.door.claimed().await {
        Ok(true) => String::new(),
        Ok(false) => "Nobody has claimed this server yet. Its start made a link that works once, for the first owner; `seaworthy owner-link` on its host makes another.".to_owned(),
        Err(error) => return app.page(Err(error.into())),
    };
    page(&app, wanted.to, String::new(), problem, StatusCode::OK)
}

pub fn page(app: &App, to: String, name: String, problem: String, status: StatusCode) -> Response {
    let frame = app.frame("Sign in", "", "", 0);
    let page = SignIn { script: assets::address("door.js"), frame, to: local(&to), name, problem: Words(problem) };
    (status, app.page(page.render().map_err(Into::into))).into_response()
}

#[derive(Deserialize)]
pub struct SignInForm {
    name: String,
    password: String,
    code: String,
    #[serde(default)]
    to: String,
}

pub async fn enter(
    Extract(app): Extract<Shared>,
    peer: Peer,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Response {
    let entering =
        Entering::Password { name: form.name.clone(), password: Typed(form.password), code: Typed(form.code) };
    let visitor = visitor(&app, &headers, peer.as_deref());
    let entered = app.web.door.enter(entering, visitor).await;
    answer(&app, &headers, entered, form.to, form.name)
}

/// What whoever wanted to come in is shown.
pub fn answer(
    app: &App,
    headers: &HeaderMap,
    entered: Result<Entered, StoreError>,
    to: String,
    name: String,
) -> Response {
    match entered {
        Ok(Entered::In { token, .. }) => let_in(app, headers, &token, &to),
        Ok(Entered::No { reason }) => page(app, to, name, reason, StatusCode::UNAUTHORIZED),
        Ok(Entered::Later { after }) => later(after, page(app, to, name, wait(after), StatusCode::TOO_MANY_REQUESTS)),
        Err(trouble) => app.page(Err(trouble.into())),
    }
}

#[derive(Template)]
#[template(path = "door/set_up.html")]
struct SetUp {
    frame: Frame,
    href: String,
    /// What the link is for, in a sentence.
    lead: String,
    /// The name is known: of who was invited, or sets up anew.
    keeps_name: bool,
    name: String,
    fresh: Fresh,
    uri: String,
    code: qr::Drawing,
    groups: String,
    min: usize,
    max: usize,
    problem: Words,
}

pub async fn set_up(Extract(app): Extract<Shared>, Path(link): Path<String>) -> Response {
    set_up_page(&app, &link, None, Words::default(), StatusCode::OK).await
}

#[derive(Deserialize)]
pub struct SetUpForm {
    #[serde(default)]
    name: String,
    password: String,
    again: String,
    sealed: String,
    code: String,
}

pub async fn begin(
    Extract(app): Extract<Shared>,
    Path(link): Path<String>,
    peer: Peer,
    headers: HeaderMap,
    Form(form): Form<SetUpForm>,
) -> Response {
    let Some(token) = Token::parse(&link) else { return app.page(Err(gone())) };
    if form.password != form.again {
        let problem = "the two passwords are not the same; type them again".to_owned();
        return set_up_page(&app, &link, Some(&form), Words(problem), StatusCode::BAD_REQUEST).await;
    }
    let entering = Entering::SetUp {
        link: token,
        name: form.name.clone(),
        password: Typed(form.password.clone()),
        sealed: form.sealed.clone(),
        code: Typed(form.code.clone()),
    };
    let visitor = visitor(&app, &headers, peer.as_deref());
    match app.web.door.enter(entering, visitor).await {
        Ok(Entered::In { token, .. }) => let_in(&app, &headers, &token, ""),
        Ok(Entered::No { reason }) => {
            set_up_page(&app, &link, Some(&form), Words(reason), StatusCode::BAD_REQUEST).await
        }
        Ok(Entered::Later { after }) => {
            let problem = Words(wait(after));
            later(after, set_up_page(&app, &link, Some(&form), problem, StatusCode::TOO_MANY_REQUESTS).await)
        }
        Err(trouble) => app.page(Err(trouble.into())),
    }
}

async fn set_up_page(app: &App, text: &str, form: Option<&SetUpForm>, problem: Words, status: StatusCode) -> Response {
    let made = async {
        let token = Token::parse(text).ok_or_else(gone)?;
        let link = app.web.door.link(&token).await?.ok_or_else(gone)?;
        let site = app.web.definitions.current().site.name.clone();
        let lead = match &link.purpose {
            Purpose::Claim => format!(
                "You become the first owner of {site}. What the user of this host who made this link does at the terminal counts as yours from now on; People changes that."
            ),
            Purpose::Invite { name, .. } => format!("You were invited to {site} as {name}: this is how you sign in."),
            Purpose::Recover { .. } => {
                format!("You set up anew how you sign in to {site}. What you had until now ends.")
            }
        };
        let fresh = app.web.door.fresh(form.map(|form| form.sealed.as_str()));
        let uri = format!(
            "otpauth://totp/{}?secret={}&issuer=Seaworthy",
            show::segment(&format!("Seaworthy:{site}")),
            fresh.base32
        );
        let groups: Vec<String> =
            fresh.base32.as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four).into_owned()).collect();
        Ok(SetUp {
            frame: app.frame("Set up your account", "", "", 0),
            href: format!("{}/set-up/{text}", app.web.base),
            lead,
            keeps_name: link.purpose != Purpose::Claim,
            name: form.map(|form| form.name.clone()).unwrap_or_default(),
            code: qr::Drawing::of(&uri),
            uri,
            groups: groups.join(" "),
            fresh,
            min: PASSWORD_CHARS_MIN,
            max: PASSWORD_CHARS_MAX,
            problem,
        }
        .render()?)
    };
    match made.await {
        Ok(html) => (status, app.page(Ok(html))).into_response(),
        Err(fault) => app.page(Err(fault)),
    }
}

fn gone() -> Fault {
    Fault::missing(
        "this link does not work: it was used, taken back, or is too old; ask for a new one (the first owner: `seaworthy owner-link` on the machine of the site)"
            .to_owned(),
    )
}

fn wait(after: Span) -> String {
    let seconds = after.0.div_ceil(1_000_000_000);
    format!("too many tries from here; the next one counts in {seconds} s")
}

fn later(after: Span, mut response: Response) -> Response {
    let seconds = HeaderValue::from(after.0.div_ceil(1_000_000_000));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

/// 303 with the cookie of the new session.
fn let_in(app: &App, headers: &HeaderMap, token: &Token, to: &str) -> Response {
    let cookie = set_cookie(app, headers, Some(token));
    let to = format!("{}{}", app.web.base, local(to));
    ([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response()
}

/// An address of these pages, or the overview: whoever signs in is sent nowhere else.
fn local(to: &str) -> String {
    let plain = to.starts_with('/') && !to.starts_with("//") && to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if plain { to.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn whoever_signs_in_is_sent_to_these_pages_only() {
        for good in ["/", "/processes/backup?x=1#y", "/runs/run_1"] {
            assert_eq!(local(good), good);
        }
        for bad in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "\\\\evil",
            "/a\r\nSet-Cookie: x",
            "/a b",
            "javascript:alert(1)",
        ] {
            assert_eq!(local(bad), "/", "{bad}");
        }
    }
}
