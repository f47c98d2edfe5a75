//! SQLite files in the folders that may be searched: by their first bytes, not by their names alone.
//!
//! This module must not open a database.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{Around, FOUND_MAX, Found, Host, name_of};

/// Entries that are looked at in all folders together, and how deep.
const ENTRIES_MAX: usize = 50_000;
const DEPTH_MAX: usize = 6;

/// How every SQLite file begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

pub fn look(host: &Host, around: &mut Around) {
    let (mut left, mut files) = (ENTRIES_MAX, Vec::new());
    for folder in &host.search {
        walk(host, folder, 0, &mut left, &mut files);
    }
    if left == 0 {
        around.remarks.push(format!("after {ENTRIES_MAX} files the search for SQLite files ended"));
    }
    for file in files.iter().take(FOUND_MAX) {
        let path = host.own(file);
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        let plain: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let answers = vec![("file", path.clone()), ("process", format!("backup-{}", plain.trim_matches('-')))];
        around.found.push(Found::pack(format!("{path} is an SQLite database"), "sqlite", answers));
    }
}

fn walk(host: &Host, folder: &Path, depth: usize, left: &mut usize, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().take(*left).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if *left == 0 || host.is_over() {
            return;
        }
        *left -= 1;
        let (path, kind) = (entry.path(), entry.file_type());
        let name = name_of(&path);
        let Ok(kind) = kind else { continue };
        if kind.is_dir() && depth < DEPTH_MAX && !name.starts_with('.') && name != "node_modules" {
            walk(host, &path, depth + 1, left, files);
        } else if kind.is_file()
            && [".db", ".sqlite", ".sqlite3"].iter().any(|end| name.ends_with(end))
            && is_sqlite(&path)
        {
            files.push(path);
        }
    }
}

fn is_sqlite(path: &Path) -> bool {
    let mut first = [0; 16];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut first)).is_ok_and(|()| first == MAGIC)
}
