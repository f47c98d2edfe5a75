//! A site whose files are in a branch of a real git repository.

use std::{fs, process::Command};

use crate::{
    change::confirm,
    kit::{Site, until},
    server_history::{Fact, history, of, stream, wait_for},
};

const STEPS: &str = "steps:\n  - { run: echo x > \"$WORKDIR/x\", makes: x }\n";
const VERIFY: &str = "verify:\n  - { command: cat \"$ARTIFACT\", expect: 'stdout.trim() == \"x\"' }\n  - { name: small, artifact: x, expect: size < 1KiB }\n";
const SMALL: &str = "  - { name: small, artifact: x, expect: size < 1KiB }\n";

/// A site that follows `main` of a repository beside it, once a second.
struct Followed {
    site: Site,
}

impl Followed {
    /// With one commit that holds a site and the process `backup`.
    fn new() -> Option<Followed> {
        let followed = Followed::empty("")?;
        followed.file("seaworthy.yaml", "site: followed\n");
        followed.file("ops/backup.yaml", &format!("process: backup\n{STEPS}{VERIFY}"));
        followed.commit("first");
        Some(followed)
    }

    /// A repository without a commit; `more` goes into `config:`.
    fn empty(more: &str) -> Option<Followed> {
        if let Err(e) = Command::new("git").arg("--version").output() {
            println!("SKIPPED: git: the program is not installed ({e})");
            return None;
        }
        let site = Site::bare();
        let repository = site.aside("repository");
        site.write("seaworthy.yaml", &format!("config: {{ git: {}, every: 1s{more} }}\n", repository.display()));
        fs::create_dir_all(&repository).unwrap();
        let followed = Followed { site };
        followed.git("init --quiet --initial-branch=main .");
        Some(followed)
    }

    fn git(&self, words: &str) -> String {
        let repository = self.site.aside("repository");
        let who =
            "-c user.name=Ada -c user.email=ada@example.com -c protocol.file.allow=always -c commit.gpgsign=false";
        self.site.sh(&format!("cd {} && git {who} {words}", repository.display()))
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.site.aside("repository").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&self, message: &str) -> String {
        self.git(&format!(
            "add --all && git -c user.name=Ada -c user.email=ada@example.com commit --quiet --message {message}"
        ));
        self.git("rev-parse HEAD").trim().to_owned()
    }

    fn followed(&self, commit: &str) {
        until(&format!("{commit} is followed"), || {
            of(&history(&self.site), "branch_followed").iter().any(|fact| fact.text("commit") == commit).then_some(())
        });
    }

    fn lost(&self) -> Fact {
        wait_for(&self.site, "site", "branch_lost")
    }
}

#[test]
fn a_branch_is_loaded_and_applied_by_itself_and_a_weaker_commit_waits() {
    let Some(f) = Followed::new() else { return };
    let server = f.site.server();
    let first = f.site.json(&["run", "backup"]);
    assert_eq!(first.code, 0, "{first:?}");
    f.file("ops/second.yaml", &format!("process: second\nsteps:\n  - {{ run: ./make.sh, makes: x }}\n{VERIFY}"));
    f.file("make.sh", "#!/bin/sh\necho x > \"$WORKDIR/x\"\n");
    f.git("add make.sh && git update-index --chmod=+x make.sh");
    fs::set_permissions(
        f.site.aside("repository").join("make.sh"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let commit = f.commit("second");
    f.followed(&commit);
    wait_for(&f.site, "process/second", "process_loaded");
    let second = f.site.json(&["run", "second"]);
    assert_eq!(second.code, 0, "commands run among the files of the commit: {second:?}");
    f.file("ops/backup.yaml", &format!("process: backup\n{STEPS}{}", VERIFY.replace(SMALL, "")));
    f.followed(&f.commit("weaker"));
    let held = wait_for(&f.site, "process/backup", "change_held");
    assert_eq!(held.body["weaker"], serde_json::json!(["verify lost check `small`, which expected `size < 1KiB`"]));
    assert_eq!(f.site.json(&["run", "backup"]).json["digest"], first.json["digest"]);
    confirm(&f.site, "process/backup");
    until("the confirmed version runs", || {
        (f.site.json(&["run", "backup"]).json["digest"] != first.json["digest"]).then_some(())
    });
    let status = f.site.json(&["status"]);
    assert_eq!(status.json["branch"]["commit"], f.git("rev-parse HEAD").trim(), "{status:?}");
    assert_eq!(server.stop(), 0);
    assert_eq!(f.site.json(&["audit", "verify"]).code, 0);
}

#[test]
fn a_rewritten_history_is_told_and_waits_for_a_person() {
    let Some(f) = Followed::new() else { return };
    f.file("ops/backup.yaml", &format!("process: backup\nabout: The second.\n{STEPS}{VERIFY}"));
    let second = f.commit("second");
    let server = f.site.server();
    f.followed(&second);
    let first = f.site.json(&["run", "backup"]);
    f.git("reset --quiet --hard HEAD~1");
    f.file("ops/other.yaml", &format!("process: other\n{STEPS}{VERIFY}"));
    let third = f.commit("rewritten");
    let held = until("it is held", || {
        of(&history(&f.site), "change_held").into_iter().find(|fact| fact.text("subject") == "branch/main").cloned()
    });
    let words = held.body["weaker"][0].as_str().unwrap();
    assert!(words.contains("was rewritten: one commit that was in force") && words.contains(&second[..12]), "{words}");
    assert_eq!(f.site.json(&["run", "other"]).code, 2, "nothing of it is applied");
    assert_eq!(f.site.json(&["run", "backup"]).json["digest"], first.json["digest"]);
    let page = server.get("/changes").unwrap().1;
    assert!(page.contains("branch main"), "{page}");
    assert!(f.site.say(&["status"]).stdout.contains("branch/main: history of branch `main` was rewritten"));
    confirm(&f.site, "branch/main");
    f.followed(&third);
    wait_for(&f.site, "process/other", "process_loaded");
    until("nothing waits any more", || {
        f.site.json(&["status"]).json["waits"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_store_that_was_restored_knows_which_commit_was_in_force_and_follows_no_rewritten_history_unasked() {
    let Some(f) = Followed::new() else { return };
    f.file("ops/backup.yaml", &format!("process: backup\nabout: The second.\n{STEPS}{VERIFY}"));
    let second = f.commit("second");
    let first = f.site.json(&["run", "backup"]);
    assert_eq!(first.code, 0, "{first:?}");
    let branch = f.site.data().join("branch");
    // The mirror is no part of a copy, and the history is rewritten meanwhile.
    fs::remove_dir_all(&branch).unwrap();
    f.git("reset --quiet --hard HEAD~1");
    f.file("ops/other.yaml", &format!("process: other\n{STEPS}{VERIFY}"));
    f.commit("rewritten");
    let plan = f.site.json(&["plan"]);
    let names: Vec<_> = plan.json["processes"].as_array().unwrap().iter().map(|one| &one["process"]).collect();
    assert_eq!(names, ["backup"], "{plan:?}");
    let again = f.site.json(&["run", "backup"]);
    assert_eq!((again.code, &again.json["digest"]), (0, &first.json["digest"]), "{again:?}");
    let held = of(&history(&f.site), "change_held")[0].clone();
    assert!(held.body["weaker"][0].as_str().unwrap().contains(&second[..12]), "{held:?}");
    assert_eq!(f.site.json(&["run", "other"]).code, 2, "nothing of it is applied");
    // A repository that has forgotten it: nothing is followed, and what to do is said.
    fs::remove_dir_all(&branch).unwrap();
    f.git("-c gc.reflogExpire=now -c gc.pruneExpire=now -c gc.reflogExpireUnreachable=now gc --quiet --prune=now");
    let forgotten = f.site.json(&["run", "backup"]);
    assert_eq!(forgotten.code, 2, "{forgotten:?}");
    let message = forgotten.json["error"]["message"].as_str().unwrap();
    assert!(message.contains(&second[..12]) && message.contains("push it to the repository again"), "{message}");
}

#[test]
fn the_folder_of_a_commit_stays_while_a_run_that_began_in_it_goes_on() {
    let Some(f) = Followed::new() else { return };
    f.file("finish.sh", "echo x > \"$WORKDIR/x\"\n");
    let go = f.site.aside("go");
    let steps = format!(
        "steps:\n  - {{ id: wait, run: 'until test -e {}; do sleep 0.02; done' }}\n  - {{ id: finish, run: sh finish.sh, makes: x }}\n",
        go.display()
    );
    f.file("ops/long.yaml", &format!("process: long\n{steps}{VERIFY}"));
    let first = f.commit("long");
    let server = f.site.server();
    f.followed(&first);
    wait_for(&f.site, "process/long", "process_loaded");
    let run = f.site.json(&["run", "long", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    wait_for(&f.site, &format!("run/{run}"), "attempt_started");
    // It has been in force for long, and goes out of force only now.
    let tree = f.site.data().join("branch/tree");
    f.site.sh(&format!("touch -d '30 days ago' {}", tree.join(&first).display()));
    for n in 0..2 {
        f.file("finish.sh", "echo of another commit > \"$WORKDIR/x\"\n");
        f.file("word", &n.to_string());
        f.followed(&f.commit("newer"));
    }
    assert!(tree.join(&first).join("finish.sh").exists(), "the run is still in it");
    fs::write(&go, "").unwrap();
    let end = wait_for(&f.site, &format!("run/{run}"), "run_ended");
    assert_eq!(end.text("verified"), "yes", "all of its steps saw one commit: {end:?}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_token_in_an_address_is_refused_and_shown_nowhere() {
    let Some(f) = Followed::new() else { return };
    for address in ["https://git.example.com/ops.git?private_token=hunter2", "robot:hunter2@git.example.com:ops.git"] {
        f.site.write("seaworthy.yaml", &format!("config: {{ git: '{address}' }}\n"));
        for verb in [&["check"][..], &["run", "backup"]] {
            let said = f.site.say(verb);
            assert_eq!(said.code, 2, "{said:?}");
            assert!(said.stderr.contains("literal-secret"), "{said:?}");
            assert!(!said.stdout.contains("hunter2") && !said.stderr.contains("hunter2"), "{said:?}");
        }
    }
}

#[test]
fn a_history_that_is_put_back_is_no_longer_held() {
    let Some(f) = Followed::new() else { return };
    let first = f.git("rev-parse HEAD");
    f.file("a", "a");
    let second = f.commit("second");
    let server = f.site.server();
    f.followed(&second);
    f.git(&format!("reset --quiet --hard {first}"));
    wait_for(&f.site, "site", "change_held");
    f.git(&format!("reset --quiet --hard {second}"));
    wait_for(&f.site, "site", "change_withdrawn");
    assert_eq!(server.stop(), 0);
}

#[test]
fn an_empty_repository_and_a_missing_branch_are_named() {
    let Some(f) = Followed::empty("") else { return };
    for verb in [&["run", "backup"][..], &["check"], &["plan"]] {
        let said = f.site.json(verb);
        assert_eq!(said.code, 2, "{said:?}");
        let message = said.json["error"]["message"].as_str().unwrap();
        assert!(message.contains("has no branch `main`: it is empty, or the branch has another name"), "{message}");
    }
    f.file("readme", "x");
    f.commit("first");
    let said = f.site.json(&["run", "backup"]);
    assert_eq!(said.code, 2);
    let message = said.json["error"]["message"].as_str().unwrap();
    assert!(message.contains("of branch `main` has no seaworthy.yaml"), "{message}");
}

#[test]
fn an_unreachable_repository_leaves_the_last_good_commit_and_is_told_once() {
    let Some(f) = Followed::new() else { return };
    let server = f.site.server();
    let first = f.site.json(&["run", "backup"]);
    assert_eq!(first.code, 0, "{first:?}");
    let (there, away) = (f.site.aside("repository"), f.site.aside("away"));
    fs::rename(&there, &away).unwrap();
    let lost = f.lost();
    assert!(lost.text("reason").contains("cannot be fetched"), "{lost:?}");
    assert_eq!(f.site.json(&["run", "backup"]).json["digest"], first.json["digest"]);
    let said = f.site.json(&["status"]);
    assert!(said.json["branch"]["lost"]["reason"].as_str().unwrap().contains("cannot be fetched"), "{said:?}");
    server.kill();
    let alone = f.site.json(&["run", "backup"]);
    assert_eq!((alone.code, &alone.json["digest"]), (0, &first.json["digest"]), "{alone:?}");
    assert!(alone.stderr.contains("the last good commit is in force"), "{}", alone.stderr);
    let server = f.site.server();
    fs::rename(&away, &there).unwrap();
    wait_for(&f.site, "site", "branch_found");
    assert_eq!(of(&stream(&f.site, "site"), "branch_lost").len(), 1, "once, also over a restart");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_commit_with_a_broken_file_keeps_its_last_good_version() {
    let Some(f) = Followed::new() else { return };
    let server = f.site.server();
    let first = f.site.json(&["run", "backup"]);
    f.file("ops/backup.yaml", "process: backup\nsteps: 7\n");
    f.file("ops/new.yaml", &format!("process: new\n{STEPS}{VERIFY}"));
    f.followed(&f.commit("broken"));
    wait_for(&f.site, "process/new", "process_loaded");
    let broken = wait_for(&f.site, "site", "file_broken");
    assert_eq!(broken.text("file"), "ops/backup.yaml");
    assert_eq!(f.site.json(&["run", "backup"]).json["digest"], first.json["digest"]);
    f.git("rm --quiet seaworthy.yaml");
    f.commit("headless");
    assert!(f.lost().text("reason").contains("has no seaworthy.yaml"));
    assert_eq!(f.site.json(&["run", "new"]).code, 0, "the commit before it stays");
    assert_eq!(server.stop(), 0);
}

#[test]
fn submodules_and_links_that_leave_the_files_are_left_out_by_name() {
    let Some(f) = Followed::new() else { return };
    let other = f.site.aside("other");
    f.site.sh(&format!("git init --quiet {0} && cd {0} && git -c user.name=A -c user.email=a@example.com commit --quiet --allow-empty --message x", other.display()));
    f.git(&format!("submodule --quiet add {} ops/inner", other.display()));
    std::os::unix::fs::symlink("/etc/hostname", f.site.aside("repository").join("ops/outside.yaml")).unwrap();
    std::os::unix::fs::symlink("backup.yaml", f.site.aside("repository").join("ops/inside.txt")).unwrap();
    let commit = f.commit("odd");
    let server = f.site.server();
    let broken = until("both are named", || {
        let facts = history(&f.site);
        let found: Vec<String> =
            of(&facts, "file_broken").iter().map(|fact| fact.body["problems"][0].to_string()).collect();
        (found.len() == 2).then_some(found)
    });
    assert!(broken.iter().any(|said| said.contains("ops/inner") && said.contains("submodule")), "{broken:?}");
    assert!(
        broken.iter().any(|said| said.contains("ops/outside.yaml") && said.contains("/etc/hostname")),
        "{broken:?}"
    );
    assert_eq!(f.site.json(&["run", "backup"]).code, 0);
    let tree = f.site.data().join("branch/tree").join(&commit).join("ops");
    assert!(!tree.join("outside.yaml").exists() && tree.join("inside.txt").exists());
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_repository_that_is_too_large_is_named() {
    let Some(f) = Followed::empty(", at_most: 1MiB") else { return };
    f.file("seaworthy.yaml", "site: large\n");
    f.site.sh(&format!("head -c 3000000 /dev/urandom > {}/noise", f.site.aside("repository").display()));
    f.commit("large");
    let said = f.site.json(&["check"]);
    assert_eq!(said.code, 2, "{said:?}");
    let message = said.json["error"]["message"].as_str().unwrap();
    assert!(message.contains("larger than 1 MiB; raise `at_most`"), "{message}");
    assert!(!f.site.data().join("branch/mirror.git").exists(), "nothing of it is kept");
}

#[test]
fn a_tree_that_unfolds_to_more_files_than_are_read_is_named_and_the_good_commit_stays() {
    let Some(f) = Followed::new() else { return };
    assert_eq!(f.site.json(&["run", "backup"]).code, 0);
    // Six objects, each ten times in the next: a hundred thousand files.
    let unfold = "B='100644 blob'; T=$(echo x | git hash-object -w --stdin); for level in 1 2 3 4 5; do T=$(for n in 0 1 2 3 4 5 6 7 8 9; do printf \"$B $T\\t$n\\n\"; done | git mktree); B='040000 tree'; done; R=$( (git ls-tree HEAD; printf \"040000 tree $T\\tbomb\\n\") | git mktree); git -c user.name=Ada -c user.email=ada@example.com commit-tree -p HEAD -m bomb $R";
    let repository = f.site.aside("repository").display().to_string();
    let bomb = f.site.sh(&format!("cd {repository}; {unfold}"));
    f.git(&format!("update-ref refs/heads/main {}", bomb.trim()));
    let server = f.site.server();
    assert!(f.lost().text("reason").contains("more than 50000 files"), "{:?}", f.lost());
    assert_eq!(f.site.json(&["run", "backup"]).code, 0, "the commit before it stays");
    assert_eq!(server.stop(), 0);
}

#[test]
fn no_hook_and_no_other_transport_is_used() {
    let Some(f) = Followed::new() else { return };
    let (hooks, ran) = (f.site.aside("hooks"), f.site.aside("ran"));
    fs::create_dir_all(&hooks).unwrap();
    for hook in ["reference-transaction", "post-checkout", "post-update", "pre-auto-gc"] {
        let path = hooks.join(hook);
        fs::write(&path, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let settings = format!("[core]\n\thooksPath = {}\n[protocol]\n\tallow = always\n", hooks.display());
    fs::write(f.site.aside("home").join(".gitconfig"), settings).unwrap();
    assert_eq!(f.site.json(&["run", "backup"]).code, 0);
    assert!(!ran.exists(), "a hook ran");
    let (file, address) = (f.site.read("seaworthy.yaml"), f.site.aside("repository").display().to_string());
    f.site.write("seaworthy.yaml", &file.replace(&address, &format!("'ext::sh -c touch% {}'", ran.display())));
    let said = f.site.json(&["check"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("bad-url"), "{}", said.stderr);
    assert!(!ran.exists(), "a command ran");
}
