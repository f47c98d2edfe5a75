//! A commit as a folder of files, whole under its name or not there. What is left out is named.
//!
//! Contents are written as they are stored: no filter, no attribute and no hook of the repository is obeyed. This module
//! must not know what the files mean.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, symlink},
    path::{Component, Path, PathBuf},
};

use super::git::Mirror;

/// Files of one commit; more are refused.
const FILES_MAX: usize = 50_000;
/// Longest path of a file, so that it can be written below ours, and longest name, as file systems have it.
const PATH_BYTES_MAX: usize = 2_048;
const NAME_BYTES_MAX: usize = 255;
/// Of a name that cannot be used so many characters are told.
const SHOWN_MAX: usize = 200;
/// Longest target of a link.
const LINK_BYTES_MAX: u64 = 4_096;

/// Files that are not written, and why.
pub type LeftOut = BTreeMap<String, String>;

struct Item {
    path: PathBuf,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    File,
    Program,
    Link,
}

/// Writes the files of a commit into `to`; what was there under this name stays as it is.
///
/// # Errors
/// A sentence; nothing is then under the name.
pub fn export(mirror: &Mirror, commit: &str, to: &Path, bytes_max: u64) -> Result<LeftOut, String> {
    let mut left = LeftOut::new();
    let (items, hashes) = plan(&mirror.list(commit)?, bytes_max, &mut left)?;
    if to.is_dir() {
        // Links are judged by their targets, which are in the repository.
        links(mirror, &items, &hashes, &mut left)?;
        return Ok(left);
    }
    let trouble = |e: std::io::Error| format!("the files of {commit} cannot be written to {} ({e})", to.display());
    let part = to.with_extension("part");
    if part.exists() {
        fs::remove_dir_all(&part).map_err(trouble)?;
    }
    fs::create_dir_all(&part).map_err(trouble)?;
    mirror.contents(&hashes, |n, content| write(&part, &items[n], content, &mut left))?;
    // Names that are durable before their contents would be empty files after a power cut.
    File::open(&part).and_then(|folder| Ok(rustix::fs::syncfs(folder)?)).map_err(trouble)?;
    fs::rename(&part, to).map_err(trouble)?;
    to.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all()).map_err(trouble)?;
    Ok(left)
}

fn links(mirror: &Mirror, items: &[Item], hashes: &[String], left: &mut LeftOut) -> Result<(), String> {
    let (links, hashes): (Vec<&Item>, Vec<String>) = items
        .iter()
        .zip(hashes)
        .filter(|(item, _)| item.mode == Mode::Link)
        .map(|(item, hash)| (item, hash.clone()))
        .unzip();
    if links.is_empty() {
        return Ok(());
    }
    mirror.contents(&hashes, |n, content| {
        if let Err(reason) = target(&links[n].path, content) {
            left.insert(links[n].path.display().to_string(), reason);
        }
        Ok(())
    })
}

/// What is to be written, and the hashes of the contents in the same order.
fn plan(list: &[u8], bytes_max: u64, left: &mut LeftOut) -> Result<(Vec<Item>, Vec<String>), String> {
    let (mut items, mut hashes, mut bytes, mut plain) = (Vec::new(), Vec::new(), 0u64, BTreeSet::new());
    for line in list.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let text = String::from_utf8_lossy(line);
        let Some((about, name)) = text.split_once('\t') else {
            return Err("git lists files in an unknown form".into());
        };
        let words: Vec<&str> = about.split_whitespace().collect();
        let &[mode, _, hash, size] = words.as_slice() else { return Err("git lists files in an unknown form".into()) };
        let path = Path::new(name);
        if std::str::from_utf8(line).is_err() || !is_plain(path) {
            let safe = |c: char| if is_drawn(c) { '\u{fffd}' } else { c };
            left.insert(name.chars().map(safe).take(SHOWN_MAX).collect(), "its name cannot be used".into());
            continue;
        }
        // A tree that was made by hand may have a link and a folder of one name: what is below would be written elsewhere.
        if path.ancestors().any(|part| plain.contains(part)) {
            left.insert(name.to_owned(), "another file has this name, or that of a folder above it".into());
            continue;
        }
        let mode = match mode {
            "100644" | "100664" => Mode::File,
            "100755" => Mode::Program,
            "120000" => Mode::Link,
            "160000" => {
                left.insert(name.to_owned(), "it is a submodule, which is another repository and not read".into());
                continue;
            }
            other => {
                left.insert(name.to_owned(), format!("it is of a kind ({other}) that is not read"));
                continue;
            }
        };
        let size: u64 = size.parse().unwrap_or(0);
        if mode == Mode::Link && size > LINK_BYTES_MAX {
            left.insert(name.to_owned(), "it is a link with a target too long".into());
            continue;
        }
        bytes += size;
        if bytes > bytes_max {
            return Err(format!("its files are larger than {} MiB; raise `at_most`", bytes_max >> 20));
        }
        plain.insert(path.to_owned());
        items.push(Item { path: path.to_owned(), mode });
        hashes.push(hash.to_owned());
        if items.len() > FILES_MAX {
            return Err(format!("it has more than {FILES_MAX} files"));
        }
    }
    Ok((items, hashes))
}

/// What moves a cursor, or makes a name read as another one: control characters, and those that turn the direction.
fn is_drawn(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A relative path of plain names, none of them git's own, none too long and none that would draw on a terminal.
fn is_plain(path: &Path) -> bool {
    let name = path.to_str().filter(|name| name.len() <= PATH_BYTES_MAX);
    if name.is_none_or(|name| name.chars().any(is_drawn) || name.split('/').any(|part| part.len() > NAME_BYTES_MAX)) {
        return false;
    }
    path.components().all(|part| matches!(part, Component::Normal(name) if !name.eq_ignore_ascii_case(".git")))
        && !path.as_os_str().is_empty()
}

fn write(root: &Path, item: &Item, content: Vec<u8>, left: &mut LeftOut) -> Result<(), String> {
    let path = root.join(&item.path);
    let trouble = |e: std::io::Error| format!("{} cannot be written ({e})", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(trouble)?;
    }
    if item.mode == Mode::Link {
        match target(&item.path, content) {
            Ok(target) => symlink(target, &path).map_err(trouble)?,
            Err(reason) => drop(left.insert(item.path.display().to_string(), reason)),
        }
        return Ok(());
    }
    let mode = if item.mode == Mode::Program { 0o755 } else { 0o644 };
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
    file.and_then(|mut file| file.write_all(&content)).map_err(trouble)
}

/// Where a link leads, if it stays among the files. `..` only at its beginning: behind a name it could be another link
/// whose own `..` leads elsewhere.
fn target(link: &Path, content: Vec<u8>) -> Result<PathBuf, String> {
    let text = String::from_utf8(content).map_err(|_| "it is a link whose target cannot be read".to_owned())?;
    let target = PathBuf::from(&text);
    let (mut depth, mut named) = (link.components().count().saturating_sub(1), false);
    for part in target.components() {
        match part {
            Component::Normal(_) => named = true,
            Component::CurDir => {}
            Component::ParentDir if !named && depth > 0 => depth -= 1,
            _ => return Err(format!("it is a link to `{text}`, out of the repository's files, and not followed")),
        }
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_among_the_files() {
        for (link, to, good) in [
            ("a", "b", true),
            ("d/a", "../b", true),
            ("d/e/a", "../../b/c", true),
            ("a", "../b", false),
            ("d/a", "../../b", false),
            ("a", "/etc/passwd", false),
            ("d/a", "x/../../../b", false),
            ("a", "d/..", false),
        ] {
            assert_eq!(target(Path::new(link), to.as_bytes().to_vec()).is_ok(), good, "{link} -> {to}");
        }
    }

    #[test]
    fn a_tree_that_has_a_link_and_a_folder_of_one_name_writes_nothing_through_the_link() {
        let list = b"120000 blob aa 1\td\x00100644 blob bb 1\td/x\x00120000 blob cc 1\td/d/y\x00100644 blob dd 1\te\x00100644 blob ee 1\te\0";
        let mut left = LeftOut::new();
        let (items, hashes) = plan(list, 9, &mut left).unwrap();
        assert_eq!((items.len(), hashes), (2, vec!["aa".to_owned(), "dd".to_owned()]));
        assert_eq!(left.keys().collect::<Vec<_>>(), ["d/d/y", "d/x", "e"]);
    }

    #[test]
    fn a_name_that_cannot_be_written_or_draws_on_a_terminal_is_left_out_and_the_rest_is_used() {
        let deep = ["d"; 1_500].join("/");
        for (name, shown) in [
            ("ops/\u{1b}[2J\na.yaml", "ops/\u{fffd}[2J\u{fffd}a.yaml"),
            ("ops/\u{202e}lmay.a", "ops/\u{fffd}lmay.a"),
            (&deep, &deep[..200]),
            (&"n".repeat(256), &"n".repeat(200)),
        ] {
            let list = format!("100644 blob aa 1\t{name}\x00100644 blob bb 1\tops/b.yaml\0");
            let mut left = LeftOut::new();
            assert_eq!(plan(list.as_bytes(), 9, &mut left).unwrap().1, ["bb"]);
            assert_eq!(left.keys().collect::<Vec<_>>(), [shown]);
        }
    }

    #[test]
    fn what_is_not_a_plain_file_is_left_out_with_its_reason() {
        let list =
            b"100644 blob aa 3\ta\x00100644 blob bb 3\t.git/config\x00160000 commit cc -\tsub\x00100755 blob dd 4\td/run\0";
        let mut left = LeftOut::new();
        let (items, hashes) = plan(list, 7, &mut left).unwrap();
        assert_eq!(hashes, ["aa", "dd"]);
        assert_eq!(items[1].path, Path::new("d/run"));
        assert!(left["sub"].contains("submodule") && left[".git/config"].contains("name"), "{left:?}");
        assert!(plan(list, 6, &mut LeftOut::new()).err().unwrap().contains("at_most"));
    }
}
