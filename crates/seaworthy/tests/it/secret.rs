//! Secrets: commands get them, nobody else ever sees them.

use std::{fs, path::Path};

use crate::kit::Site;

const VALUE: &str = "s3cret-0123456789-abcdefghij-value";
const OTHER: &str = "0ther-9876543210-zyxwvutsrq-value";

/// Files below `folder` that hold the text.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("it is there").flatten() {
        if entry.path().is_dir() {
            found.extend(holding(&entry.path(), text));
        } else if let Ok(bytes) = fs::read(entry.path())
            && bytes.windows(text.len()).any(|w| w == text.as_bytes())
        {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

/// Says it in pieces: over two reads, over the border of a pipe's capacity, over both streams, and as its last words.
const TALK: &str = r#"
steps:
  - id: talk
    run: |
      printf %s "$TOKEN" | head -c 12; sleep 0.2; printf %s "$TOKEN" | tail -c +13; echo
      head -c 65530 /dev/zero | tr '\0' x; printf '%s\n' "$TOKEN"
      cat "$TOKEN_FILE" >&2; echo >&2
      stat -c 'mode %a' "$TOKEN_FILE"
      echo "$TOKEN_FILE" > token_file
      echo "it was $TOKEN that did not fit" >&2
      exit 1
verify:
  - { command: cat told.txt, expect: 'stdout != ""' }
heal:
  - { run: 'echo "$TOKEN"' }
  - tell: oncall
tell: { route: oncall, when: [failed] }
secrets: [TOKEN]
"#;

#[test]
fn a_secret_is_masked_wherever_a_command_says_it() {
    let site = Site::new();
    site.env("TOKEN", VALUE);
    site.process("talk", TALK);
    let run = site.json(&["run", "talk"]);
    assert_eq!(run.code, 1, "{run:?}");
    let reason = run.json["reason"].as_str().unwrap();
    assert!(reason.starts_with("step talk: exit 1: it was ") && reason.ends_with(" that did not fit"), "{reason}");
    let id = run.json["run_id"].as_str().unwrap();
    let logs = site.say(&["logs", id]);
    assert!(logs.stdout.contains("mode 600"), "{}", logs.stdout);
    let mut said = vec![run.stdout.clone(), run.stderr.clone(), logs.stdout, logs.stderr, site.read("told.txt")];
    for verb in [&["show", id][..], &["journal", "--limit", "1000"], &["runs"], &["status"], &["logs", id, "--stderr"]]
    {
        for output in [site.say(verb), site.json(verb)] {
            said.push(output.stdout + &output.stderr);
        }
    }
    assert!(said.iter().all(|text| !text.is_empty() || text == &run.stderr), "something said nothing");
    for text in &said {
        assert!(!text.contains(VALUE), "the secret was said:\n{text}");
    }
    assert_eq!(holding(&site.data(), VALUE), Vec::<String>::new());
    let file = site.read("token_file");
    assert!(file.contains("TOKEN") && !Path::new(file.trim()).exists(), "{file} is still there");
}

#[test]
fn a_secret_that_a_look_sees_is_masked() {
    let site = Site::new();
    site.env("TOKEN", VALUE);
    let rest = r#"secrets: [TOKEN]
steps:
  - { run: 'true' }
verify:
  - { command: 'echo "it is $TOKEN"; echo "$TOKEN" >&2', expect: 'stdout == "nothing"' }
tell: { route: oncall }
"#;
    site.process("look", rest);
    let run = site.json(&["run", "look"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.json["reason"].as_str().unwrap().contains("it is "), "{run:?}");
    assert!(!run.stdout.contains(VALUE) && !run.stderr.contains(VALUE), "{run:?}");
    assert!(!site.read("told.txt").contains(VALUE) && !site.read("told.txt").is_empty());
    assert_eq!(holding(&site.data(), VALUE), Vec::<String>::new());
}

/// Only the step gets it, but what the step left in its artifact is seen by the look.
#[test]
fn a_secret_of_one_step_is_masked_in_every_other_and_in_the_looks() {
    let site = Site::new();
    site.env("TOKEN", VALUE);
    let rest = r#"steps:
  - { id: write, run: 'echo "$TOKEN" > left', secrets: [TOKEN] }
  - { id: read, needs: [write], run: 'echo "${TOKEN-not given}"; cat left' }
verify:
  - { command: 'echo "${TOKEN-not given}"; cat left', expect: 'stdout == "nothing"' }
tell: { route: oncall }
"#;
    site.process("left", rest);
    let run = site.json(&["run", "left"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.json["reason"].as_str().unwrap().contains("not given"), "a look got the secret of a step: {run:?}");
    let logs = site.say(&["logs", run.json["run_id"].as_str().unwrap()]).stdout;
    assert!(logs.contains("not given"), "another step got it: {logs}");
    assert!(!run.stdout.contains(VALUE), "{run:?}");
    assert_eq!(holding(&site.data(), VALUE), Vec::<String>::new());
    assert!(!site.read("told.txt").contains(VALUE));
}

#[test]
fn secrets_come_from_files_and_commands_and_a_missing_one_is_named_without_a_value() {
    let site = Site::new();
    site.write(
        "seaworthy.yaml",
        "site: test\nsecrets:\n  FIRST: { file: first.txt }\n  SECOND: { command: 'cat second.txt' }\n",
    );
    site.write("first.txt", &format!("{VALUE}\n"));
    site.write("second.txt", OTHER);
    let look = "verify:\n  - { command: 'cat \"$ARTIFACT\"', expect: 'stdout.trim() == \"35 33\"' }\n";
    let steps = "steps:\n  - { id: count, run: 'echo \"$FIRST$SECOND\"; echo \"$(( $(printf %s \"$FIRST\" | wc -c) + 1 )) $(printf %s \"$SECOND\" | wc -c)\" > \"$WORKDIR/n\"', makes: n }\n";
    site.process("both", &format!("secrets: [FIRST, SECOND]\n{steps}{look}"));
    let run = site.json(&["run", "both"]);
    assert_eq!(run.code, 1, "a file that others may read keeps no secret: {run:?}");
    assert!(run.json["reason"].as_str().unwrap().contains("is open to others (mode 0644); run `chmod 600"), "{run:?}");
    site.sh("chmod 600 first.txt");
    let run = site.json(&["run", "both"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(holding(&site.data(), VALUE).len() + holding(&site.data(), OTHER).len(), 0);
    fs::remove_file(site.path("first.txt")).unwrap();
    let run = site.json(&["run", "both"]);
    assert_eq!(run.code, 1, "{run:?}");
    let reason = run.json["reason"].as_str().unwrap();
    assert!(reason.contains("FIRST") && reason.contains("first.txt") && !reason.contains(OTHER), "{reason}");
}
