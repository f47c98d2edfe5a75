//! The API asked by a program that reads its document and sends what nobody thought of: schemathesis, with a fixed seed and
//! a bounded number of requests, against the real binary.
//!
//! Twice: with names that are not there, and with a process and a run that are. What it may answer stands in its document.

use std::{path::PathBuf, process::Command};

use crate::{
    kit::{Site, until},
    people_kit::{Browser, owner_link, set_up},
};

/// Cases of each operation that are drawn, besides the edges of what the document says.
const EXAMPLES: &str = "5";
const SEED: &str = "20261125";
/// One token is let ask 600 times a minute.
const TOKENS: usize = 8;
const MAY: &str = "see,output,journal,run,drill,cancel,resume,rerun,pause,sign,confirm,reload,retain,people";

/// Each request shows the next token.
const HOOKS: &str = r#"
import itertools, os, threading
import schemathesis

TOKENS = itertools.cycle(os.environ["SEAWORTHY_TOKENS"].split(","))
LOCK = threading.Lock()

@schemathesis.auth(refresh_interval=None)
class Tokens:
    def get(self, case, context):
        with LOCK:
            return next(TOKENS)

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"
"#;

/// What is well asked may still be refused: the key was used (422), it changed meanwhile (412), too large (413, 414).
const CHECKS: &str = r#"
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 412, 422, 429]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 414, 415, 422, 429]
"#;

/// The program in the environment of the tests; `None` where it is not there.
fn program() -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let parts = std::env::var_os("SEAWORTHY_TEST_PARTS").map_or_else(|| target.join("test-parts"), PathBuf::from);
    let program = parts.join("fuzz/bin/schemathesis");
    if program.is_file() {
        return Some(program);
    }
    println!("SKIPPED: schemathesis: not in {}; `cargo xtask test` installs it", program.display());
    None
}

#[test]
fn no_request_that_the_document_lets_one_make_breaks_the_api_or_its_promises() {
    let Some(program) = program() else { return };
    let site = Site::new();
    site.process(
        "backup",
        "steps: [{ id: a, run: \"true\" }]\nverify:\n  - command: echo 1\n    expect: stdout.contains(\"1\")\n",
    );
    let server = site.server();
    set_up(&mut Browser::of(&server), &owner_link(&site), "ada");
    let run = site.json(&["run", "backup"]).json["run_id"].as_str().expect("it has an id").to_owned();
    until("the run has ended", || site.say(&["show", &run]).stdout.contains("VERIFIED").then_some(()));
    let token = |n: usize| site.json(&["token", "new", &format!("fuzz {n}"), "--may", MAY, "--lives", "1h"]).json;
    let secrets: Vec<String> = (0..TOKENS).filter_map(|n| token(n)["secret"].as_str().map(str::to_owned)).collect();
    assert_eq!(secrets.len(), TOKENS);
    site.write("openapi.json", &site.say(&["openapi"]).stdout);
    site.write("seaworthy_tokens.py", HOOKS);
    let known = format!("\n[parameters]\n\"path.name\" = \"backup\"\n\"path.id\" = \"{run}\"\n\"path.step\" = \"a\"\n");
    // Where names are given there are no wrong ones to be refused.
    for (config, more, mode, least) in [("names.toml", "", "all", 500), ("known.toml", known.as_str(), "positive", 100)]
    {
        site.write(config, &[CHECKS, more].concat());
        let mut command = Command::new(&program);
        command
            .args(["--config-file", config, "run", "openapi.json", "--url", &format!("{}api/v1", server.url)])
            .args([
                "--phases",
                "coverage,fuzzing",
                "--max-examples",
                EXAMPLES,
                "--seed",
                SEED,
                "--workers",
                "1",
                "--mode",
                mode,
            ])
            // It has no end of its own; followed in another test.
            .args(["--exclude-operation-id", "followEntries"])
            .args(["--no-shrink", "--continue-on-failure", "--suppress-health-check", "all", "--no-color"])
            .env("SEAWORTHY_TOKENS", secrets.join(","))
            .env("SCHEMATHESIS_HOOKS", "seaworthy_tokens")
            .env("PYTHONPATH", &site.folder)
            .current_dir(&site.folder);
        let said = command.output().expect("it can be started");
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.status.success(), "{config}: {text}\n{}", String::from_utf8_lossy(&said.stderr));
        let cases = text.lines().find_map(|line| line.trim().split_once(" generated, "));
        let cases: usize = cases.and_then(|(all, _)| all.parse().ok()).unwrap_or(0);
        assert!(cases > least, "{config}: only {cases} requests: {text}");
    }
    assert_eq!(server.get("/healthz").map(|(status, _)| status), Some(200));
    let log = server.log();
    assert!(!secrets.iter().any(|secret| log.contains(secret)), "no token is in the log");
    assert!(!log.contains("panicked"), "{log}");
    assert_eq!(site.say(&["audit", "verify"]).code, 0);
}
