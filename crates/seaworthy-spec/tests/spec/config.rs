//! A site file that says where the site's files are.

use seaworthy_model::{site::Branch, time::Span};
use seaworthy_spec::branch;

use crate::source;

fn read(text: &str) -> Option<(Option<Branch>, String)> {
    let (found, diagnostics) = branch(&source("seaworthy.yaml", text))?;
    Some((found, diagnostics.iter().map(|d| d.render(false)).collect()))
}

#[test]
fn a_branch_is_read_with_its_defaults() {
    let (found, said) = read("config: { git: \"https://example.com/ops.git\" }\n").unwrap();
    assert_eq!(said, "");
    let found = found.unwrap();
    assert_eq!((found.branch.as_str(), found.folder.as_str(), found.every), ("main", "", Span::seconds(60)));
    assert_eq!(found.bytes_max, 512 << 20);
    let text = "config:\n  git: git@example.com:ops.git\n  branch: live/eu\n  folder: sites/eu/\n  every: 30s\n  at_most: 1GiB\n";
    let (found, said) = read(text).unwrap();
    assert_eq!(said, "");
    assert_eq!(found.map(|b| (b.branch, b.folder, b.bytes_max)), Some(("live/eu".into(), "sites/eu".into(), 1 << 30)));
    assert!(read("config: { git: /srv/ops.git, folder: . }\n").unwrap().0.is_some_and(|b| b.folder.is_empty()));
    assert!(read("site: acme\n").is_none(), "it is the site itself");
    assert!(read("").is_none());
}

#[test]
fn what_git_could_take_for_something_else_is_refused() {
    for (text, code) in [
        ("config: { git: \"ext::sh -c x\" }\n", "bad-url"),
        ("config: { git: \"--upload-pack=x\" }\n", "bad-url"),
        ("config: { git: \"git://example.com/x\" }\n", "bad-url"),
        ("config: { git: \"http://example.com/x\" }\n", "bad-url"),
        ("config: { git: /x, branch: --all }\n", "bad-branch"),
        ("config: { git: /x, branch: \"a..b\" }\n", "bad-branch"),
        ("config: { git: /x, branch: \"a:b\" }\n", "bad-branch"),
        ("config: { git: /x, folder: ../y }\n", "wrong-value"),
        ("config: { git: /x, every: 10ms }\n", "wrong-value"),
        ("config: { git: /x, at_most: lots }\n", "wrong-value"),
        ("config: { branch: main }\n", "missing-key"),
        ("config: { git: /x }\n---\nsite: acme\n", "duplicate-name"),
    ] {
        let (found, said) = read(text).unwrap();
        assert!(found.is_none() && said.contains(code), "{text}: {said}");
    }
}

#[test]
fn a_password_in_the_address_is_refused_and_not_repeated() {
    let (found, said) = read("config: { git: \"https://me:hunter2@example.com/x\" }\n").unwrap();
    assert!(found.is_none() && said.contains("literal-secret") && !said.contains("hunter2"), "{said}");
    let (found, said) = read("config: { git: \"https://hunter2@example.com/x\" }\n").unwrap();
    assert!(found.is_none() && said.contains("literal-secret") && !said.contains("hunter2"), "a token: {said}");
    assert!(read("config: { git: \"ssh://git@example.com/x\" }\n").unwrap().0.is_some(), "a name alone is none");
}

#[test]
fn the_files_of_a_branch_lead_nowhere_else() {
    let said = crate::site_problems("config: { git: /x }\n");
    assert!(said.contains("wrong-file") && said.contains("lead nowhere else"), "{said}");
}

#[test]
fn what_is_kept_is_a_number_or_ages_and_a_number_keeps_its_digest() {
    use seaworthy_model::retain::Retention;
    let process = |keep: &str| {
        let text = format!("process: a\nsteps:\n  - {{ run: x }}\n{keep}");
        let read = crate::with(&[("ops/a.yaml", &text)]);
        read.processes.into_iter().next().unwrap_or_else(|| panic!("{:#?}", read.diagnostics)).1
    };
    let plain = process("keep: 9\n");
    assert_eq!((plain.keep, plain.retain), (9, None));
    assert!(!plain.canonical().contains("retain"), "as before there were ages: {}", plain.canonical());
    assert_eq!(process("keep: { artifacts: 9 }\n").digest(), plain.digest(), "it says the same");
    let all = process("keep: { runs: 50, artifacts: 30d, outputs: 14d, bodies: 400d, snapshots: 7d }\n");
    let day = |n: u64| Some(Span::seconds(n * 86_400));
    let said = Retention { runs: Some(50), artifacts: day(30), outputs: day(14), bodies: day(400), snapshots: day(7) };
    assert_eq!((all.keep, all.retain), (10_000, Some(said)));
    let site = crate::site_problems("site: a\nretention: { outputs: 30d, bodies: 400d, at_most: 20GiB }\n");
    assert_eq!(site, "");
    for wrong in ["keep: {}\n", "keep: { bodies: soon }\n", "keep: { artifacts: 0 }\n", "keep: { body: 1d }\n"] {
        let said = crate::problems(&format!("process: a\nsteps:\n  - {{ run: x }}\n{wrong}"));
        assert!(said.contains("error"), "{wrong}: {said}");
    }
    let said = crate::site_problems("site: a\nretention: { at_most: 5 parsecs }\n");
    assert!(said.contains("wrong-value") && said.contains("sizes end in"), "{said}");
}
