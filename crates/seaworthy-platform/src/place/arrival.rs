//! Files that somebody put somewhere: which there are, and how they look from outside.
//!
//! Must not know who waits for them. Looks again each time: what is told by the kernel may be lost, what is there is there.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use seaworthy_model::{
    port::{ARRIVED_MAX, Arrived},
    time::At,
};

/// The plain files whose name fits the last part of `pattern`, by name. A folder that is not there has none.
pub(super) fn arrived(pattern: &Path) -> io::Result<Vec<Arrived>> {
    let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name().and_then(|name| name.to_str())) else {
        return Ok(vec![]);
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    if name.contains(['*', '?']) {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|found| fits(name.as_bytes(), found.as_bytes())) {
                paths.push(entry.path());
            }
        }
        paths.sort_unstable();
        paths.truncate(ARRIVED_MAX);
    } else {
        paths.push(pattern.to_path_buf());
    }
    let seen = |path: PathBuf| {
        let about = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let at = |seconds: i64, nanos: i64| At(seconds.saturating_mul(1_000_000_000).saturating_add(nanos));
        let (modified, changed) = (at(about.mtime(), about.mtime_nsec()), at(about.ctime(), about.ctime_nsec()));
        Some(Arrived { path, bytes: about.len(), modified, changed, inode: about.ino() })
    };
    Ok(paths.into_iter().filter_map(seen).collect())
}

/// `*` is any text, `?` any byte. A name that begins with a dot is hidden from a pattern that does not.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                // The last star takes one byte more.
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_names_as_in_a_shell() {
        let fits = |pattern: &str, name: &str| fits(pattern.as_bytes(), name.as_bytes());
        for (pattern, name) in [
            ("*.csv", "a.csv"),
            ("*", "a"),
            ("a?c", "abc"),
            ("*a*b*", "xaxbx"),
            (".*", ".x"),
            ("a*", "a"),
            ("*.csv", "a.csv.csv"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("*.csv", "a.csv.part"), ("*", ".hidden"), ("a?c", "ac"), ("*a*b", "xbxa"), ("", "a"), ("?", "")]
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
