//! The list of rules and its exceptions as a whole.

use std::path::Path;

use super::*;

fn findings(texts: Vec<(&str, String)>) -> Vec<String> {
    let verdicts = verdicts(&Tree::of(texts));
    verdicts.into_iter().flat_map(|v| v.findings).map(|f| format!("{}: {}", f.path, f.message)).collect()
}

fn long_file() -> (&'static str, String) {
    ("xtask/src/main.rs", format!("//! A long file.\n{}", "// x\n".repeat(409)))
}

fn exception(line: &str) -> (&'static str, String) {
    ("xtask/tidy-exceptions.txt", line.to_string())
}

#[test]
fn an_exception_that_names_the_size_of_today_is_accepted() {
    assert_eq!(findings(vec![long_file()]).len(), 1);
    assert!(findings(vec![long_file(), exception("file-length xtask/src/main.rs 410  # history\n")]).is_empty());
}

#[test]
fn exceptions_only_shrink() {
    let grown = findings(vec![long_file(), exception("file-length xtask/src/main.rs 409\n")]);
    assert_eq!(grown, ["xtask/src/main.rs: the file has 410 lines, the limit is 400"]);
    let shrunk = findings(vec![long_file(), exception("file-length xtask/src/main.rs 411\n")]);
    assert!(shrunk[0].contains("allows 411, 410 would do"), "{shrunk:?}");
    let needless = findings(vec![exception("file-length xtask/src/main.rs 410\n")]);
    assert!(needless[0].contains("no longer needed"), "{needless:?}");
}

#[test]
fn a_line_that_is_no_exception_is_a_finding() {
    for line in ["file-size a.rs 3\n", "file-length a.rs\n", "file-length a.rs many\n"] {
        assert!(findings(vec![exception(line)])[0].contains("is not an exception"), "{line}");
    }
}

#[test]
fn every_file_of_this_folder_is_in_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tidy");
    let list = include_str!("mod.rs");
    for item in std::fs::read_dir(folder).unwrap() {
        let name = item.unwrap().file_name().into_string().unwrap();
        let stem = name.trim_end_matches(".rs");
        let helper = matches!(stem, "mod" | "tests" | "exceptions");
        assert!(helper || list.contains(&format!("check: {stem}::")), "{name} is in no rule of RULES");
    }
}
