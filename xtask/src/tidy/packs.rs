//! A pack is whole: listed, with all seven facets, procedures that are there, and a test of its name.

use std::collections::BTreeSet;

use super::Finding;
use crate::tree::Tree;

/// The program's list of packs.
const LIST: &str = "crates/seaworthy/src/cli/init/pack.rs";

/// The keys of the seven facets in a process file.
const FACETS: [&str; 7] = ["schedule:", "steps:", "verify:", "heal:", "watch:", "tell:", "drill:"];

/// How a pack calls the procedures that it brings along.
const PROCEDURES: &str = "procedures/{{process}}-";

pub fn check(tree: &Tree) -> Vec<Finding> {
    let folders: BTreeSet<&str> = tree
        .files
        .iter()
        .filter_map(|file| file.path.strip_prefix("packs/")?.split_once('/').map(|(folder, _)| folder))
        .collect();
    folders.into_iter().flat_map(|name| pack(tree, name)).collect()
}

fn pack(tree: &Tree, name: &str) -> Vec<Finding> {
    let folder = format!("packs/{name}");
    let mut findings = Vec::new();
    let header = format!("{folder}/pack.yaml");
    if tree.get(&header).is_none() {
        findings.push(Finding::at(&header, 1, format!("the pack `{name}` has no header"), "packs/README.md says how"));
    }
    let listed = tree.get(LIST).is_some_and(|list| list.text.contains(&format!("\"{name}\":")));
    if !listed {
        findings.push(Finding::at(
            &header,
            1,
            format!("no program has the pack `{name}`"),
            "add its two lines to the list",
        ));
    }
    let test = format!("crates/seaworthy/tests/it/pack_{}.rs", name.replace('-', "_"));
    if tree.get(&test).is_none() {
        let help = "prove it against the real tool: verified, restored, then broken the way it breaks in life";
        findings.push(Finding::at(&header, 1, format!("the pack `{name}` has no test {test}"), help));
    }
    let processes = tree.files.iter().filter(|file| {
        let own = file.path.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/'));
        own.is_some_and(|own| own.ends_with(".yaml") && own != "pack.yaml")
    });
    for process in processes {
        for facet in FACETS {
            if !process.text.lines().any(|line| line.starts_with(facet)) {
                let message = format!("the pack `{name}` lacks the facet `{facet}`");
                findings.push(Finding::at(&process.path, 1, message, "a pack is a complete operation: all seven"));
            }
        }
        if !process.text.contains(&format!("procedure: {PROCEDURES}")) {
            let message = format!("nobody who is told by the pack `{name}` knows what to do");
            findings.push(Finding::at(&process.path, 1, message, "add `procedure: procedures/{{process}}-failed.md`"));
        }
        for (n, line) in process.text.lines().enumerate() {
            let Some((_, rest)) = line.split_once(PROCEDURES) else { continue };
            let file: String =
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).collect();
            if tree.get(&format!("{folder}/{file}")).is_none() {
                let message = format!("there is no {folder}/{file}");
                findings.push(Finding::at(&process.path, n + 1, message, "write the procedure, or name the right one"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "process: {{process}}\nschedule:\nsteps:\nverify:\nheal:\nwatch:\ntell:\n  procedure: procedures/{{process}}-failed.md\ndrill:\n";

    fn found(process: &str, more: &[(&str, &str)]) -> Vec<String> {
        let all = [("packs/a-b/pack.yaml", "pack: a-b\n"), ("packs/a-b/process.yaml", process)];
        check(&Tree::of(all.into_iter().chain(more.iter().copied()))).into_iter().map(|f| f.message).collect()
    }

    #[test]
    fn a_pack_that_lacks_anything_is_found() {
        let found = found(&WHOLE.replace("drill:\n", "").replace("heal", "# heal"), &[("packs/README.md", "x")]);
        assert_eq!(
            found,
            [
                "no program has the pack `a-b`",
                "the pack `a-b` has no test crates/seaworthy/tests/it/pack_a_b.rs",
                "the pack `a-b` lacks the facet `heal:`",
                "the pack `a-b` lacks the facet `drill:`",
                "there is no packs/a-b/failed.md",
            ]
        );
    }

    #[test]
    fn a_whole_pack_passes() {
        let rest = [
            ("packs/a-b/failed.md", "# x\n"),
            (LIST, "//! Packs that are listed.\n\"a-b\": [],\n"),
            ("crates/seaworthy/tests/it/pack_a_b.rs", "//! A test of it.\n"),
        ];
        assert!(found(WHOLE, &rest).is_empty());
    }
}
