//! Accounts and signing in, through the real binary: the first owner, what is shut from then on, whose act is whose.

use crate::{
    kit::{Site, until},
    people_kit::{Browser, PASSWORD, owner_link, set_up, two},
};

fn site() -> Site {
    let site = Site::new();
    site.process(
        "backup",
        "steps: [{ id: a, run: \"true\" }]\nverify:\n  - command: echo 1\n    expect: stdout.contains(\"1\")\n",
    );
    site
}

#[test]
fn the_first_owner_claims_a_fresh_server_and_finds_her_own_act_in_the_history() {
    let site = site();
    let server = site.server();
    let mut browser = Browser::of(&server);
    assert_eq!(browser.get("/").status, 200, "without an owner it is as open as the host is");
    let link = owner_link(&site);
    let (_, done) = set_up(&mut browser, &link, "ada");
    assert_eq!((done.status, done.to()), (303, "/"), "{}", done.body);
    let cookie = done.header("set-cookie").expect("a session begins");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let overview = browser.get("/");
    assert!(overview.status == 200 && overview.body.contains(">ada</a>"), "{}", overview.body);
    let started = browser.press("/processes/backup", "/processes/backup/run", &[]);
    assert_eq!(started.status, 303, "{}", started.body);
    let run = started.to().rsplit('/').next().unwrap_or_default().to_owned();
    until("the run has ended", || site.say(&["show", &run]).stdout.contains("VERIFIED").then_some(()));
    let account = browser.get("/account").body;
    let actor = account.split("actor_").nth(1).expect("the page names the actor")[..32].to_owned();
    let journal = site.say(&["journal", "--json"]);
    let requested = journal.stdout.lines().find(|line| line.contains("run_requested")).unwrap_or_default();
    assert!(requested.contains(&actor), "her own act is hers: {requested}\n{}", journal.stdout);
    assert_eq!(site.say(&["owner-link"]).code, 4, "there is an owner");
    assert!(!site.path(".seaworthy/owner-link").exists(), "a link that was used lies nowhere");
    assert_eq!(site.say(&["audit", "verify"]).code, 0);
}

#[test]
fn a_claimed_server_answers_nobody_who_is_not_signed_in() {
    let site = site();
    let server = site.server();
    set_up(&mut Browser::of(&server), &owner_link(&site), "ada");
    let mut stranger = Browser::of(&server);
    for page in ["/", "/processes", "/processes/backup", "/changes", "/help", "/account", "/nothing"] {
        let answer = stranger.get(page);
        assert_eq!(answer.status, 303, "{page}");
        assert!(answer.to().starts_with("/sign-in?to=%2F"), "{page}: {}", answer.to());
        assert!(answer.body.is_empty(), "{page}: {}", answer.body);
    }
    for address in ["/api/v1/processes", "/api/v1/runs", "/live?page=overview", "/metrics"] {
        let answer = stranger.get(address);
        assert_eq!(answer.status, 401, "{address}");
        assert!(!answer.body.contains("backup"), "{address}");
    }
    for act in ["/processes/backup/run", "/processes/backup/pause", "/account/sign-out"] {
        assert_eq!(stranger.post(act, &[]).status, 401, "{act}");
    }
    for open in ["/healthz", "/sign-in"] {
        assert_eq!(stranger.get(open).status, 200, "{open}");
    }
    stranger.cookies.insert(stranger.cookie(), "0".repeat(64));
    assert_eq!(stranger.get("/").status, 303, "a made up session is none");
    assert!(!site.say(&["runs"]).stdout.contains("run_"), "nothing was started");
}

#[test]
fn password_and_code_let_in_once_and_a_wrong_one_tells_nothing() {
    let site = site();
    let server = site.server();
    let (mut phone, _) = set_up(&mut Browser::of(&server), &owner_link(&site), "ada");
    let mut browser = Browser::of(&server);
    let code = phone.code();
    let mut tell = |name: &str, password: &str, code: &str| {
        let fields = [("name", name), ("password", password), ("code", code), ("to", "/processes")];
        browser.post("/sign-in", &fields)
    };
    let wrong: Vec<_> = [("ada", "not her password", &*code), ("eve", PASSWORD, &code), ("ada", PASSWORD, "000000")]
        .into_iter()
        .map(|(name, password, code)| tell(name, password, code))
        .collect();
    for answer in &wrong {
        assert_eq!(answer.status, 401);
        assert!(answer.body.contains("do not fit together"), "{}", answer.body);
        assert!(!answer.body.contains(PASSWORD));
    }
    let right = tell("ADA", PASSWORD, &code);
    assert_eq!((right.status, right.to()), (303, "/processes"), "{}", right.body);
    let again = tell("ada", PASSWORD, &code);
    assert_eq!(again.status, 401, "a code works once");
    assert_eq!(tell("ada", PASSWORD, &phone.code()).status, 303);
    let journal = site.say(&["journal", "--json"]).stdout;
    assert!(journal.contains("sign_in_refused"), "{journal}");
    for secret in [PASSWORD, "not her password", &code] {
        assert!(!journal.contains(secret) && !server.log().contains(secret), "{secret} is written nowhere");
    }
}

#[test]
fn sessions_are_listed_and_end_one_by_one_or_all() {
    let site = site();
    let server = site.server();
    let mut desk = Browser::of(&server);
    let (mut phone, _) = set_up(&mut desk, &owner_link(&site), "ada");
    let mut other = Browser::of(&server);
    other.headers.push(("User-Agent".into(), "Mozilla/5.0 (Android) Firefox/140.0".into()));
    let fields = [("name", "ada"), ("password", PASSWORD), ("code", &phone.code())];
    assert_eq!(other.post("/sign-in", &fields).status, 303);
    let account = desk.get("/account").body;
    assert!(account.contains("Firefox on Android, from 127.0.0.1"), "{account}");
    assert_eq!(desk.press("/account", "/account/sessions/end", &[]).status, 303);
    assert_eq!(other.get("/").status, 303, "it has ended");
    assert_eq!(desk.get("/").status, 200, "the one that asked has not");
    let kept = desk.cookies.clone();
    assert_eq!(desk.press("/account", "/account/sign-out", &[]).to(), "/sign-in");
    desk.cookies = kept;
    assert_eq!(desk.get("/").status, 303, "a cookie that was kept opens nothing");
}

#[test]
fn a_form_without_the_secret_of_the_session_or_of_another_is_refused() {
    let site = site();
    let server = site.server();
    let mut ada = Browser::of(&server);
    let (mut phone, _) = set_up(&mut ada, &owner_link(&site), "ada");
    let old = ada.get("/account").field("form");
    let fields = [("name", "ada"), ("password", PASSWORD), ("code", &phone.code())];
    assert_eq!(ada.post("/sign-in", &fields).status, 303, "a session in place of the one before");
    for fields in [&[][..], &[("form", "")], &[("form", old.as_str())], &[("form", "0")]] {
        let answer = ada.post("/processes/backup/run", fields);
        assert_eq!(answer.status, 403, "{fields:?}: {}", answer.body);
    }
    let secret = ada.get("/account").field("form");
    assert_ne!(secret, old);
    ada.headers.push(("Sec-Fetch-Site".into(), "cross-site".into()));
    assert_eq!(ada.post("/processes/backup/run", &[("form", &secret)]).status, 403, "even with it, from elsewhere");
}

#[test]
fn a_link_works_once_and_only_as_it_is() {
    let site = site();
    let server = site.server();
    let first = owner_link(&site);
    let made = site.json(&["owner-link"]);
    let second = made.json["url"].as_str().expect("a link").split_once("/set-up").expect("a link").1.to_owned();
    let second = format!("/set-up{second}");
    let mut browser = Browser::of(&server);
    assert_eq!(browser.get(&first).status, 404, "a newer one was made");
    for broken in [
        "/set-up/",
        "/set-up/0",
        &format!("/set-up/{}", "0".repeat(64)),
        &second.to_uppercase().replace("/SET-UP", "/set-up"),
    ] {
        assert_eq!(browser.get(broken).status, 404, "{broken}");
    }
    for (name, password, complaint) in [
        ("<b>ada</b>", PASSWORD, "a name begins with"),
        ("\u{430}da", PASSWORD, "a name begins with"),
        ("ada\u{202e}", PASSWORD, "a name begins with"),
        ("ada", "short", "at least 12 characters"),
        ("ada", "password1234", "guessed soon"),
    ] {
        let sealed = browser.get(&second).field("sealed");
        let fields =
            [("name", name), ("password", password), ("again", password), ("sealed", &sealed), ("code", "000000")];
        let answer = browser.post(&second, &fields);
        assert!(answer.status == 400 && answer.body.contains(complaint), "{name} {password}: {}", answer.body);
    }
    let (_, done) = set_up(&mut browser, &second, "ada");
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(browser.get(&second).status, 404, "it was used");
}

#[test]
fn an_invited_person_comes_in_under_the_name_that_was_given_and_is_locked_out_at_once() {
    let site = site();
    let server = site.server();
    let (mut ada, _, link) = two(&site, &server);
    let mut grace = Browser::of(&server);
    let (mut phone, done) = set_up(&mut grace, &link, "eve");
    assert_eq!(done.status, 303, "{}", done.body);
    let account = grace.get("/account").body;
    assert!(account.contains("<h1>grace</h1>"), "the link says who it is for: {account}");
    let actor = format!("actor_{}", &account.split("actor_").nth(1).expect("an actor")[..32]);
    let locked = ada.press("/people", "/people", &[("what", "lock"), ("actor", &actor), ("reason", "left")]);
    assert!(locked.body.contains("grace is locked"), "{}", locked.body);
    assert_eq!(grace.get("/").status, 303, "all her sessions have ended");
    let fields = [("name", "grace"), ("password", PASSWORD), ("code", &phone.code())];
    assert_eq!(grace.post("/sign-in", &fields).status, 401);
    let own = ada.get("/account").body;
    let own = format!("actor_{}", &own.split("actor_").nth(1).expect("an actor")[..32]);
    let refused = ada.press("/people", "/people", &[("what", "lock"), ("actor", &own), ("reason", "no")]);
    assert!(refused.body.contains("the last owner"), "{}", refused.body);
    let back = ada.press("/people", "/people", &[("what", "unlock"), ("actor", &actor), ("reason", "is back")]);
    assert!(back.body.contains("may sign in again"), "{}", back.body);
    let fields = [("name", "grace"), ("password", PASSWORD), ("code", &phone.code())];
    assert_eq!(grace.post("/sign-in", &fields).status, 303);
}

#[test]
fn what_was_lost_is_set_up_anew_by_another_owner_alone_and_the_old_secret_is_not_taken() {
    let site = site();
    let server = site.server();
    let (mut ada, _, link) = two(&site, &server);
    let mut grace = Browser::of(&server);
    set_up(&mut grace, &link, "");
    let account = grace.get("/account").body;
    let actor = format!("actor_{}", &account.split("actor_").nth(1).expect("an actor")[..32]);
    let own = grace.press("/people", "/people", &[("what", "recover"), ("actor", &actor)]);
    assert!(own.body.contains("another owner does"), "{}", own.body);
    let given = ada.press("/people", "/people", &[("what", "recover"), ("actor", &actor)]);
    let link = format!("/set-up/{}", &given.body.split_once("/set-up/").expect("a link").1[..64]);
    let (_, again) = set_up(&mut Browser::of(&server), &link, "");
    assert!(again.status == 400 && again.body.contains("the old password"), "{}", again.body);
    let mut anew = Browser::of(&server);
    let page = anew.get(&link);
    let mut phone = crate::people_kit::Phone::of(&page);
    let password = "quartz lemon tidal fox";
    let fields =
        [("password", password), ("again", password), ("sealed", &page.field("sealed")), ("code", &phone.code())];
    assert_eq!(anew.post(&link, &fields).status, 303);
    assert_eq!(grace.get("/").status, 303, "sessions of before have ended");
    assert!(anew.get("/account").body.contains("<h1>grace</h1>"));
}

#[test]
fn who_may_not_is_told_which_right_is_missing_and_a_password_is_changed_by_who_knows_it() {
    let site = site();
    let server = site.server();
    let mut ada = Browser::of(&server);
    let (mut phone, _) = set_up(&mut ada, &owner_link(&site), "ada");
    let page = ada.press("/people", "/people", &[("what", "invite"), ("name", "vic"), ("role", "viewer")]);
    let link = format!("/set-up/{}", &page.body.split_once("/set-up/").expect("a link").1[..64]);
    let mut vic = Browser::of(&server);
    set_up(&mut vic, &link, "");
    let refused = vic.press("/account", "/people", &[("what", "invite"), ("name", "eve"), ("role", "owner")]);
    assert!(refused.body.contains("<code>invite</code>") || refused.status == 403, "{}", refused.body);
    let new = "quartz lemon tidal fox";
    let fields = |old: &str, code: &str| -> Vec<(&'static str, String)> {
        vec![("password", old.into()), ("new", new.into()), ("again", new.into()), ("code", code.into())]
    };
    let mut change = |old: &str, code: &str| {
        let fields = fields(old, code);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ada.press("/account", "/account/password", &fields).body
    };
    let code = phone.code();
    assert!(change("not her password", &code).contains("do not fit together"));
    assert!(change(PASSWORD, &code).contains("the password is changed"));
    let fields = [("name", "ada"), ("password", PASSWORD), ("code", &phone.code())];
    assert_eq!(Browser::of(&server).post("/sign-in", &fields).status, 401, "the old one is the old one");
}
