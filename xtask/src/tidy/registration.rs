//! A registration that a reader can find: each source is declared where its folder is listed.
//!
//! The compiler is silent about a file that no `mod` names; it would be neither built nor tested.

use super::Finding;
use crate::tree::Tree;

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| file.path.contains("/src/")) {
        let Some((name, parents)) = place(&file.path) else { continue };
        let Some(parent) = parents.iter().find_map(|path| tree.get(path)) else {
            let message = format!("no file declares `mod {name}`: none of {} exists", parents.join(", "));
            findings.push(Finding::at(&file.path, 1, message, "add the list of the folder, or move the file"));
            continue;
        };
        let declared = parent.scan.code.lines().any(|line| {
            let words: Vec<&str> = line.split(|c: char| !crate::scan::is_word(c)).filter(|w| !w.is_empty()).collect();
            words.windows(2).any(|pair| pair == ["mod", name])
        });
        if !declared {
            let message = format!("the file is not named in {}", parent.path);
            let help = "add `mod NAME;` and its place in the list there, or remove the file";
            findings.push(Finding::at(&file.path, 1, message, help));
        }
    }
    findings
}

/// The module's name, and the files that may declare it; `None` for the root of a program.
fn place(path: &str) -> Option<(&str, Vec<String>)> {
    let (folder, file) = path.rsplit_once('/')?;
    let stem = file.trim_end_matches(".rs");
    let root = folder.ends_with("/src") || folder.contains("/src/bin");
    if (root && matches!(stem, "lib" | "main" | "mod")) || folder.ends_with("/src/bin") {
        return None;
    }
    let (name, folder) =
        if stem == "mod" { folder.rsplit_once('/').map(|(up, name)| (name, up))? } else { (stem, folder) };
    let parents = if folder.ends_with("/src") {
        vec![format!("{folder}/lib.rs"), format!("{folder}/main.rs")]
    } else {
        vec![format!("{folder}/mod.rs"), format!("{folder}.rs")]
    };
    Some((name, parents))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_nobody_names_is_found() {
        let tree = Tree::of([
            ("crates/a/src/lib.rs", "//! L\npub mod probe;\nmod run;\n"),
            ("crates/a/src/probe/mod.rs", "//! P\nmod http;\n// mod tcp;\n"),
            ("crates/a/src/probe/http.rs", "//! H\n"),
            ("crates/a/src/probe/tcp.rs", "//! T\n"),
            ("crates/a/src/run.rs", "//! R\n#[cfg(test)]\nmod tests;\n"),
            ("crates/a/src/run/tests.rs", "//! T\n"),
            ("crates/a/src/lost/deep.rs", "//! D\n"),
            ("crates/a/tests/whole.rs", "//! W\n"),
        ]);
        let paths: Vec<String> = check(&tree).into_iter().map(|f| f.path).collect();
        assert_eq!(paths, ["crates/a/src/lost/deep.rs", "crates/a/src/probe/tcp.rs"]);
    }
}
