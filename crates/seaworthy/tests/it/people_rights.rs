//! Nobody hands on more rights than they have, and nobody loses the last owner: tried by those who would like to.

use std::{
    sync::{Arc, Barrier},
    thread,
};

use crate::{
    change::confirm,
    kit::{Server, Site, until},
    people_kit::{Browser, PASSWORD, owner_link, set_up},
};

const PROCESS: &str =
    "steps: [{ id: a, run: \"true\" }]\nverify:\n  - command: echo 1\n    expect: stdout.contains(\"1\")\n";
const RIGHTS: &str = "
roles: { inviter: [see, people, invite, recover] }
people: { boss@example.com: { roles: owner } }
";

fn site(rights: &str) -> Site {
    let site = Site::new();
    site.process("backup", PROCESS);
    site.write("seaworthy.yaml", &format!("{}{rights}", site.read("seaworthy.yaml")));
    site
}

/// Has somebody invited by an owner, and set up.
fn invited(owner: &mut Browser, server: &Server, name: &str, role: &str) -> Browser {
    let page = owner.press("/people", "/people", &[("what", "invite"), ("name", name), ("role", role)]);
    let link = page.body.split_once("/set-up/").unwrap_or_else(|| panic!("no link: {}", page.body)).1[..64].to_owned();
    let mut browser = Browser::of(server);
    let (_, done) = set_up(&mut browser, &format!("/set-up/{link}"), "");
    assert_eq!(done.status, 303, "{}", done.body);
    browser
}

fn actor(browser: &mut Browser) -> String {
    let page = browser.get("/account").body;
    format!("actor_{}", &page.split("actor_").nth(1).expect("an actor")[..32])
}

#[test]
fn who_may_invite_makes_nobody_who_may_more_than_themself() {
    let site = site(RIGHTS);
    let server = site.server();
    let mut ada = Browser::of(&server);
    set_up(&mut ada, &owner_link(&site), "ada");
    let mut ivy = invited(&mut ada, &server, "ivy", "inviter");
    for (name, role) in [("mallory", "owner"), ("mallory", "operator"), ("boss@example.com", "inviter")] {
        let said = ivy.press("/people", "/people", &[("what", "invite"), ("name", name), ("role", role)]).body;
        assert!(said.contains("rights that you lack"), "{name} as {role}: {said}");
        assert!(!said.contains("/set-up/"), "{name} as {role}: {said}");
    }
    let owner = actor(&mut ada);
    let said = ivy.press("/people", "/people", &[("what", "recover"), ("actor", &owner)]).body;
    assert!(said.contains("rights that you lack") && !said.contains("/set-up/"), "{said}");
    invited(&mut ivy, &server, "ian", "inviter");
}

#[test]
fn two_owners_who_lock_each_other_at_one_moment_leave_one() {
    let site = site("");
    let server = site.server();
    let mut ada = Browser::of(&server);
    set_up(&mut ada, &owner_link(&site), "ada");
    let mut grace = invited(&mut ada, &server, "grace", "owner");
    let both = [actor(&mut grace), actor(&mut ada)];
    let forms = [ada.get("/people").field("form"), grace.get("/people").field("form")];
    // While somebody else holds the journal, both have looked and neither is written.
    let held = rusqlite::Connection::open(site.path(".seaworthy/journal.db")).expect("a journal");
    held.execute_batch("begin immediate").expect("it can be held");
    let ready = Arc::new(Barrier::new(3));
    let asked: Vec<_> = [ada, grace]
        .into_iter()
        .zip(both.into_iter().zip(forms))
        .map(|(mut browser, (actor, form))| {
            let ready = ready.clone();
            thread::spawn(move || {
                ready.wait();
                let fields = [("what", "lock"), ("actor", &actor), ("reason", "no"), ("form", &form)];
                let page = browser.post("/people", &fields);
                (browser, page)
            })
        })
        .collect();
    ready.wait();
    let mut waits = Browser::of(&server);
    for _ in 0..50 {
        assert_eq!(waits.get("/sign-in").status, 200, "it answers while the two wait");
    }
    held.execute_batch("rollback").expect("it is let go");
    let after: Vec<_> = asked.into_iter().map(|one| one.join().expect("an answer")).collect();
    let still = after.into_iter().map(|(mut browser, _)| browser.get("/").status).collect::<Vec<_>>();
    assert!(still.contains(&200), "an owner is left: {still:?}");
    assert_eq!(site.say(&["audit", "verify"]).code, 0);
}

#[test]
fn tries_that_are_made_side_by_side_wait_as_those_in_a_row() {
    let site = site("");
    let server = site.server();
    set_up(&mut Browser::of(&server), &owner_link(&site), "ada");
    let ready = Arc::new(Barrier::new(30));
    let tries: Vec<_> = (0..30)
        .map(|n| {
            let (mut browser, ready) = (Browser::of(&server), ready.clone());
            thread::spawn(move || {
                ready.wait();
                let password = format!("{PASSWORD} {n}");
                browser.post("/sign-in", &[("name", "ada"), ("password", &password), ("code", "000000")]).status
            })
        })
        .collect();
    let answers: Vec<u16> = tries.into_iter().map(|one| one.join().expect("an answer")).collect();
    // Five at once; then a second, two, four: a slow machine sees some more, and never half of them.
    let looked_at = answers.iter().filter(|status| **status == 401).count();
    assert!(looked_at < 15, "{looked_at} of 30 were looked at: {answers:?}");
    assert!(answers.contains(&429), "{answers:?}");
}

#[test]
fn only_who_may_give_rights_agrees_to_a_file_that_gives_some() {
    let site = site("");
    assert_eq!(site.say(&["run", "backup"]).code, 0, "from now on its settings are relied on");
    let server = site.server();
    let mut ada = Browser::of(&server);
    set_up(&mut ada, &owner_link(&site), "ada");
    let mut otto = invited(&mut ada, &server, "otto@example.com", "operator");
    site.write(
        "seaworthy.yaml",
        &format!("{}people: {{ otto@example.com: {{ roles: owner }} }}\n", site.read("seaworthy.yaml")),
    );
    server.hup();
    let page = until("the change waits", || Some(otto.get("/changes")).filter(|page| page.body.contains("/confirm")));
    let address = page.body.split("action=\"").find(|rest| rest.contains("/confirm\"")).expect("a form");
    let address = address.split('"').next().expect("an address").to_owned();
    let refused = otto.press("/changes", &address, &[("reason", "for me")]);
    assert!(refused.status == 403 && refused.body.contains("<code>grant</code>"), "{}", refused.body);
    let agreed = ada.press("/changes", &address, &[("reason", "he helps")]);
    assert_eq!(agreed.status, 303, "{}", agreed.body);
}

#[test]
fn a_role_that_gives_more_waits_although_no_file_says_who_has_it() {
    let site = site(RIGHTS);
    assert_eq!(site.say(&["run", "backup"]).code, 0);
    let server = site.server();
    let mut ada = Browser::of(&server);
    set_up(&mut ada, &owner_link(&site), "ada");
    let mut ivy = invited(&mut ada, &server, "ivy", "inviter");
    site.edit("seaworthy.yaml", "[see, people, invite, recover]", "[see, people, invite, recover, run]");
    server.hup();
    until("the change waits", || site.say(&["status"]).stdout.contains("settings").then_some(()));
    assert_eq!(ivy.press("/processes/backup", "/processes/backup/run", &[]).status, 403);
    assert_eq!(confirm(&site, "site/settings").code, 0);
    until("the role gives it", || {
        (ivy.press("/processes/backup", "/processes/backup/run", &[]).status == 303).then_some(())
    });
}

#[test]
fn a_process_that_is_moved_into_somebodys_reach_waits_for_who_may_give_rights() {
    let site = site("people: { otto@example.com: { roles: [{ role: operator, services: [shop] }] } }\n");
    assert_eq!(site.say(&["run", "backup"]).code, 0);
    let server = site.server();
    let mut ada = Browser::of(&server);
    set_up(&mut ada, &owner_link(&site), "ada");
    let mut otto = invited(&mut ada, &server, "otto@example.com", "viewer");
    site.process("backup", &format!("service: shop\n{PROCESS}"));
    server.hup();
    let page = until("the change waits", || Some(otto.get("/changes")).filter(|page| page.body.contains("/confirm")));
    assert!(page.body.contains("its service or tier opens it"), "{}", page.body);
    assert_eq!(otto.press("/processes/backup", "/processes/backup/run", &[]).status, 403);
    assert_eq!(confirm(&site, "process/backup").code, 0);
    until("it is of his service", || {
        (otto.press("/processes/backup", "/processes/backup/run", &[]).status == 303).then_some(())
    });
}

#[test]
fn a_file_gives_no_rights_past_an_owner_although_nothing_was_verified_yet() {
    let site = site("");
    let server = site.server();
    set_up(&mut Browser::of(&server), &owner_link(&site), "ada");
    site.write(
        "seaworthy.yaml",
        &format!("{}people: {{ eve@example.com: {{ roles: owner }} }}\n", site.read("seaworthy.yaml")),
    );
    server.hup();
    until("the change waits", || site.say(&["status"]).stdout.contains("rights given that were not").then_some(()));
}
