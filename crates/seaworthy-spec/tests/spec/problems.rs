//! Every problem of a file in one pass, each at its line with what to write instead.

use expect_test::expect;

use crate::{BACKUP, problems, with};

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let text = "process: it\nsteps:\n  - id: a\n    run: ls\n    tiemout: 30m\n    colour: red\nshedule:\n  cron: x\n";
    expect![[r#"
        error[unknown-key]: unknown key `tiemout` in a step
          --> ops/it.yaml:5:5
          |
        5 |     tiemout: 30m
          |     ^^^^^^^ help: write `timeout`
        error[unknown-key]: unknown key `colour` in a step
          --> ops/it.yaml:6:5
          |
        6 |     colour: red
          |     ^^^^^^ help: known here: run, id, needs, timeout, effect, makes, env, secrets, shell, matrix, when, despite, outputs, limits
        error[unknown-key]: unknown key `shedule` in a process
          --> ops/it.yaml:7:1
          |
        7 | shedule:
          | ^^^^^^^ help: write `schedule`
    "#]]
    .assert_eq(&problems(text));
}

#[test]
fn all_problems_of_a_file_come_out_in_one_pass() {
    let text = "\
process: it
tier: D
keep: 022
schedule: { cron: \"61 1 * * *\", timezone: Europe/Berln, overlap: qeue(3) }
secrets: [BAD-NAME]
steps:
  - id: a
    run: ls
    timeout: 10
    needs: [b]
  - id: a
    rnu: ls
  - id: c
    run: x
    noop: true
verify:
  - artifact: x.dump
    expect: size > 1MB
  - command: \"true\"
heal:
  - retry: { times: 21, backoff: 10m..1m }
  - tell: nobody
tell: { route: data-onkall, when: [failed, borken], procedure: missing.md }
team: dta
";
    expect![[r#"
        error[wrong-value]: `D` is not known here
          --> ops/it.yaml:2:7
          |
        2 | tier: D
          |       ^ help: known here: A, B, C
        error[wrong-type]: `022` is not a whole number
          --> ops/it.yaml:3:7
          |
        3 | keep: 022
          |       ^^^ help: write digits only, without a leading zero
        error[bad-schedule]: `61` is not a valid minute
          --> ops/it.yaml:4:20
          |
        4 | schedule: { cron: "61 1 * * *", timezone: Europe/Berln, overlap: qeue(3) }
          |                    ^^ help: write a number from 0 to 59
        error[bad-timezone]: `Europe/Berln` is not a time zone
          --> ops/it.yaml:4:43
          |
        4 | schedule: { cron: "61 1 * * *", timezone: Europe/Berln, overlap: qeue(3) }
          |                                           ^^^^^^^^^^^^ help: did you mean `Europe/Berlin`? Names are those of the IANA database, such as `Europe/Berlin`
        error[wrong-value]: `qeue(3)` is not known here
          --> ops/it.yaml:4:66
          |
        4 | schedule: { cron: "61 1 * * *", timezone: Europe/Berln, overlap: qeue(3) }
          |                                                                  ^^^^^^^ help: write `queue(3)`
        error[wrong-value]: `BAD-NAME` is not the name of an environment variable
          --> ops/it.yaml:5:11
          |
        5 | secrets: [BAD-NAME]
          |           ^^^^^^^^ help: use letters, digits and `_`, not beginning with a digit
        error[wrong-value]: `10` has no unit
          --> ops/it.yaml:9:14
          |
        9 |     timeout: 10
          |              ^^ help: write a number with a unit: ms, s, m, h, d or w, such as `90s` or `1h30m`
        error[unknown-step]: there is no step `b`
           --> ops/it.yaml:10:13
           |
        10 |     needs: [b]
           |             ^ help: known here: a, c
        error[duplicate-id]: two steps have the id `a`
           --> ops/it.yaml:11:9
           |
        11 |   - id: a
           |         ^ help: rename one of them
        error[unknown-key]: unknown key `rnu` in a step
           --> ops/it.yaml:12:5
           |
        12 |     rnu: ls
           |     ^^^ help: write `run`
        error[two-kinds]: a step has both `run` and `noop`
           --> ops/it.yaml:15:5
           |
        15 |     noop: true
           |     ^^^^ help: keep one of them
        error[unknown-artifact]: no step makes `x.dump`
           --> ops/it.yaml:17:15
           |
        17 |   - artifact: x.dump
           |               ^^^^^^ help: name it in a step: `makes:`
        error[missing-key]: a check by command lacks `expect`
           --> ops/it.yaml:19:5
           |
        19 |   - command: "true"
           |     ^^^^^^^ help: add `expect:`. The condition over what was seen, such as `exit == 0`.
        error[wrong-value]: `21` is out of bounds
           --> ops/it.yaml:21:21
           |
        21 |   - retry: { times: 21, backoff: 10m..1m }
           |                     ^^ help: write a number from 1 to 20
        error[wrong-value]: the shortest wait is longer than the longest
           --> ops/it.yaml:21:34
           |
        21 |   - retry: { times: 21, backoff: 10m..1m }
           |                                  ^^^^^^^ help: write the shorter one first: `1m..10m`
        error[unknown-route]: there is no route `nobody`
           --> ops/it.yaml:22:11
           |
        22 |   - tell: nobody
           |           ^^^^^^ help: known here: data-oncall; or add it under `routes:` in the site file
        error[unknown-route]: there is no route `data-onkall`
           --> ops/it.yaml:23:16
           |
        23 | tell: { route: data-onkall, when: [failed, borken], procedure: missing.md }
           |                ^^^^^^^^^^^ help: write `data-oncall`; or add it under `routes:` in the site file
        error[wrong-value]: `borken` is not known here
           --> ops/it.yaml:23:44
           |
        23 | tell: { route: data-onkall, when: [failed, borken], procedure: missing.md }
           |                                            ^^^^^^ help: known here: failed, unverified, unknown, missed, late, long, healed
        error[missing-file]: there is no file `missing.md`
           --> ops/it.yaml:23:64
           |
        23 | tell: { route: data-onkall, when: [failed, borken], procedure: missing.md }
           |                                                                ^^^^^^^^^^ help: write the file; the path is relative to the site's folder
        error[unknown-team]: there is no team `dta`
           --> ops/it.yaml:24:7
           |
        24 | team: dta
           |       ^^^ help: write `data`; or add it under `teams:` in the site file
    "#]].assert_eq(&problems(text));
}

#[test]
fn a_value_is_not_what_yaml_makes_of_it_but_what_was_written() {
    let read = with(&[(
        "ops/it.yaml",
        "process: 022\nenv: { A: no, B: 022, C: 1e3, D: \"\" }\nsteps: [{ run: ls }]\nverify: [{ command: ls, expect: 'stdout != \"\"' }]\n",
    )]);
    let (_, process) = &read.processes[0];
    assert_eq!(process.name, "022");
    assert_eq!(process.env.values().collect::<Vec<_>>(), ["no", "022", "1e3", ""]);
}

#[test]
fn yes_is_not_true_and_octal_is_not_a_number() {
    let text =
        "process: it\nkeep: 1e1\nsteps:\n  - noop: yes\n  - noop: \"true\"\n  - run: ~\n  - run:\nenv: { A: null }\n";
    expect![[r#"
        error[wrong-type]: `1e1` is not a whole number
          --> ops/it.yaml:2:7
          |
        2 | keep: 1e1
          |       ^^^ help: write digits only, without a leading zero
        error[wrong-type]: only `true` says something here
          --> ops/it.yaml:4:11
          |
        4 |   - noop: yes
          |           ^^^ help: write true, or leave the key out
        error[wrong-type]: a quoted text is not `true`
          --> ops/it.yaml:5:11
          |
        5 |   - noop: "true"
          |           ^^^^^^ help: leave the quotes out
        error[wrong-type]: here nothing is written, but a text is wanted
          --> ops/it.yaml:6:10
          |
        6 |   - run: ~
          |          ^ help: write the value, or leave the key out; a text `null` or `~` needs quotes
        error[wrong-type]: here nothing is written, but a text is wanted
          --> ops/it.yaml:7:8
          |
        7 |   - run:
          |        ^ help: write the value, or leave the key out; a text `null` or `~` needs quotes
        error[wrong-type]: here nothing is written, but a text is wanted
          --> ops/it.yaml:8:11
          |
        8 | env: { A: null }
          |           ^^^^ help: write the value; an empty one is written as ""
    "#]]
    .assert_eq(&problems(text));
}

#[test]
fn needs_must_not_go_round() {
    let text = "process: it\nsteps:\n  - { id: a, run: x, needs: [c] }\n  - { id: b, run: x, needs: [a] }\n  - { id: c, run: x, needs: b }\n  - { id: d, run: x, needs: [c, d] }\n";
    expect![[r#"
        error[cycle]: these steps wait for each other: `a` needs `c` needs `b` needs `a`
          --> ops/it.yaml:3:22
          |
        3 |   - { id: a, run: x, needs: [c] }
          |                      ^^^^^ help: leave one of these needs out
    "#]]
    .assert_eq(&problems(text));
}

#[test]
fn two_files_cannot_name_one_process_and_good_files_still_load() {
    let good = "process: good\nsteps: [{ run: ls }]\n";
    let read =
        with(&[("ops/1.yaml", good), ("ops/2.yaml", "proces: x\n"), ("ops/3.yaml", good), ("ops/4.yaml", BACKUP)]);
    let names: Vec<_> = read.processes.iter().map(|(file, process)| (file.as_str(), process.name.as_str())).collect();
    assert_eq!(names, [("ops/1.yaml", "good"), ("ops/4.yaml", "backup-orders")]);
    let broken: Vec<_> = read.broken().into_iter().collect();
    let second = "line 1, column 1: there is no kind of document `proces`";
    let third = "line 1, column 10: there is a process `good` already, in ops/1.yaml";
    assert_eq!(broken, [("ops/2.yaml", second), ("ops/3.yaml", third)].map(|(a, b)| (a.to_owned(), b.to_owned())));
    expect![[r#"
        error[unknown-kind]: there is no kind of document `proces`
          --> ops/2.yaml:1:1
          |
        1 | proces: x
          | ^^^^^^ help: write `process`
        error[duplicate-name]: there is a process `good` already, in ops/1.yaml
          --> ops/3.yaml:1:10
          |
        1 | process: good
          |          ^^^^ help: rename one of them
    "#]]
    .assert_eq(&crate::rendered(&read, &[seaworthy_spec::Severity::Error]));
}

#[test]
fn kinds_of_documents_that_come_later_are_warnings() {
    let text = "service: shop\ncomponents: {}\n---\nexperiment: x\n---\nserivce: y\n---\nabout: x\nprocess: y\n---\n- a\n---\nsite: z\n";
    expect![[r#"
        warning[not-built]: a document of kind `service` is not known to this version and is left out
          --> ops/it.yaml:1:1
          |
        1 | service: shop
          | ^^^^^^^
        warning[not-built]: a document of kind `experiment` is not known to this version and is left out
          --> ops/it.yaml:4:1
          |
        4 | experiment: x
          | ^^^^^^^^^^
        error[unknown-kind]: there is no kind of document `serivce`
          --> ops/it.yaml:6:1
          |
        6 | serivce: y
          | ^^^^^^^ help: write `service`
        error[kind-first]: the first key of a document names its kind, but this begins with `about`
          --> ops/it.yaml:8:1
          |
        8 | about: x
          | ^^^^^ help: write `process:` first
        error[wrong-type]: a document is a mapping, not a list
           --> ops/it.yaml:11:1
           |
        11 | - a
           | ^^^ help: begin it with its kind: `process: NAME`
        error[wrong-file]: the site does not belong into this file
           --> ops/it.yaml:13:1
           |
        13 | site: z
           | ^^^^ help: write it into seaworthy.yaml, one document for the whole site
    "#]]
    .assert_eq(&problems(text));
}

#[test]
fn traps_of_yaml_are_explained() {
    let lines = [
        "cron: */5 * * * *",
        "cron: * * * * *",
        "run: curl -H \"A: b\" x",
        "run: %x",
        "run: @x",
        "run: `date`",
        "run: [ -f x ] && y",
        "expect: \"a\" == stdout",
        "expect: !ok",
        "expect: { a: b } == c",
        "run: 'it's'",
        "run: a\n   b: c",
        "run: |\n  a",
        "run: - x",
    ];
    let shown: String =
        lines.iter().map(|line| problems(&format!("process: it\nx:\n  - id: a\n    {line}\n"))).collect();
    let shown: String = shown.split_inclusive('\n').filter(|line| !line.contains("unknown key `x`")).collect();
    expect![[r#"
        error[syntax]: this is not YAML: while parsing node, found unknown anchor
          --> ops/it.yaml:4:11
          |
        4 |     cron: */5 * * * *
          |           ^ help: a value that begins with `*` or `&` needs quotes around all of it
        error[syntax]: this is not YAML: while scanning an anchor or alias, did not find expected alphabetic or numeric character
          --> ops/it.yaml:4:11
          |
        4 |     cron: * * * * *
          |           ^ help: a value that begins with `*` or `&` needs quotes around all of it
        error[syntax]: this is not YAML: mapping values are not allowed in this context
          --> ops/it.yaml:4:20
          |
        4 |     run: curl -H "A: b" x
          |                    ^ help: a text with `: ` in it needs quotes around all of it, or a block: `|` and the text in the next lines
        error[syntax]: this is not YAML: unexpected character: `%'
          --> ops/it.yaml:4:10
          |
        4 |     run: %x
          |          ^ help: a value that begins with this character needs quotes around all of it
        error[syntax]: this is not YAML: unexpected character: `@'
          --> ops/it.yaml:4:10
          |
        4 |     run: @x
          |          ^ help: a value that begins with this character needs quotes around all of it
        error[syntax]: this is not YAML: unexpected character: ``'
          --> ops/it.yaml:4:10
          |
        4 |     run: `date`
          |          ^ help: a value that begins with this character needs quotes around all of it
        error[syntax]: this is not YAML: while parsing a block mapping, did not find expected key
          --> ops/it.yaml:4:19
          |
        4 |     run: [ -f x ] && y
          |                   ^ help: a value that begins with `[` or `{` ends with its bracket; quote all of it if it was meant as text
        error[syntax]: this is not YAML: invalid trailing content after double-quoted scalar
          --> ops/it.yaml:4:17
          |
        4 |     expect: "a" == stdout
          |                 ^ help: a value that begins with a quote ends with it: put other quotes around all of the value
        error[not-read]: tags (`!name`) are not read
          --> ops/it.yaml:4:13
          |
        4 |     expect: !ok
          |             ^^^ help: leave the tag out; quote a text that starts with !
        error[syntax]: this is not YAML: while parsing a block mapping, did not find expected key
          --> ops/it.yaml:4:22
          |
        4 |     expect: { a: b } == c
          |                      ^ help: a value that begins with `[` or `{` ends with its bracket; quote all of it if it was meant as text
        error[syntax]: this is not YAML: invalid trailing content after double-quoted scalar
          --> ops/it.yaml:4:14
          |
        4 |     run: 'it's'
          |              ^ help: a value that begins with a quote ends with it: put other quotes around all of the value
        error[syntax]: this is not YAML: while parsing a block collection, did not find expected '-' indicator
          --> ops/it.yaml:5:4
          |
        5 |    b: c
          |    ^ help: this line is indented less than the lines that it belongs to
        error[syntax]: this is not YAML: simple key expect ':'
          --> ops/it.yaml:5:4
          |
        5 |   a
          |    ^ help: a line here has no `key:`; the text of a block is indented deeper than its key
        error[syntax]: this is not YAML: block sequence entries are not allowed in this context
          --> ops/it.yaml:4:10
          |
        4 |     run: - x
          |          ^ help: write a list in the next lines, each item after `- `, or in brackets
    "#]].assert_eq(&shown);
}
