//! A step with `effect: once` whose server is killed under it is looked at before anything is repeated.

use std::{process::Child, thread};

use crate::{
    kit::{Output, PATIENCE, Site, ended, living, until},
    server_history::{Client, Fact, history, intact, of, stream},
};

/// `step` is the script; each of `looks` is a command and what its output must contain.
fn site(step: &str, looks: &[(&str, &str)]) -> Site {
    let site = Site::new();
    let looks: String = looks
        .iter()
        .map(|(command, text)| format!("  - command: {command}\n    expect: stdout.contains(\"{text}\")\n"))
        .collect();
    let file = format!(
        "steps:\n  - id: pay\n    effect: once\n    run: |\n      {}\nverify:\n{looks}tell: {{ when: [failed, unverified, unknown], route: oncall }}\n",
        step.replace('\n', "\n      ")
    );
    site.process("pay", &file);
    site
}

/// Starts a run, waits until its step wrote its process id to `begun`, kills the server and the keeper. Says which run
/// and which pid.
fn killed_under(site: &Site) -> (String, i32) {
    let server = site.server();
    let said = site.json(&["run", "pay", "--detach"]);
    let run = said.json["run_id"].as_str().unwrap_or_else(|| panic!("{said:?}")).to_owned();
    let pid = until("the step has begun", || site.read("begun").trim().parse().ok());
    server.kill();
    site.kill_keeper();
    (run, pid)
}

fn end_of(site: &Site, run: &str) -> (String, String, String) {
    until("the run ends", || {
        let facts = stream(site, &format!("run/{run}"));
        let end = facts.iter().find(|fact| fact.kind == "run_ended")?;
        Some((end.text("executed").into(), end.text("verified").into(), end.text("reason").into()))
    })
}

#[test]
fn a_once_step_that_happened_before_the_kill_is_not_repeated() {
    let site = site("echo paid >> effect\necho $$ > begun\nexec sleep 600", &[("cat effect", "paid")]);
    let (run, pid) = killed_under(&site);
    assert!(living(pid), "without a keeper nobody ends it until the next one");
    let _server = site.server();
    let (executed, verified, reason) = end_of(&site, &run);
    assert_eq!((executed.as_str(), verified.as_str()), ("ok", "yes"), "{reason}");
    assert_eq!(site.read("effect"), "paid\n");
    assert!(!living(pid), "what the dead keeper left running is ended before anything goes on");
    let facts = stream(&site, &format!("run/{run}"));
    assert_eq!(of(&facts, "attempt_started").len(), 1);
    assert_eq!(of(&facts, "step_settled")[0].body["happened"], true);
    intact(&site);
}

/// Whether nothing was left of the first attempt when its keeper was killed: a cgroup tells, a look at all processes does
/// not. Only then is a no of the checks a proof.
fn proven(facts: &[Fact]) -> bool {
    of(facts, "attempt_ended")[0].body["acted"]["empty"] == true
}

#[test]
fn a_once_step_that_did_not_happen_is_done_after_looking_if_nothing_of_it_can_be_left() {
    let step = "echo $$ > begun\n[ -e go ] || exec sleep 600\necho paid >> effect";
    let site = site(step, &[("touch effect; cat effect", "paid")]);
    let (run, pid) = killed_under(&site);
    site.write("go", "");
    let _server = site.server();
    let (executed, verified, reason) = end_of(&site, &run);
    assert!(!living(pid));
    let facts = stream(&site, &format!("run/{run}"));
    if !proven(&facts) {
        assert_eq!((executed.as_str(), verified.as_str()), ("unknown", "unknown"), "{reason}");
        assert!(reason.contains("it is not proven that nothing of it is left"), "{reason}");
        assert_eq!((of(&facts, "attempt_started").len(), site.read("effect").as_str()), (1, ""));
        return intact(&site);
    }
    assert_eq!((executed.as_str(), verified.as_str()), ("ok", "yes"), "{reason}");
    assert_eq!(site.read("effect"), "paid\n");
    assert_eq!(of(&facts, "step_settled")[0].body["happened"], false);
    let order: Vec<&str> = facts
        .iter()
        .map(|fact| fact.kind.as_str())
        .filter(|kind| ["attempt_started", "checked", "step_settled"].contains(kind))
        .collect();
    assert_eq!(order, ["attempt_started", "checked", "step_settled", "attempt_started", "checked"], "looked at first");
    intact(&site);
}

/// `pay` (once), then `receipt`, which never ran before the kill; `of` goes into the check of what `pay` does.
fn charge_then_receipt(checks: &str) -> Site {
    let site = Site::new();
    let pay = "echo paid >> effect; echo $$ > begun; [ -e go ] || exec sleep 600";
    let file = format!(
        "steps:\n  - {{ id: pay, effect: once, run: '{pay}' }}\n  - {{ id: receipt, run: 'echo sent > receipt' }}\nverify:\n{checks}tell: {{ when: [failed, unverified, unknown], route: oncall }}\n"
    );
    site.process("pay", &file);
    site
}

#[test]
fn a_receipt_that_was_not_written_does_not_say_that_nothing_was_paid() {
    let site =
        charge_then_receipt("  - { command: 'touch receipt; cat receipt', expect: 'stdout.contains(\"sent\")' }\n");
    let (run, _) = killed_under(&site);
    site.write("go", "");
    let _server = site.server();
    let (executed, verified, reason) = end_of(&site, &run);
    assert_eq!((executed.as_str(), verified.as_str()), ("unknown", "unknown"), "{reason}");
    assert!(reason.contains("step receipt is not done either"), "{reason}");
    assert_eq!(site.read("effect"), "paid\n", "it was paid once");
}

#[test]
fn a_check_of_the_step_itself_lets_the_run_go_on() {
    let site = charge_then_receipt(
        "  - { command: 'cat effect', expect: 'stdout.contains(\"paid\")', of: pay }\n  - { command: cat receipt, expect: 'stdout.contains(\"sent\")' }\n",
    );
    let (run, _) = killed_under(&site);
    site.write("go", "");
    let _server = site.server();
    let (executed, verified, reason) = end_of(&site, &run);
    assert_eq!((executed.as_str(), verified.as_str()), ("ok", "yes"), "{reason}");
    assert_eq!(site.read("effect"), "paid\n", "it was paid once");
}

#[test]
fn checks_that_disagree_end_unknown_with_exit_3_and_a_person_is_told() {
    let step = "echo half >> effect\necho $$ > begun\nexec sleep 600";
    let site = site(step, &[("cat effect", "half"), ("cat effect", "whole")]);
    let server = site.server();
    let mut client: Child = site.command(&["run", "pay", "--json"]).spawn().unwrap();
    until("the step has begun", || site.read("begun").trim().parse::<i32>().ok());
    server.kill();
    site.kill_keeper();
    let _server = site.server();
    let status = ended(&mut client, PATIENCE).expect("the one who follows sees the end through the restart");
    assert_eq!(status.code(), Some(3));
    let told = until("a person is told", || Some(site.read("told.txt")).filter(|text| text.contains("UNKNOWN")));
    assert!(told.contains("nobody knows whether step pay happened"), "{told}");
    assert_eq!(site.read("effect"), "half\n", "it was not repeated");
    let facts = history(&site);
    assert_eq!(of(&facts, "attempt_started").len(), 1);
    assert_eq!(of(&facts, "run_ended")[0].text("verified"), "unknown");
}

#[test]
fn a_short_lived_node_that_is_killed_is_taken_over_by_a_running_server() {
    let site = site(
        "echo $$ > begun\n[ -e go ] || exec sleep 600\necho paid >> effect",
        &[("touch effect; cat effect", "paid")],
    );
    let mut alone: Child = site.command(&["run", "pay"]).spawn().unwrap();
    let pid: i32 = until("the step has begun", || site.read("begun").trim().parse().ok());
    let _server = site.server();
    assert!(living(pid), "a server leaves the run of a living node alone");
    site.write("go", "");
    alone.kill().unwrap();
    alone.wait().unwrap();
    site.kill_keeper();
    let facts = until("the run ends", || Some(history(&site)).filter(|facts| !of(facts, "run_ended").is_empty()));
    let (verified, effect) = if proven(&facts) { ("yes", "paid\n") } else { ("unknown", "") };
    assert_eq!(of(&facts, "run_ended")[0].text("verified"), verified, "{facts:?}");
    assert_eq!(site.read("effect"), effect);
    assert!(!living(pid), "its command was ended before anything was decided");
}

#[test]
fn one_who_follows_a_run_does_not_wait_for_ever_for_a_server_that_stays_away() {
    let site = site("echo $$ > begun\nexec sleep 600", &[("echo paid", "paid")]);
    let server = site.server();
    let mut client: Child = site.command(&["run", "pay", "--json"]).spawn().unwrap();
    until("the step has begun", || site.read("begun").trim().parse::<i32>().ok());
    server.kill();
    site.kill_keeper();
    assert_eq!(ended(&mut client, PATIENCE).expect("it ends").code(), Some(5), "still running, as far as it knows");
    // What the dead server left is ended by the next one.
    let _server = site.server();
    until("the run ends", || (!of(&history(&site), "run_ended").is_empty()).then_some(()));
}

#[test]
fn a_client_is_answered_only_for_runs_that_survive() {
    // Many clients at once, killed under them: every answered id is in the journal.
    let site = Site::new();
    site.process("noop", "steps:\n  - { id: nothing, noop: true }\n");
    let server = site.server();
    let said: Vec<Output> = thread::scope(|scope| {
        let others: Vec<Client> = (0..8).map(|_| Client::of(&site)).collect();
        let clients: Vec<_> =
            others.into_iter().map(|other| scope.spawn(move || other.json(&["run", "noop", "--detach"]))).collect();
        until("one is in", || Some(history(&site)).filter(|facts| !of(facts, "run_requested").is_empty()));
        server.kill();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let facts = history(&site);
    let requested: Vec<&str> = of(&facts, "run_requested").iter().map(|fact| fact.stream.as_str()).collect();
    for one in said.iter().filter(|one| one.code == 0) {
        let run = format!("run/{}", one.json["run_id"].as_str().unwrap());
        assert!(requested.contains(&run.as_str()), "{run} of {requested:?}");
    }
}
