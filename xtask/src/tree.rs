//! The files of the repository as text, the way the rules of `tidy` read them.
//!
//! Knows where files are and which of them are tests. Must not know any rule.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::scan::{self, Scan};

/// Files above this size are data, not text that a rule could read.
const TEXT_BYTES_MAX: u64 = 1_000_000;

/// Folders that are never the project's own text.
const FOREIGN: [&str; 4] = ["target", "node_modules", ".git", ".seaworthy"];

/// One text file.
#[derive(Debug)]
pub struct File {
    /// Relative to the root, with `/`.
    pub path: String,
    pub text: String,
    /// What the scanner made of it; empty for anything but Rust.
    pub scan: Scan,
    /// Whether the whole file is test code.
    pub test: bool,
}

impl File {
    /// Whether this is Rust source.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The crate folder's name, such as `seaworthy-core`, `bench` or `xtask`.
    pub fn crate_name(&self) -> Option<&str> {
        let mut parts = self.path.split('/');
        match parts.next()? {
            "crates" => parts.next(),
            "bench" => Some("bench"),
            "xtask" => Some("xtask"),
            _ => None,
        }
    }

    /// Whether the line (counted from 1) is test code.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.test || self.scan.test_lines.contains(&line)
    }

    /// Lines of code that run in the product: number from 1, text without comments and string contents.
    pub fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.scan.code.lines().enumerate().map(|(n, line)| (n + 1, line)).filter(|(n, _)| !self.is_test_line(*n))
    }
}

/// All files, sorted by path.
#[derive(Debug, Default)]
pub struct Tree {
    pub files: Vec<File>,
}

impl Tree {
    /// Reads what git tracks or would track; without git, everything but the foreign folders.
    ///
    /// # Errors
    /// When the root cannot be listed.
    pub fn read(root: &Path) -> io::Result<Tree> {
        let paths = match tracked(root) {
            Some(paths) => paths,
            None => walked(root)?,
        };
        let mut texts = Vec::new();
        for path in paths {
            let full = root.join(&path);
            let fits = fs::metadata(&full).is_ok_and(|meta| meta.is_file() && meta.len() <= TEXT_BYTES_MAX);
            // Binary files are not text, and a file deleted but not yet committed is not there: neither has anything to say.
            if let (true, Ok(text)) = (fits, fs::read_to_string(&full)) {
                texts.push((path, text));
            }
        }
        Ok(Tree::of(texts))
    }

    /// A tree from paths and texts.
    pub fn of(texts: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Tree {
        let mut files: Vec<File> = texts.into_iter().map(|(path, text)| file(path.into(), text.into())).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let declared: BTreeSet<String> = files.iter().flat_map(test_modules).collect();
        for file in &mut files {
            file.test |= declared
                .iter()
                .any(|module| file.path == format!("{module}.rs") || file.path.starts_with(&format!("{module}/")));
        }
        Tree { files }
    }

    /// The file with exactly this path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Rust sources.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }
}

fn file(path: String, text: String) -> File {
    let scan = if path.ends_with(".rs") { scan::scan(&text) } else { Scan::default() };
    let test = path.contains("/tests/") || path.contains("/benches/") || path.ends_with("/tests.rs");
    File { path, text, scan, test }
}

/// Paths (without `.rs`) of modules that a file declares for tests only.
fn test_modules(file: &File) -> Vec<String> {
    let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let stem = name.trim_end_matches(".rs");
    let base = if matches!(stem, "mod" | "lib" | "main") { folder.to_string() } else { format!("{folder}/{stem}") };
    file.scan.test_modules.iter().map(|module| format!("{base}/{module}")).collect()
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<String> = text.split('\0').filter(|path| !path.is_empty()).map(str::to_string).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

fn walked(root: &Path) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(&folder)? {
            let item = item?;
            let kind = item.file_type()?;
            if kind.is_dir() && !FOREIGN.iter().any(|name| item.file_name() == *name) {
                folders.push(item.path());
            } else if kind.is_file()
                && let Ok(path) = item.path().strip_prefix(root)
            {
                paths.push(path.to_string_lossy().into_owned());
            }
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_test_modules_are_tests_whatever_their_name() {
        let tree = Tree::of([
            ("crates/a/src/lib.rs", "//! A\n#[cfg(test)]\nmod golden;\nmod real;\n"),
            ("crates/a/src/golden.rs", "//! G\n"),
            ("crates/a/src/golden/more.rs", "//! M\n"),
            ("crates/a/src/real.rs", "//! R\n#[cfg(test)]\nmod cases;\n"),
            ("crates/a/src/real/cases.rs", "//! C\n"),
            ("crates/a/tests/whole.rs", "//! W\n"),
        ]);
        let tests: Vec<&str> = tree.files.iter().filter(|f| f.test).map(|f| f.path.as_str()).collect();
        assert_eq!(
            tests,
            [
                "crates/a/src/golden.rs",
                "crates/a/src/golden/more.rs",
                "crates/a/src/real/cases.rs",
                "crates/a/tests/whole.rs"
            ]
        );
    }

    #[test]
    fn without_git_the_folder_is_walked_and_foreign_folders_are_left_out() {
        let root = std::env::temp_dir().join(format!("tidy-tree-{}", std::process::id()));
        fs::create_dir_all(root.join("target")).unwrap();
        fs::create_dir_all(root.join("src")).unwrap();
        fs::write(root.join("target/made.rs"), "x").unwrap();
        fs::write(root.join("src/lib.rs"), "//! L\n").unwrap();
        let paths = walked(&root).unwrap();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(paths, ["src/lib.rs"]);
    }
}
