//! The first minute: what works on others is tried on a fresh server and on one that was just claimed, and must not work.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    kit::Site,
    people_kit::{Browser, PASSWORD, Phone, owner_link, set_up},
};

#[test]
fn no_default_secret_opens_a_server_and_nobody_becomes_its_owner_without_the_link() {
    let site = Site::new();
    let server = site.server();
    let mut browser = Browser::of(&server);
    for (name, password) in [("admin", "admin"), ("root", "root"), ("admin", ""), ("owner", "password"), ("", "")] {
        let answer = browser.post("/sign-in", &[("name", name), ("password", password), ("code", "000000")]);
        assert!(answer.status == 401 || answer.status == 429, "{name}/{password}: {}", answer.status);
        assert!(answer.header("set-cookie").is_none(), "{name}/{password}");
    }
    for address in ["/set-up", "/set-up/", "/setup", "/register", "/sign-up", "/install", "/admin", "/api/v1/sign-up"] {
        assert_eq!(browser.get(address).status, 404, "{address}");
    }
    let invited = browser.json("/api/v1/people/invite", &[], "{\"name\":\"eve\",\"role\":\"owner\"}");
    assert_eq!(invited.status, 403, "nobody is in charge who could invite: {}", invited.body);
    for link in ["0".repeat(64), "admin".to_owned(), "..%2f".repeat(3)] {
        let fields = [("name", "eve"), ("password", PASSWORD), ("again", PASSWORD), ("sealed", ""), ("code", "000000")];
        let answer = browser.post(&format!("/set-up/{link}"), &fields);
        assert!(matches!(answer.status, 400 | 404), "{link}: {}", answer.status);
        assert!(answer.header("set-cookie").is_none(), "{link}");
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(site.path(".seaworthy/owner-link")).expect("it is there").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600, "nobody else on the host reads it");
    assert!(!server.log().contains("/set-up/"), "the link is not in the log");
}

#[test]
fn a_claimed_server_is_not_claimed_again_and_what_was_used_opens_nothing() {
    let site = Site::new();
    let server = site.server();
    let link = owner_link(&site);
    let mut ada = Browser::of(&server);
    let page = ada.get(&link);
    let mut phone = Phone::of(&page);
    let code = phone.code();
    let fields = [
        ("name", "ada"),
        ("password", PASSWORD),
        ("again", PASSWORD),
        ("sealed", &page.field("sealed")),
        ("code", &code),
    ];
    assert_eq!(ada.post(&link, &fields).status, 303);
    let mut eve = Browser::of(&server);
    let again = [("name", "eve"), fields[1], fields[2], fields[3], fields[4]];
    assert_ne!(eve.post(&link, &again).status, 303, "the same form again");
    let replayed = [("name", "ada"), ("password", PASSWORD), ("code", &code)];
    assert_eq!(eve.post("/sign-in", &replayed).status, 401, "the code of the set-up again");
    assert_eq!(site.say(&["owner-link"]).code, 4);
    let stopped = server.stop();
    assert_eq!(stopped, 0);
    let server = site.server();
    assert!(!site.path(".seaworthy/owner-link").exists(), "a start of a claimed server makes no link");
    assert_eq!(Browser::of(&server).get("/").status, 303, "it stays claimed");
}

#[test]
fn a_flood_of_sign_ins_takes_no_memory_and_holds_nobody_up() {
    const AT_ONCE: usize = 100;
    const MEMORY_KIB_MAX: u64 = 200 * 1024;
    let site = Site::new();
    site.process("beat", "steps: [{ id: a, run: \"true\" }]\n");
    let server = site.server();
    let (mut phone, _) = set_up(&mut Browser::of(&server), &owner_link(&site), "ada");
    let (done, answers) = mpsc::channel();
    for number in 0..AT_ONCE {
        let (mut browser, done) = (Browser::of(&server), done.clone());
        // Each from an address of its own, as a proxy on this host would tell: else most would only be told to wait.
        browser.headers.push(("X-Forwarded-For".into(), format!("203.0.113.{number}")));
        thread::spawn(move || {
            let fields = [("name", "ada"), ("password", "not her password at all"), ("code", "000000")];
            // The test has ended if nobody listens.
            let _ = done.send(browser.post("/sign-in", &fields).status);
        });
    }
    drop(done);
    let pid = server.pid().as_raw_nonzero();
    let memory = || -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|rest| rest.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
    };
    let (mut most, mut told) = (0, Vec::new());
    while told.len() < AT_ONCE {
        most = most.max(memory());
        assert_eq!(server.get("/healthz").map(|(status, _)| status), Some(200));
        told.extend(answers.recv_timeout(Duration::from_millis(20)));
        told.extend(answers.try_iter());
    }
    assert!(most < MEMORY_KIB_MAX, "{most} KiB");
    assert!(told.iter().all(|status| matches!(status, 401 | 429)), "{told:?}");
    assert!(told.contains(&429), "more than the queue holds are told to come later: {told:?}");
    let begun = Instant::now();
    let run = site.say(&["run", "beat"]);
    assert_eq!(run.code, 3, "{run:?}, after {:?}", begun.elapsed());
    let fields = [("name", "ada"), ("password", PASSWORD), ("code", &phone.code())];
    assert_eq!(Browser::of(&server).post("/sign-in", &fields).status, 303, "she waits for nobody's failures");
}
