//! What a person who signed in asks of the API: others and their sessions as JSON; and what a token is refused.

use serde_json::{Value, json};

use crate::{
    kit::{Server, Site},
    people_kit::{Browser, Page, owner_link, set_up},
};

fn value(page: &Page) -> Value {
    serde_json::from_str(&page.body).unwrap_or_else(|e| panic!("{e}: {}", page.body))
}

/// Asks for something that changes something, as the script of a page of ours would.
fn act(browser: &mut Browser, path: &str, body: &Value) -> (u16, Value) {
    let me = value(&browser.get("/api/v1/me"));
    let form = me["form"].as_str().expect("a session has the secret of its forms").to_owned();
    let page = browser.json(path, &[("Seaworthy-Form", &form)], &body.to_string());
    (page.status, value(&page))
}

fn look(browser: &mut Browser, path: &str) -> (u16, Value) {
    let page = browser.get(path);
    (page.status, value(&page))
}

/// A site of two owners who are both in.
fn two(site: &Site, server: &Server) -> (Browser, Browser) {
    let (mut ada, mut grace) = (Browser::of(server), Browser::of(server));
    set_up(&mut ada, &owner_link(site), "ada");
    let (status, made) = act(&mut ada, "/api/v1/people/invite", &json!({ "name": "grace", "role": "owner" }));
    assert_eq!(status, 201, "{made}");
    let url = made["url"].as_str().expect("the link is shown once");
    let (_, links) = look(&mut ada, "/api/v1/people/links");
    assert_eq!(links["links"][0]["name"], json!("grace"), "{links}");
    let link = &url[url.find("/set-up/").expect("it leads to the page that sets up")..];
    let (_, done) = set_up(&mut grace, link, "");
    assert_eq!(done.status, 303, "{}", done.body);
    (ada, grace)
}

#[test]
fn people_are_invited_locked_and_let_in_again_as_json_and_a_token_goes_with_its_owner() {
    let site = Site::new();
    let server = site.server();
    let (mut ada, mut grace) = two(&site, &server);
    let (_, all) = look(&mut grace, "/api/v1/people");
    assert_eq!(all["people"].as_array().map(Vec::len), Some(2), "{all}");
    assert_eq!((&all["one_owner_alone"], &all["people"][0]["locked_at"]), (&json!(false), &Value::Null), "{all}");
    let wish = json!({ "label": "ci", "may": ["see", "people"], "lives": "1h", "robot": true });
    let (status, made) = act(&mut grace, "/api/v1/tokens", &wish);
    assert_eq!(status, 201, "{made}");
    let mut robot = Browser::of(&server);
    let secret = made["secret"].as_str().expect("it is shown once").to_owned();
    robot.headers.push(("Authorization".into(), format!("Bearer {secret}")));
    let (status, me) = look(&mut robot, "/api/v1/me");
    assert_eq!((status, &me["name"], &me["form"]), (200, &json!("grace"), &Value::Null), "{me}");
    let (_, people) = look(&mut robot, "/api/v1/people");
    let her = people["people"].as_array().into_iter().flatten().find(|one| one["name"] == "grace");
    let her = her.and_then(|one| one["actor"].as_str()).expect("she is listed").to_owned();
    let lock = format!("/api/v1/people/{her}/lock");
    for path in [&lock, "/api/v1/people/invite", "/api/v1/me/sign-out"] {
        let page = robot.json(path, &[], "{\"reason\":\"x\"}");
        assert_eq!((page.status, &value(&page)["why"]), (403, &json!("not_a_person")), "{path}: {}", page.body);
    }
    let (status, said) = act(&mut ada, &lock, &json!({ "reason": "she left" }));
    assert_eq!(status, 200, "{said}");
    assert_eq!(look(&mut robot, "/api/v1/me").0, 401, "the token of somebody who is locked opens nothing");
    assert_eq!(look(&mut grace, "/api/v1/me").0, 401, "nor does their session");
    let (status, said) = act(&mut ada, &lock.replace("/lock", "/unlock"), &json!({ "reason": "a mistake" }));
    assert_eq!(status, 200, "{said}");
    assert_eq!(look(&mut robot, "/api/v1/me").0, 200);
    assert!(!server.log().contains(&secret), "a token is in no log");
    assert_eq!(site.say(&["audit", "verify"]).code, 0);
}

#[test]
fn a_session_changes_nothing_without_the_secret_of_its_forms_and_ends_its_others() {
    let site = Site::new();
    let server = site.server();
    let (mut ada, mut grace) = two(&site, &server);
    let theirs = value(&grace.get("/api/v1/me"))["form"].as_str().unwrap_or_default().to_owned();
    for form in ["", "0", &theirs] {
        let page = ada.json("/api/v1/me/sign-out", &[("Seaworthy-Form", form)], "{}");
        assert_eq!(page.status, 403, "{form:?}: {}", page.body);
        assert_eq!(page.header("content-type"), Some("application/problem+json"));
    }
    let (_, sessions) = look(&mut ada, "/api/v1/me/sessions");
    assert_eq!(sessions["sessions"][0]["this"], json!(true), "{sessions}");
    let (status, said) = act(&mut ada, "/api/v1/me/sessions/end", &json!({}));
    assert_eq!(status, 409, "there are no others: {said}");
    let (status, said) = act(&mut ada, "/api/v1/me/sign-out", &json!({}));
    assert_eq!(status, 200, "{said}");
    let (status, said) = look(&mut ada, "/api/v1/me");
    assert_eq!((status, &said["why"]), (401, &json!("not_signed_in")), "{said}");
    let page = ada.json("/api/v1/reload", &[("Sec-Fetch-Site", "cross-site")], "{}");
    assert_eq!((page.status, &value(&page)["title"]), (403, &json!("door")), "of a page elsewhere: {}", page.body);
}

#[test]
fn a_token_in_an_address_is_refused_and_neither_it_nor_a_wrong_one_is_logged() {
    let site = Site::new();
    let server = site.server();
    set_up(&mut Browser::of(&server), &owner_link(&site), "ada");
    let secret = site.json(&["token", "new", "ci", "--may", "see", "--lives", "1h"]).json["secret"].clone();
    let secret = secret.as_str().expect("it is shown once");
    let mut program = Browser::of(&server);
    for path in ["/api/v1/runs?token=TOKEN", "/api/v1/processes/TOKEN", "/?access_token=TOKEN"] {
        let page = program.get(&path.replace("TOKEN", secret));
        assert_eq!(page.status, 400, "{path}: {}", page.body);
        assert!(page.body.contains("revoke it") && !page.body.contains(secret), "{}", page.body);
    }
    let (rest, last) = secret.split_at(secret.len() - 1);
    let other = format!("{rest}{}", if last == "0" { "1" } else { "0" });
    for shown in [other.as_str(), "swt_", "x"] {
        let mut program = Browser::of(&server);
        program.headers.push(("Authorization".into(), format!("Bearer {shown}")));
        assert_eq!(look(&mut program, "/api/v1/me").0, 401, "{shown}");
    }
    let log = server.log();
    assert!(!log.contains(secret) && !log.contains(&other), "{log}");
    assert!(!site.say(&["journal"]).stdout.contains(secret));
}
