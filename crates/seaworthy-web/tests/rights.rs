//! Every address with every role and none: the table that the router is made from, walked over a real socket.
//!
//! `rights.txt` says what each address needs, for people to read; an address without a line there fails.

mod fixture;

use std::sync::{Arc, atomic::Ordering};

use fixture::{Server, scene, serve, world::World};
use seaworthy_model::{
    access::{Action, BUILT_IN, built_in},
    id::RunId,
};
use seaworthy_web::{About, Needs, addresses};

const LIST: &str = include_str!("rights.txt");

fn line(method: &str, path: &str, needs: Needs) -> String {
    match needs {
        Needs::Right(action, about) => format!("{method} {path}  {} of {about:?}", action.word()),
        Needs::Session(why) => format!("{method} {path}  session: {why}"),
        Needs::Open(why) => format!("{method} {path}  open: {why}"),
        Needs::Secret(why) => format!("{method} {path}  secret: {why}"),
    }
}

#[test]
fn each_address_is_listed_with_what_it_needs() {
    let is: Vec<String> = addresses().into_iter().map(|(method, path, needs)| line(&method, &path, needs)).collect();
    let said: Vec<&str> = LIST.lines().collect();
    for one in &is {
        assert!(said.contains(&one.as_str()), "write this line into tests/rights.txt, if it is right:\n{one}");
    }
    for one in said {
        assert!(is.iter().any(|is| is == one), "no address is like this any more: {one}");
    }
}

/// A site with a process of service shop, a run of it, and somebody in charge.
fn claimed() -> (Arc<World>, RunId) {
    let world = World::new();
    world.define(scene::process("orders-copy"));
    let run = scene::lying(&world, "orders-copy", 240);
    world.claimed.store(true, Ordering::Relaxed);
    (world, run)
}

fn filled(path: &str, run: RunId) -> String {
    let run = run.to_string();
    let pairs = [
        ("{name}", "orders-copy"),
        ("{id}", &run),
        ("{step}", "dump"),
        ("{attempt}", "1"),
        ("{digest}", "abcdefabcdef"),
        ("{token}", "token_00000000000000000000000000000000"),
        ("{actor}", "actor_00000000000000000000000000000000"),
        ("{link}", "000000000000"),
    ];
    let path = pairs.iter().fold(path.to_owned(), |path, (key, value)| path.replace(key, value));
    if path == "/live" { format!("/live?page=run/{run}") } else { path }
}

async fn ask(server: &Server, method: &str, path: &str, token: Option<&str>) -> (u16, String) {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let origin = format!("http://{}", server.address);
    let mut headers = vec![("Origin", origin.as_str())];
    headers.extend(bearer.as_ref().map(|bearer| ("Authorization", bearer.as_str())));
    // A stream goes on: its head is enough.
    server.ask_head(method, path, &headers).await
}

#[tokio::test]
async fn every_address_is_closed_to_who_lacks_the_right_and_open_to_who_has_it() {
    let (world, run) = claimed();
    let server = serve(&world).await;
    let mut asked = 0;
    for (method, path, needs) in addresses() {
        let Needs::Right(action, _) = needs else { continue };
        let path = filled(&path, run);
        let case = |role: &str| format!("{method} {path} as {role} ({})", action.word());
        let (status, body) = ask(&server, &method, &path, None).await;
        let to_sign_in = status == 303 && body.contains("/sign-in?to=");
        assert!(to_sign_in || (status == 401 && body.contains("sign in first")), "{}: {body}", case("nobody"));
        let (status, body) = ask(&server, &method, &path, Some("nothing")).await;
        assert_eq!(status, 403, "{}: {body}", case("nothing"));
        assert!(body.contains(action.word()), "{} names the right: {body}", case("nothing"));
        assert_eq!(ask(&server, &method, &path, Some("stranger")).await.0, 401, "{}", case("stranger"));
        let (status, body) = ask(&server, &method, &path, Some("expired:owner")).await;
        assert!(
            status == 401 && body.contains("has expired"),
            "{}: {status} {body}",
            case("an expired token of an owner")
        );
        for role in BUILT_IN {
            let allowed = built_in(role).is_some_and(|may| may.has(action));
            let (status, body) = ask(&server, &method, &path, Some(role)).await;
            assert_eq!(!matches!(status, 401 | 403), allowed, "{}: {status} {body}", case(role));
            let (status, _) = ask(&server, &method, &path, Some(&format!("robot:{role}"))).await;
            let robot = allowed && !action.is_personal();
            assert_eq!(!matches!(status, 401 | 403), robot, "{}: {status}", case(&format!("robot of {role}")));
            asked += 2;
        }
    }
    assert!(asked > 100, "the table is not empty: {asked}");
}

#[tokio::test]
async fn what_is_for_a_person_who_signed_in_is_shut_to_nobody_and_to_every_token() {
    let (world, run) = claimed();
    let server = serve(&world).await;
    let mut asked = 0;
    for (method, path, needs) in addresses() {
        let Needs::Session(_) = needs else { continue };
        let path = filled(&path, run);
        let (status, body) = ask(&server, &method, &path, None).await;
        assert!(status == 401 || (status == 303 && body.contains("/sign-in?to=")), "{method} {path}: {status} {body}");
        for role in BUILT_IN.iter().copied().chain(["nothing"]) {
            for token in [role.to_owned(), format!("robot:{role}")] {
                let (status, body) = ask(&server, &method, &path, Some(&token)).await;
                assert_eq!(status, 403, "{method} {path} with a token of {token}: {body}");
                asked += 1;
            }
        }
    }
    assert!(asked > 50, "the table is not empty: {asked}");
}

#[tokio::test]
async fn a_right_for_one_service_opens_nothing_of_another() {
    let (world, run) = claimed();
    let server = serve(&world).await;
    let service = scene::process("orders-copy").service.expect("the scene's process is of a service");
    let mine = format!("owner@{service}");
    for (method, path, needs) in addresses() {
        let Needs::Right(action, about) = needs else { continue };
        let path = filled(&path, run);
        let (theirs, _) = ask(&server, &method, &path, Some("owner@another")).await;
        let (own, _) = ask(&server, &method, &path, Some(&mine)).await;
        match about {
            About::Process | About::Run | About::Page => {
                assert_eq!(theirs, 403, "{method} {path}");
                assert!(own != 403, "{method} {path} {}", action.word());
            }
            About::Site | About::Change => assert_eq!((theirs, own), (403, 403), "{method} {path}: it is the site's"),
            About::AnyProcess => assert!(theirs != 403 && own != 403, "{method} {path}"),
        }
    }
    for list in ["/", "/processes", "/api/v1/processes", "/api/v1/runs", "/api/v1/overview"] {
        let (_, theirs) = ask(&server, "GET", list, Some("owner@another")).await;
        let (_, own) = ask(&server, "GET", list, Some(&mine)).await;
        assert!(!theirs.contains("orders-copy"), "{list} shows what is not theirs: {theirs}");
        assert!(own.contains("orders-copy"), "{list} lacks what is theirs: {own}");
    }
}

#[tokio::test]
async fn the_page_of_a_run_shows_what_its_command_writes_to_who_may_see_output_alone() {
    let world = World::new();
    for name in ["import-crm", "rotate-keys"] {
        world.define(scene::process(name));
    }
    let (live, _) = scene::going_on(&world);
    world.claimed.store(true, Ordering::Relaxed);
    // A role of this site's own, which lets its people see and no more.
    let role = ("nothing".to_owned(), [Action::See].into_iter().collect());
    world.change(|loaded| loaded.site.rights.roles.extend([role]));
    let server = serve(&world).await;
    let page = format!("/runs/{live}");
    let (status, all) = ask(&server, "GET", &page, Some("viewer")).await;
    assert!(status == 200 && all.contains("read accounts page 30 of 212"), "{status}: {all}");
    let (status, part) = ask(&server, "GET", &page, Some("nothing")).await;
    assert!(status == 200 && part.contains("import-crm"), "{status}: {part}");
    assert!(!part.contains("read accounts page"), "{part}");
}

#[tokio::test]
async fn every_answer_with_a_body_says_what_it_is() {
    let (world, run) = claimed();
    let server = serve(&world).await;
    for (method, path, _) in addresses() {
        let path = path.replace("{name}", "orders-copy").replace("{id}", &run.to_string());
        let path = path.replace("{step}", "dump").replace("{attempt}", "1");
        for token in [None, Some("owner")] {
            let (status, answer) = ask(&server, &method, &path, token).await;
            let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
            let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
            let plain = ["application/json", "application/problem+json", "text/event-stream", "image/svg+xml"];
            let said = plain.contains(&kind) || (kind.starts_with("text/") && kind.contains("charset=utf-8"));
            assert!(
                said || body.is_empty() || head.contains("content-length: 0"),
                "{method} {path} {status}: {kind:?}"
            );
            assert!(head.contains("x-content-type-options: nosniff"), "{method} {path}: {head}");
        }
    }
}

#[tokio::test]
async fn a_token_in_an_address_is_refused_and_said() {
    let (world, _) = claimed();
    let server = serve(&world).await;
    for path in ["/?access_token=x", "/api/v1/runs?token=swt_0123", "/processes/swt_0123"] {
        let (status, body) = ask(&server, "GET", path, Some("owner")).await;
        assert_eq!(status, 400, "{path}");
        assert!(body.contains("revoke it") && body.contains("Authorization: Bearer"), "{body}");
    }
    let (status, body) = server.ask_head("GET", "/", &[("Authorization", "Basic YTpi")]).await;
    assert_eq!(status, 401);
    assert!(body.contains("Bearer swt_"), "{body}");
}

#[tokio::test]
async fn while_nobody_is_in_charge_a_visitor_of_this_host_does_what_was_always_done() {
    let world = World::new();
    world.define(scene::process("orders-copy"));
    let server = serve(&world).await;
    assert_eq!(ask(&server, "GET", "/", None).await.0, 200);
    assert_eq!(ask(&server, "POST", "/processes/orders-copy/run", None).await.0, 409, "the desk is asked, and refuses");
    assert_eq!(world.inner.lock().expect("nobody panics while holding it").asked.len(), 1);
    world.claimed.store(true, Ordering::Relaxed);
    assert_eq!(ask(&server, "GET", "/", None).await.0, 303);
    assert_eq!(ask(&server, "POST", "/processes/orders-copy/run", None).await.0, 401);
    assert_eq!(
        world.inner.lock().expect("nobody panics while holding it").asked.len(),
        1,
        "the desk is not even asked"
    );
}
