//! What a look at the files may take out of force, and what it may not.

use seaworthy_model::time::At;

use super::*;

const STEPS: &str = "steps:\n  - { run: echo x }\n";

struct Given(FileSet);

impl Files for Given {
    fn read(&self) -> Result<FileSet, String> {
        Ok(self.0.clone())
    }

    fn stamp(&self) -> u64 {
        0
    }

    fn exists(&self, _file: &str) -> bool {
        true
    }
}

/// A site with these processes, each in a file of its name, and these files that cannot be read.
fn look(before: Option<&Loaded>, ops: &[(&str, &str)], unreadable: &[&str]) -> Outcome {
    let set = FileSet {
        folder: "/site".into(),
        site: Source { file: "seaworthy.yaml".into(), text: "site: test\n".into() },
        ops: ops.iter().map(|(file, text)| Source { file: (*file).into(), text: (*text).into() }).collect(),
        unreadable: unreadable.iter().map(|file| ((*file).into(), "no permission".into())).collect(),
        left_out: vec![],
        held: vec![],
    };
    read(&Given(set), before, At(0)).unwrap()
}

fn in_force(outcome: &Outcome) -> Vec<&str> {
    outcome.loaded.processes.keys().map(String::as_str).collect()
}

fn two() -> [(&'static str, String); 2] {
    [("ops/a.yaml", format!("process: a\n{STEPS}")), ("ops/deep/b.yaml", format!("process: b\n{STEPS}"))]
}

#[test]
fn a_removal_counts_when_it_is_seen_twice_in_a_row() {
    let [a, b] = &two();
    let both = [(a.0, a.1.as_str()), (b.0, b.1.as_str())];
    let before = look(None, &both, &[]).loaded;
    let mut missing = Missing::default();
    let seen = |missing: &mut Missing, ops: &[(&str, &str)]| {
        let mut outcome = look(Some(&before), ops, &[]);
        let again = missing.hold(&before, &mut outcome);
        (again, outcome)
    };
    let (again, outcome) = seen(&mut missing, &both[..1]);
    assert!(again && outcome.removed.is_empty());
    assert_eq!(in_force(&outcome), ["a", "b"], "it may be on its way to its new name");
    let (again, outcome) = seen(&mut missing, &both);
    assert!(!again && outcome.removed.is_empty() && outcome.changed.is_empty());
    // Once more, and this time for good.
    assert!(seen(&mut missing, &both[..1]).0);
    let (again, outcome) = seen(&mut missing, &both[..1]);
    assert!(!again);
    assert_eq!(outcome.removed, [("b".to_owned(), "ops/deep/b.yaml".to_owned())]);
    assert_eq!(in_force(&outcome), ["a"]);
}

#[test]
fn what_is_in_an_unreadable_folder_is_broken_and_not_gone() {
    let [a, b] = &two();
    let before = look(None, &[(a.0, &a.1), (b.0, &b.1)], &[]).loaded;
    let outcome = look(Some(&before), &[(a.0, &a.1)], &["ops/deep"]);
    assert_eq!(in_force(&outcome), ["a", "b"]);
    assert!(outcome.removed.is_empty() && outcome.unread);
    assert_eq!(outcome.broken.iter().map(|(file, _)| file.as_str()).collect::<Vec<_>>(), ["ops/deep"]);
    assert!(outcome.loaded.processes["b"].broken.is_some() && outcome.loaded.processes["a"].broken.is_none());
    let mended = look(Some(&outcome.loaded), &[(a.0, &a.1), (b.0, &b.1)], &[]);
    assert_eq!((mended.mended, mended.unread), (vec!["ops/deep".to_owned()], false));
    let all = look(Some(&before), &[], &["ops"]);
    assert_eq!(in_force(&all), ["a", "b"]);
}

#[test]
fn a_file_that_lost_its_content_is_broken_and_an_empty_one_that_never_had_any_is_not() {
    let [a, _] = &two();
    let before = look(None, &[(a.0, &a.1)], &[]).loaded;
    let outcome = look(Some(&before), &[(a.0, ""), ("ops/new.yaml", "")], &[]);
    assert_eq!(in_force(&outcome), ["a"]);
    assert_eq!(outcome.broken.iter().map(|(file, _)| file.as_str()).collect::<Vec<_>>(), [a.0]);
}
