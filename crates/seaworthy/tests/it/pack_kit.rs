//! A site that `init --pack` wrote, with shorter waits and nothing else changed, and what its runs must say.
//!
//! Must not know any pack: what it is about stands in the test of its name.

use std::process::Command;

use crate::{
    kit::{Output, Site, until},
    people_kit::owners,
};

/// A site with this pack under its own name, answered so.
pub fn site_with(pack: &str, answers: &[(&str, &str)]) -> Site {
    let site = Site::bare();
    write(&site, pack, answers);
    site
}

/// Writes the pack into a site; its only process is called `PACK` afterwards.
pub fn write(site: &Site, pack: &str, answers: &[(&str, &str)]) {
    let mut args = vec!["init".to_owned(), "--pack".into(), pack.into(), "--set".into(), format!("process={pack}")];
    for (name, answer) in answers {
        args.extend(["--set".to_owned(), format!("{name}={answer}")]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let init = site.json(&args);
    assert_eq!(init.code, 0, "{init:?}");
    assert_eq!(init.json["processes"], serde_json::json!([pack]), "{init:?}");
    let check = site.json(&["check"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert_eq!(check.json["diagnostics"], serde_json::json!([]), "what init writes is whole");
    let ops = ops(pack);
    let text = site.read(&ops);
    let (before, after) = text.split_once("times: 2, backoff: ").expect("every ladder begins with two retries");
    let (_, after) = after.split_once(" }").expect("the retry is closed");
    site.write(&ops, &format!("{before}times: 1, backoff: 10ms..20ms }}{after}"));
}

/// The process file of a pack.
pub fn ops(pack: &str) -> String {
    format!("ops/{pack}.yaml")
}

/// A run that is verified.
pub fn verified(site: &Site, pack: &str) -> Output {
    let run = site.json(&["run", pack]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.json["verified"], "yes");
    run
}

/// A drill that is verified and measured.
pub fn drilled(site: &Site, pack: &str) -> Output {
    let drill = site.json(&["drill", pack]);
    assert_eq!(drill.code, 0, "{drill:?}");
    assert!(drill.json["recovery_time_ms"].as_u64().is_some_and(|ms| ms >= 1), "{drill:?}");
    assert_eq!(drill.json["within_objective"], true, "{drill:?}");
    drill
}

/// Exit 1 with a no of this check, expected and seen on one line; the ladder was climbed and a person told.
pub fn refused(site: &Site, pack: &str, check: &str, seen: &str) {
    let reason = no(site, pack, "ok");
    assert!(reason.starts_with(&format!("{check}: expected ")), "expected a no of `{check}`, seen: {reason}");
    assert!(reason.contains(seen), "expected `{seen}` in: {reason}");
}

/// Exit 1 since a step failed, with the tool's own words on one line; a person was told.
pub fn step_failed(site: &Site, pack: &str, step: &str, seen: &str) {
    let reason = no(site, pack, "failed");
    assert!(reason.starts_with(&format!("step {step}: ")), "expected that `{step}` failed, seen: {reason}");
    assert!(reason.contains(seen), "expected `{seen}` in: {reason}");
}

fn no(site: &Site, pack: &str, executed: &str) -> String {
    site.write("told.txt", "");
    let run = site.json(&["run", pack]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!((&run.json["executed"], &run.json["verified"]), (&executed.into(), &"no".into()), "{run:?}");
    let heals: Vec<_> = run.json["heals"].as_array().unwrap().iter().map(|h| h["what"].as_str().unwrap()).collect();
    let first = if site.read(&ops(pack)).contains("- retry:") { "retry" } else { "tell" };
    assert_eq!((heals.first(), heals.last()), (Some(&first), Some(&"tell")), "{run:?}");
    let (told, procedure) = (site.read("told.txt"), format!("procedures/{pack}-failed.md"));
    assert!(told.contains(pack) && told.contains(&procedure), "the message names what to follow: {told}");
    let reason = run.json["reason"].as_str().unwrap().to_owned();
    assert!(!reason.contains('\n'), "{reason}");
    reason
}

/// Takes the rungs before the last one out of the ladder: for what no repetition mends, with a tool that is slow.
pub fn at_once(site: &Site, pack: &str) {
    let text = site.read(&ops(pack));
    let (before, ladder) = text.split_once("\nheal:\n").expect("a pack has a ladder");
    let (ladder, after) = ladder.split_once("\nwatch:\n").expect("and is watched");
    let last = ladder.lines().find(|line| line.starts_with("  - tell: ")).expect("a ladder ends at a person");
    site.write(&ops(pack), &format!("{before}\nheal:\n{last}\nwatch:\n{after}"));
    agree_if_it_waits(site, pack);
}

/// A shorter ladder, or no trigger any more, is a weaker process: once it was relied on, a person has to agree.
fn agree_if_it_waits(site: &Site, pack: &str) {
    let waits = site.json(&["status"]).json["waits"].as_array().is_some_and(|waits| !waits.is_empty());
    if waits {
        crate::change::confirm(site, &format!("process/{pack}"));
    }
}

/// Whether all these programs are there; else a line that says which is not.
pub fn has(programs: &[&str]) -> bool {
    programs.iter().all(|program| {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        let there = found.is_ok_and(|found| found.status.success());
        if !there {
            println!("SKIPPED: {program}: the program is not installed");
        }
        there
    })
}

/// A secret in a file of its own name, and its place in the site file.
pub fn secret(site: &Site, name: &str, value: &str) {
    site.write(name, &format!("{value}\n"));
    site.sh(&format!("chmod 600 {name}"));
    let text = site.read("seaworthy.yaml");
    site.write("seaworthy.yaml", &format!("{text}secrets:\n  {name}: {{ file: {name} }}\n"));
}

/// 41 files beside the site, and the pack that keeps them in the repository beside it.
pub fn kept_files(site: &Site, pack: &str) {
    site.sh("mkdir -p ../files/deep && for n in $(seq 40); do echo \"note $n\" > ../files/deep/$n.txt; done && head -c 300000 /dev/urandom > '../files/a photo.jpg'");
    let path = |name: &str| site.aside(name).display().to_string();
    write(site, pack, &[("folder", &path("files")), ("repository", &path("repo"))]);
}

/// Lets nobody's request start the pack, has one person answer for `does` and another for `agrees`, and gives the end of the
/// run. What they say is their word only.
pub fn answered(site: &Site, pack: &str, does: &str, agrees: &str) -> serde_json::Value {
    site.process("kick", "steps:\n  - { run: 'true' }\n");
    let text = site.read(&ops(pack));
    site.write(&ops(pack), &format!("{text}triggers:\n  - {{ process: kick, when: unproven }}\n"));
    let server = site.server();
    assert_eq!(site.json(&["run", "kick"]).code, 3, "it is done and unproven");
    let waits = |step: &str| {
        until(&format!("it waits for {step}"), || {
            let live = site.json(&["runs"]).json["live"].clone();
            let run = live.as_array()?.iter().find(|run| run["doing"] == format!("waiting for a person: {step}"))?;
            Some(run["run_id"].as_str()?.to_owned())
        })
    };
    let run = waits(does);
    let told = format!("seaworthy sign {run} {does}");
    until("somebody is told", || site.read("told.txt").contains(&told).then_some(()));
    assert_eq!(site.json(&["sign", &run, does, "--evidence", "all of it"]).code, 0);
    assert_eq!(waits(agrees), run);
    let own = site.json(&["approve", &run, agrees]);
    assert!(own.code == 4 && own.stdout.contains("another person"), "who did it does not agree to it: {own:?}");
    // Who claims the site is the user of this host, who did it.
    let (_, mut grace) = owners(site, &server);
    let agreed = grace.press(&format!("/runs/{run}"), &format!("/runs/{run}/sign/{agrees}"), &[("answer", "yes")]);
    assert_eq!(agreed.status, 303, "{}", agreed.body);
    let ended = until("it has ended", || Some(site.json(&["show", &run]).json).filter(|json| json["executed"] == "ok"));
    assert_eq!(server.stop(), 0);
    site.write(&ops(pack), &text);
    agree_if_it_waits(site, pack);
    ended
}
