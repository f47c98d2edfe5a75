//! People: who has an account, in which roles; inviting, locking, letting in again, ending sessions. And the caller's own
//! sessions.
//!
//! Proofs of a person (passwords, codes, passkeys) are given to the pages alone. This module must not decide: the door
//! answers.

use axum::http::StatusCode;
use seaworthy_model::{
    access::{Action, BUILT_IN, Grant, built_in},
    account::{Account, Purpose, Session},
    port::{Done, DoorAsk, Guest},
};
use serde_json::{Value, json};

use super::{
    declare::{Call, Field, Gives, Kind, Operation, Reply, Shape, may, must, null},
    problem::Problem,
    shapes::{ACTIONS, DONE, MANY, NAMES, TEXT},
};
use crate::{
    app::Fault,
    door::{Needs, any, site},
    page::people::{address, owners},
    show,
};

const OWN: Needs = Needs::Session("their own sessions");

static GIVEN: Shape = Shape {
    name: "Grant",
    fields: &[
        must("role", TEXT, ""),
        must("services", NAMES, "Empty: whatever the service."),
        must("tiers", NAMES, "Empty: whatever the tier."),
    ],
};
static PERSON: Shape = Shape {
    name: "Person",
    fields: &[
        must("actor", Kind::Id("actor"), ""),
        must("name", TEXT, ""),
        must(
            "grants",
            Kind::List(&Kind::Object(&GIVEN), MANY),
            "Of the account; the site file may give more to the name.",
        ),
        must("made_at", Kind::Time, ""),
        null("last_sign_in_at", Kind::Time, ""),
        null("locked_at", Kind::Time, ""),
        must("sessions", Kind::Whole { min: 0, max: i64::MAX as u64 }, "How many there are."),
    ],
};
static PEOPLE: Shape = Shape {
    name: "People",
    fields: &[
        must("people", Kind::List(&Kind::Object(&PERSON), MANY), ""),
        must("one_owner_alone", Kind::Flag, "A finding: whoever loses their proofs locks the site."),
    ],
};
static LINK: Shape = Shape {
    name: "Link",
    fields: &[
        must("link", TEXT, "Names it; not enough to use it."),
        must("for", Kind::Word(&["invite", "recover"]), ""),
        null("name", TEXT, "Of whom is invited."),
        null("actor", Kind::Id("actor"), "Who sets up anew."),
        must("roles", NAMES, ""),
        must("until", Kind::Time, ""),
    ],
};
static LINKS: Shape = Shape { name: "Links", fields: &[must("links", Kind::List(&Kind::Object(&LINK), MANY), "")] };
static LINK_MADE: Shape = Shape {
    name: "LinkMade",
    fields: &[
        must("url", TEXT, "To be handed on by a way that you trust. It works once and is shown this once."),
        must("detail", TEXT, ""),
    ],
};
static ROLE: Shape = Shape {
    name: "Role",
    fields: &[must("role", TEXT, ""), must("may", ACTIONS, ""), must("built_in", Kind::Flag, "")],
};
static ROLES: Shape = Shape { name: "Roles", fields: &[must("roles", Kind::List(&Kind::Object(&ROLE), MANY), "")] };
static SESSION: Shape = Shape {
    name: "Session",
    fields: &[
        must("session", TEXT, "Names it; not enough to use it."),
        must("about", TEXT, "Program and address, as they say."),
        must("how", TEXT, ""),
        must("begun_at", Kind::Time, ""),
        must("seen_at", Kind::Time, "To the minute."),
        must("this", Kind::Flag, "The one that asks."),
    ],
};
static SESSIONS: Shape =
    Shape { name: "Sessions", fields: &[must("sessions", Kind::List(&Kind::Object(&SESSION), MANY), "")] };

static INVITE: Shape = Shape {
    name: "Invitation",
    fields: &[
        must("name", Kind::Text(200), "By which they will sign in; the site file may give rights to it."),
        must("role", Kind::Text(200), ""),
    ],
};
static WHY: Shape = Shape { name: "Because", fields: WHY_FIELDS };
const WHY_FIELDS: &[Field] = &[must("reason", Kind::Text(500), "Why, for the record.")];
static ENDING: Shape = Shape {
    name: "SessionEnding",
    fields: &[may("session", Kind::Text(64), "Which; all others than the one that asks if absent.")],
};

pub fn operations() -> Vec<Operation> {
    let mut all = looks();
    all.extend(acts());
    all
}

fn looks() -> Vec<Operation> {
    let ok = |shape| Gives::Json(StatusCode::OK, shape);
    vec![
        Operation::get("/people", "listPeople", site(Action::People), "Who has an account.", ok(&PEOPLE), |c| {
            Box::pin(people(c))
        }),
        Operation::get(
            "/people/links",
            "listLinks",
            site(Action::People),
            "Links that wait to be used.",
            ok(&LINKS),
            |c| Box::pin(links(c)),
        ),
        Operation::get("/roles", "listRoles", any(Action::See), "Roles, and what they may.", ok(&ROLES), |c| {
            Box::pin(async move { roles(&c) })
        }),
        Operation::get("/me/sessions", "listSessions", OWN, "Your login sessions.", ok(&SESSIONS), |c| {
            Box::pin(sessions(c))
        }),
    ]
}

fn acts() -> Vec<Operation> {
    let (done, link) = (Gives::Json(StatusCode::OK, &DONE), Gives::Secret(StatusCode::CREATED, &LINK_MADE));
    vec![
        Operation::post(
            "/people/invite",
            "invitePerson",
            site(Action::Invite),
            "Makes a link by which a new person sets an account up.",
            link,
            |c| Box::pin(invite(c)),
        )
        .with_body(&INVITE),
        Operation::post(
            "/people/links/{link}/take-back",
            "takeLinkBack",
            site(Action::Invite),
            "The link does not work any more.",
            done,
            |c| Box::pin(async move { tell(&c, DoorAsk::TakeBack { link: c.path("link").to_owned() }).await }),
        ),
        Operation::post(
            "/people/{actor}/recover",
            "recoverPerson",
            site(Action::Recover),
            "Makes a link by which a known person sets up anew what was lost.",
            link,
            |c| Box::pin(async move { hand(&c, DoorAsk::Recover { actor: actor(&c)? }).await }),
        ),
        Operation::post(
            "/people/{actor}/lock",
            "lockPerson",
            site(Action::Lock),
            "Locks a person out: sessions end, tokens open nothing.",
            done,
            |c| Box::pin(async move { tell(&c, DoorAsk::Lock { actor: actor(&c)?, reason: reason(&c) }).await }),
        )
        .with_body(&WHY),
        Operation::post(
            "/people/{actor}/unlock",
            "unlockPerson",
            site(Action::Unlock),
            "Lets a locked person in again.",
            done,
            |c| Box::pin(async move { tell(&c, DoorAsk::Unlock { actor: actor(&c)?, reason: reason(&c) }).await }),
        )
        .with_body(&WHY),
        Operation::post(
            "/people/{actor}/end-sessions",
            "endSessions",
            site(Action::EndLogin),
            "Ends all login sessions of a person.",
            done,
            |c| Box::pin(async move { tell(&c, DoorAsk::EndAll { actor: actor(&c)? }).await }),
        ),
        Operation::post(
            "/me/sessions/end",
            "endOwnSessions",
            OWN,
            "Ends one of your sessions, or all others.",
            done,
            |c| Box::pin(end(c)),
        )
        .with_body(&ENDING),
        Operation::post("/me/sign-out", "signOut", OWN, "Ends the session that asks.", done, |c| {
            Box::pin(async move { tell(&c, DoorAsk::SignOut).await })
        }),
    ]
}

/// The person who signed in.
fn guest(call: &Call) -> Result<Guest, Problem> {
    let none = "this is for a person who signed in: there is no login session behind this request";
    let guest = call.caller.as_ref().and_then(|caller| caller.guest.clone());
    guest.ok_or_else(|| Problem::new(StatusCode::CONFLICT, "refused", none))
}

fn actor(call: &Call) -> Result<seaworthy_model::id::ActorId, Problem> {
    let missing = || Fault::missing("there is nobody of this id; look at the list of people".to_owned());
    Ok(call.path("actor").parse().map_err(|_| missing())?)
}

fn reason(call: &Call) -> String {
    call.text("reason").unwrap_or_default()
}

async fn ask(call: &Call, wish: DoorAsk) -> Result<Done, Problem> {
    let asked = call.app.web.door.ask(guest(call)?, wish, call.asker.who.via()).await.map_err(Fault::from)?;
    Ok(asked.map_err(Fault::refused)?)
}

async fn tell(call: &Call, wish: DoorAsk) -> Result<Reply, Problem> {
    Ok(Reply::ok(json!({ "detail": ask(call, wish).await?.said })))
}

/// As [`tell`], with a link that is shown this once.
async fn hand(call: &Call, wish: DoorAsk) -> Result<Reply, Problem> {
    let done = ask(call, wish).await?;
    let url = done.link.as_ref().zip(call.caller.as_ref()).map(|(link, caller)| address(&call.app, caller, link));
    Ok(Reply::Json(StatusCode::CREATED, json!({ "url": url, "detail": done.said })))
}

async fn invite(call: Call) -> Result<Reply, Problem> {
    let text = |name| call.text(name).unwrap_or_default();
    hand(&call, DoorAsk::Invite { name: text("name"), role: text("role") }).await
}

async fn end(call: Call) -> Result<Reply, Problem> {
    let wish = call.text("session").map_or(DoorAsk::EndOthers, |session| DoorAsk::EndSession { session });
    tell(&call, wish).await
}

async fn people(call: Call) -> Result<Reply, Problem> {
    let accounts = call.app.web.accounts.accounts().await.map_err(Fault::from)?;
    let mut all = Vec::with_capacity(accounts.len());
    for account in &accounts {
        let sessions = call.app.web.accounts.sessions(account.actor).await.map_err(Fault::from)?;
        all.push(person_json(account, sessions.len()));
    }
    Ok(Reply::ok(json!({ "people": all, "one_owner_alone": owners(&accounts) == 1 })))
}

fn person_json(account: &Account, sessions: usize) -> Value {
    let grant = |grant: &Grant| {
        let tiers: Vec<String> = grant.tiers.iter().map(|tier| format!("{tier:?}")).collect();
        json!({ "role": grant.role, "services": grant.services, "tiers": tiers })
    };
    json!({
        "actor": account.actor, "name": account.name, "grants": account.grants.iter().map(grant).collect::<Vec<_>>(),
        "made_at": show::iso(account.made_at), "last_sign_in_at": account.last_sign_in.map(show::iso),
        "locked_at": account.locked_at.map(show::iso), "sessions": sessions,
    })
}

async fn links(call: Call) -> Result<Reply, Problem> {
    let (links, now) = (call.app.web.accounts.links().await.map_err(Fault::from)?, call.app.now());
    let mut all = Vec::new();
    for link in links.iter().filter(|link| link.until > now) {
        let (what, name, actor, grants) = match &link.purpose {
            // The first owner's own; nobody else is told of it.
            Purpose::Claim => continue,
            Purpose::Invite { name, grants } => ("invite", Some(name), None, grants.as_slice()),
            Purpose::Recover { actor } => ("recover", None, Some(actor), &[][..]),
        };
        let roles: Vec<&str> = grants.iter().map(|grant| grant.role.as_str()).collect();
        let until = show::iso(link.until);
        all.push(json!({
            "link": link.short(), "for": what, "name": name, "actor": actor, "roles": roles, "until": until,
        }));
    }
    Ok(Reply::ok(json!({ "links": all })))
}

fn roles(call: &Call) -> Result<Reply, Problem> {
    let own = &call.app.web.definitions.current().site.rights.roles;
    let known = BUILT_IN.iter().map(|role| ((*role).to_owned(), built_in(role).unwrap_or_default(), true));
    let all = known.chain(own.iter().map(|(role, may)| (role.clone(), *may, false)));
    let all: Vec<Value> = all.map(|(role, may, ours)| json!({ "role": role, "may": may, "built_in": ours })).collect();
    Ok(Reply::ok(json!({ "roles": all })))
}

async fn sessions(call: Call) -> Result<Reply, Problem> {
    let guest = guest(&call)?;
    let mut all = call.app.web.accounts.sessions(guest.account.actor).await.map_err(Fault::from)?;
    all.sort_by_key(|session| std::cmp::Reverse(session.seen_at));
    let one = |session: &Session| {
        json!({
            "session": session.short(), "about": session.about, "how": session.how.word(),
            "begun_at": show::iso(session.begun_at), "seen_at": show::iso(session.seen_at),
            "this": session.digest == guest.session.digest,
        })
    };
    Ok(Reply::ok(json!({ "sessions": all.iter().map(one).collect::<Vec<_>>() })))
}
