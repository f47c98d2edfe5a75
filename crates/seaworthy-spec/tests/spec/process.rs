//! What the less common keys of a process mean, and what is said about a process that is right but not whole.

use expect_test::expect;
use seaworthy_model::{
    process::{Action, Bound, Effect, Line, Look, Process, Rung},
    time::Span,
};
use seaworthy_spec::Severity;

use crate::{problems, rendered, with};

/// The only process of a file without errors.
pub fn process(text: &str) -> Process {
    let read = with(&[("ops/it.yaml", text)]);
    assert_eq!(rendered(&read, &[Severity::Error]), "");
    read.processes.into_iter().next().expect("a file without errors has its process").1
}

#[test]
fn commands_are_text_for_a_shell_or_a_list_without_one() {
    let steps = process(
        "process: it\nsteps:\n  - run: ls | wc\n  - run: [ls, -l, \"\"]\n  - { run: print 1, shell: [python3, -c] }\n  - noop: true\n",
    )
    .steps;
    let ids: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["step-1", "step-2", "step-3", "step-4"]);
    let Action::Run(second) = &steps[1].action else { panic!("step 2 runs") };
    assert_eq!(second.line, Line::Args(vec!["ls".into(), "-l".into(), String::new()]));
    let Action::Run(third) = &steps[2].action else { panic!("step 3 runs") };
    let shell = vec!["python3".to_owned(), "-c".to_owned()];
    assert_eq!(third.line, Line::Shell { script: "print 1".into(), shell });
    assert_eq!(steps[3].action, Action::Noop);
}

#[test]
fn checks_of_every_kind_are_read_and_named() {
    let verify = process(
        "process: it
steps: [{ run: x, makes: [a.txt, sub/b.txt] }]
verify:
  - { command: first, expect: 'stdout != \"\"', name: the first }
  - { command: second, expect: exit == 0, timeout: 5s }
  - { artifact: a.txt, expect: size > 1 }
  - { artifact: a.txt, expect: age < 1h }
  - { command: 'wc \"$ARTIFACT\"', expect: exit == 0 }
  - { artifact: sub/b.txt, expect: size > 1 }
  - { sql: select 1, url: 'sqlite:$ARTIFACT', expect: value == 1 }
  - { http: 'https://example.com/', method: POST, headers: { X-A: b }, body: c, expect: status == 200 }
  - { duration: { at_most: 2h } }
",
    )
    .verify;
    let ids: Vec<&str> = verify.iter().map(|check| check.id.as_str()).collect();
    let first = ["the first", "command 1", "artifact a.txt", "artifact a.txt 2", "command 2"];
    assert_eq!(ids[..5], first);
    assert_eq!(ids[5..], ["artifact sub/b.txt", "sql 1", "http 1", "duration"]);
    let seconds: Vec<u64> = verify.iter().map(|check| check.timeout.0 / 1_000_000_000).collect();
    assert_eq!(seconds, [300, 5, 300, 300, 300, 300, 300, 30, 300]);
    let artifact = |at: usize| match &verify[at].look {
        Look::Command { artifact, .. } | Look::Sql { artifact, .. } => artifact.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!([artifact(0), artifact(4), artifact(6)], [None, Some("a.txt".into()), Some("sub/b.txt".into())]);
    let at_most = Some(Bound::Span(Span::seconds(7_200)));
    assert_eq!(verify[8].look, Look::Duration { at_least: None, at_most });
}

#[test]
fn a_ladder_may_say_little() {
    let heal = process("process: it\nheal:\n  - retry: { times: 3 }\n  - { run: [a, b], timeout: 1m }\n").heal;
    let [Rung::Retry { times: 3, backoff }, Rung::Run { timeout: Some(timeout), .. }] = heal.as_slice() else {
        panic!("{heal:?}")
    };
    assert_eq!((backoff.shortest, backoff.longest), (Span::seconds(1), Span::seconds(60)));
    assert_eq!(*timeout, Span::seconds(60));
}

#[test]
fn what_a_process_lacks_is_found() {
    let read = with(&[(
        "ops/it.yaml",
        "process: it\nsteps: [{ run: ls }]\nheal: [{ tell: data-oncall }, { run: x }]\n---\nprocess: bare\n",
    )]);
    expect![[r#"
        finding[unproven]: `it` is unproven: it lacks trigger, verify, watch, tell, drill
          --> ops/it.yaml:1:10
          |
        1 | process: it
          |          ^^ help: add `schedule:`, `verify:`, `watch:`, `tell:`, `drill:`
        finding[tell-not-last]: a ladder ends at a person, but rungs follow
          --> ops/it.yaml:3:10
          |
        3 | heal: [{ tell: data-oncall }, { run: x }]
          |          ^^^^ help: put `tell` last
        finding[unproven]: `bare` is unproven: it lacks trigger, steps, verify, heal, watch, tell, drill
          --> ops/it.yaml:5:10
          |
        5 | process: bare
          |          ^^^^ help: add `schedule:`, `steps:`, `verify:`, `heal:`, `watch:`, `tell:`, `drill:`
        finding[nobody-told]: when `bare` fails, nobody is told
          --> ops/it.yaml:5:10
          |
        5 | process: bare
          |          ^^^^ help: add `tell:` with a route, or end the ladder with `- tell: ROUTE`
    "#]]
    .assert_eq(&rendered(&read, &[Severity::Finding]));
    assert_eq!(read.processes.len(), 2);
}

#[test]
fn once_without_verify_is_an_error() {
    expect![[r#"
        error[once-unverified]: step `step-1` must happen once, but nothing can say whether it did
          --> ops/it.yaml:2:21
          |
        2 | steps: [{ run: pay, effect: once }]
          |                     ^^^^^^ help: add `verify:`; after a crash it decides instead of a repetition
    "#]]
    .assert_eq(&problems("process: it\nsteps: [{ run: pay, effect: once }]\n"));
}

#[test]
fn a_secret_in_an_argument_is_warned_about() {
    let text = "\
process: it
secrets: [TOKEN, PGPASSWORD]
env: { PGPASSWORD: hunter2 }
steps:
  - run: 'curl -H \"Authorization: $TOKEN\" https://example.com'
  - run: |
      printf '%s' \"$TOKEN\" | login --stdin
      PGPASSWORD=\"$PGPASSWORD\" psql; psql --password=${PGPASSWORD}
  - run: [curl, $TOKEN]
";
    expect![[r#"
        error[duplicate-name]: `PGPASSWORD` is in `env` and in `secrets`
          --> ops/it.yaml:2:18
          |
        2 | secrets: [TOKEN, PGPASSWORD]
          |                  ^^^^^^^^^^ help: keep one of them; a secret must not be written into a file
        warning[literal-secret]: `PGPASSWORD` looks like a secret, and its value stands in the file
          --> ops/it.yaml:3:20
          |
        3 | env: { PGPASSWORD: ••••••• }
          |                    ^^^^^^^ help: name it under `secrets:`; the site file says where it comes from
        warning[secret-in-argument]: the secret `TOKEN` becomes an argument, which everybody on the host can read
          --> ops/it.yaml:5:35
          |
        5 |   - run: 'curl -H "Authorization: $TOKEN" https://example.com'
          |                                   ^^^^^^ help: let the command read it from its environment, or from the file `$TOKEN_FILE`
        warning[secret-in-argument]: the secret `PGPASSWORD` becomes an argument, which everybody on the host can read
          --> ops/it.yaml:8:54
          |
        8 |       PGPASSWORD="$PGPASSWORD" psql; psql --password=${PGPASSWORD}
          |                                                      ^^^^^^^^^^^^^ help: let the command read it from its environment, or from the file `$PGPASSWORD_FILE`
        warning[no-shell]: in a list of arguments no variable is replaced
          --> ops/it.yaml:9:17
          |
        9 |   - run: [curl, $TOKEN]
          |                 ^^^^^^ help: write the command as one text, or begin the list with [sh, -c]
    "#]]
    .assert_eq(&problems(text));
}

#[test]
fn a_drill_must_prove_data_and_know_its_artifact() {
    let text = "\
process: it
drill:
  restore:
    steps: [{ run: 'restore \"$ARTIFACT\"' }, { run: x, needs: [step-1, step-9] }]
    after: [{ run: x, needs: step-1 }, { id: step-1, run: x }]
    verify: [{ command: 'true', expect: exit == 0 }]
  people: { every: 90d, follow: ../x.md }
";
    expect![[r#"
        error[no-artifact]: `$ARTIFACT` points to nothing: no step of the process makes an artifact
          --> ops/it.yaml:4:20
          |
        4 |     steps: [{ run: 'restore "$ARTIFACT"' }, { run: x, needs: [step-1, step-9] }]
          |                    ^^^^^^^^^^^^^^^^^^^^^^ help: name it in the step that makes it: `makes:`
        error[unknown-step]: there is no step `step-9`
          --> ops/it.yaml:4:71
          |
        4 |     steps: [{ run: 'restore "$ARTIFACT"' }, { run: x, needs: [step-1, step-9] }]
          |                                                                       ^^^^^^ help: write `step-1`
        error[duplicate-id]: two steps have the id `step-1`
          --> ops/it.yaml:5:46
          |
        5 |     after: [{ run: x, needs: step-1 }, { id: step-1, run: x }]
          |                                              ^^^^^^ help: rename one of them
        error[no-data-check]: no check here proves data: size, age and exit codes alone do not
          --> ops/it.yaml:6:5
          |
        6 |     verify: [{ command: 'true', expect: exit == 0 }]
          |     ^^^^^^ help: add a check that reads content: a command over "$ARTIFACT" that reads all of it, stdout, rows, value, body or sha256
        error[wrong-value]: `../x.md` leaves its folder
          --> ops/it.yaml:7:33
          |
        7 |   people: { every: 90d, follow: ../x.md }
          |                                 ^^^^^^^ help: write a path without `..`
    "#]].assert_eq(&problems(text));
}

#[test]
fn a_secret_that_stands_in_a_file_is_warned_about_and_not_shown() {
    let text = "\
process: it
env: { API_TOKEN: hunter2, TOKEN_FILE: /run/token, REPO: 'rest:https://me:hunter2@vault/x', DB: 'postgres://me:$PW@db' }
steps:
  - run: curl https://me:hunter2@host/x
    env: { PASSWORD: hunter2, EMPTY_SECRET: '' }
";
    let shown = problems(text) + &problems("process: it\nenv:\n  PASSWORD: hunter2: x\n");
    assert!(!shown.contains("hunter2"), "{shown}");
    expect![[r#"
        warning[literal-secret]: `API_TOKEN` looks like a secret, and its value stands in the file
          --> ops/it.yaml:2:19
          |
        2 | env: { API_TOKEN: •••••••, TOKEN_FILE: /run/token, REPO: •••••••••••••••••••••••••••••••••, DB: 'postgres://me:$PW@db' }
          |                   ^^^^^^^ help: name it under `secrets:`; the site file says where it comes from
        warning[literal-secret]: a password stands in this URL
          --> ops/it.yaml:2:58
          |
        2 | env: { API_TOKEN: •••••••, TOKEN_FILE: /run/token, REPO: •••••••••••••••••••••••••••••••••, DB: 'postgres://me:$PW@db' }
          |                                                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ help: name it under `secrets:`; the site file says where it comes from
        warning[literal-secret]: a password stands in this URL
          --> ops/it.yaml:4:10
          |
        4 |   - run: •••• •••••••••••••••••••••••••
          |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ help: name it under `secrets:`; the site file says where it comes from
        warning[literal-secret]: `PASSWORD` looks like a secret, and its value stands in the file
          --> ops/it.yaml:5:22
          |
        5 |     env: { PASSWORD: •••••••, EMPTY_SECRET: '' }
          |                      ^^^^^^^ help: name it under `secrets:`; the site file says where it comes from
        error[syntax]: this is not YAML: mapping values are not allowed in this context
          --> ops/it.yaml:3:20
          |
        3 |   PASSWORD: •••••••• •
          |                    ^ help: a text with `: ` in it needs quotes around all of it, or a block: `|` and the text in the next lines
    "#]].assert_eq(&shown);
}

#[test]
fn ids_of_steps_keep_away_from_ours() {
    let text = "\
process: it
steps: [{ id: heal.0, run: 'true' }]
verify: [{ command: x, expect: stdout == \"x\" }]
";
    expect![[r#"
        error[reserved-id]: the id of a step has no dot, and `heal.0` has
          --> ops/it.yaml:2:15
          |
        2 | steps: [{ id: heal.0, run: 'true' }]
          |               ^^^^^^ help: write a dash; `heal.N` and `after.ID` are names of ours
    "#]]
    .assert_eq(&problems(text));
}

#[test]
fn an_observed_process_says_when_and_who_and_nothing_that_could_act() {
    let found = process("process: p\nschedule: { cron: \"5 3 * * *\" }\nobserved: cron, /etc/cron.d/p line 3\n");
    assert_eq!(found.observed.as_deref(), Some("cron, /etc/cron.d/p line 3"));
    assert!(found.schedule.is_some() && found.fires().is_none());
    assert_eq!(found.missing().len(), 6, "all but the trigger are missing: {:?}", found.missing());
    for (key, value) in [("steps", "[{ run: 'true' }]"), ("heal", "[{ retry: { times: 1 } }]"), ("keep", "3")] {
        let said = problems(&format!("process: p\nobserved: cron\n{key}: {value}\n"));
        assert!(
            said.contains("error[observed-acts]") && said.contains(&format!("`{key}` is about running it")),
            "{said}"
        );
        assert!(said.contains("ops/it.yaml:3:1"), "{said}");
    }
}

#[test]
fn a_pinged_process_says_what_is_looked_at_and_nothing_that_could_act() {
    let found = process("process: p\npinged: true\nschedule: { cron: \"5 3 * * *\" }\n");
    assert!(found.pinged && found.fires().is_none() && found.expects().is_some());
    let facets: Vec<&str> = found.missing().iter().map(|facet| facet.word()).collect();
    assert_eq!(facets, ["verify", "heal", "watch", "tell", "drill"], "something outside does the steps");
    for (rest, at) in [("steps: [{ run: 'true' }]", "3:1"), ("heal: [{ retry: { times: 1 } }]", "3:10")] {
        let said = problems(&format!("process: p\npinged: true\n{rest}\n"));
        assert!(said.contains("error[pinged-acts]") && said.contains(&format!("ops/it.yaml:{at}")), "{said}");
    }
    assert_eq!(problems("process: p\npinged: true\nheal: [{ run: ./mend }]\n"), "");
}

#[test]
fn a_definition_without_the_newer_keys_keeps_its_digest() {
    let canonical = process("process: p\nsteps: [{ noop: true }]\n").canonical();
    for key in ["observed", "pinged", "\"of\""] {
        assert!(!canonical.contains(key), "{canonical}");
    }
}

/// Digests of definitions as they were when steps were commands and people only.
#[test]
fn the_digest_of_a_definition_does_not_change_with_the_kinds_of_steps() {
    let text = "process: p\nsteps:\n  - { id: a, run: ls, secrets: [X], effect: once }\n  - { id: b, needs: [a], run: [ls, -l], makes: f }\n  - { noop: true }\n  - { id: c, human: look, route: data-oncall }\nverify: [{ command: cat f, expect: stdout != \"\" }]\n";
    assert_eq!(process(text).digest(), "69645df7208992255d8f545e31a90f13cdc633c102286ab66a65c3529b3c08e8");
}

#[test]
fn a_request_has_the_effect_and_the_limit_of_its_method_unless_it_says_otherwise() {
    for (keys, effect, redirects) in [
        ("", Effect::Read, 5),
        (", redirects: 0", Effect::Read, 0),
        (", method: PUT", Effect::Idempotent, 0),
        (", method: POST", Effect::Once, 0),
        (", method: POST, effect: idempotent", Effect::Idempotent, 0),
    ] {
        let text = format!(
            "process: p\nsteps: [{{ http: 'https://x/'{keys} }}]\nverify: [{{ command: ls, expect: stdout != \"\" }}]\n"
        );
        let step = process(&text).steps.remove(0);
        let Action::Http(request) = &step.action else { panic!("it asks") };
        assert_eq!(
            (step.effect, request.redirects, step.timeout),
            (effect, redirects, Some(Span::seconds(60))),
            "{keys}"
        );
    }
}

#[test]
fn statements_are_one_transaction_that_is_done_once() {
    let text = "process: p\nsteps: [{ sql: [delete from a, 'insert into b values ($1)'], url: 'sqlite:x.db', params: $WHO }]\nverify: [{ command: ls, expect: stdout != \"\" }]\n";
    let step = process(text).steps.remove(0);
    let Action::Sql(all) = &step.action else { panic!("it asks") };
    assert_eq!((step.effect, all.statements.len(), all.alone), (Effect::Once, 2, false));
    assert_eq!(all.params, ["$WHO"]);
}
