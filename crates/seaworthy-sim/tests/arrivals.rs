//! What every implementation of `Arrivals` does: the one on real folders, and the one of the simulated world.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering},
};

use seaworthy_model::{
    port::{ARRIVED_MAX, Arrivals, Arrived},
    time::At,
};
use seaworthy_platform::FilePlaces;
use seaworthy_sim::Shelf;

/// A place that somebody puts files in.
trait Door {
    fn arrivals(&self) -> &dyn Arrivals;
    fn folder(&self) -> &Path;
    fn put(&self, name: &str, text: &str);
    fn take(&self, name: &str);
}

struct Real(PathBuf, FilePlaces);

impl Real {
    fn new(name: &str) -> Real {
        let folder = env::temp_dir().join(format!("seaworthy-arrivals-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("in/folder.csv")).expect("the temporary folder is writable");
        std::os::unix::fs::symlink("/dev/null", folder.join("in/link.csv")).expect("a link");
        Real(folder.join("in"), FilePlaces::new(folder))
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().expect("it is below its own"));
    }
}

impl Door for Real {
    fn arrivals(&self) -> &dyn Arrivals {
        &self.1
    }
    fn folder(&self) -> &Path {
        &self.0
    }
    fn put(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("the temporary folder is writable");
    }
    fn take(&self, name: &str) {
        fs::remove_file(self.0.join(name)).expect("it is there");
    }
}

struct Simulated(Shelf, AtomicI64);

impl Door for Simulated {
    fn arrivals(&self) -> &dyn Arrivals {
        &self.0
    }
    fn folder(&self) -> &Path {
        Path::new("/world/in")
    }
    fn put(&self, name: &str, text: &str) {
        self.0.put(self.folder().join(name), text.len() as u64, At(self.1.fetch_add(1, Ordering::Relaxed)));
    }
    fn take(&self, name: &str) {
        self.0.take(self.folder().join(name));
    }
}

fn doors(name: &str) -> Vec<Box<dyn Door>> {
    vec![Box::new(Real::new(name)), Box::new(Simulated(Shelf::default(), AtomicI64::new(1)))]
}

async fn told(door: &dyn Door, pattern: &str) -> Vec<Arrived> {
    door.arrivals().arrived(door.folder().join(pattern)).await.expect("it can be looked at")
}

fn names(told: &[Arrived]) -> Vec<String> {
    told.iter().map(|file| file.path.file_name().expect("a file").to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn plain_files_that_fit_are_told_by_name_with_what_is_seen_of_them() {
    for door in doors("plain") {
        let door = door.as_ref();
        for (name, text) in [("b.csv", "two"), ("a.csv", "one!"), ("a.csv.part", ""), (".a.csv", "")] {
            door.put(name, text);
        }
        let all = told(door, "*.csv").await;
        assert_eq!(names(&all), ["a.csv", "b.csv"], "neither what is hidden nor folders nor links");
        assert_eq!((all[0].bytes, all[1].bytes), (4, 3));
        assert_eq!(all[0].path, door.folder().join("a.csv"));
        assert_ne!(all[0].inode, all[1].inode);
        assert_eq!(told(door, "*.csv").await, all, "who only looks changes nothing");
        assert_eq!(names(&told(door, "b.csv").await), ["b.csv"]);
        assert_eq!(names(&told(door, ".*").await), [".a.csv"]);
        assert_eq!(told(door, "c.csv").await, []);
        assert_eq!(told(door, "nowhere/*.csv").await, []);
    }
}

#[tokio::test]
async fn a_file_that_is_written_on_looks_different_and_one_that_was_taken_away_is_not_told() {
    for door in doors("changes") {
        let door = door.as_ref();
        door.put("a.csv", "one");
        let before = told(door, "*").await;
        door.put("a.csv", "one and two");
        let after = told(door, "*").await;
        assert_eq!(
            (before[0].inode, before[0].bytes, after[0].bytes),
            (after[0].inode, 3, 11),
            "the same file, longer"
        );
        assert!(before[0].modified <= after[0].modified && before[0].changed <= after[0].changed);
        door.take("a.csv");
        assert_eq!(told(door, "*").await, []);
    }
}

#[tokio::test]
async fn no_more_than_the_first_are_told() {
    for door in doors("many") {
        let door = door.as_ref();
        for n in 0..=ARRIVED_MAX {
            door.put(&format!("{n:05}"), "");
        }
        let all = names(&told(door, "*").await);
        assert_eq!((all.len(), all.last().map(String::as_str)), (ARRIVED_MAX, Some("49999")));
    }
}

#[tokio::test]
async fn every_pattern_fits_the_same_names_everywhere() {
    let letters = ["a", "b", ".", "*", "?"];
    let words = |allowed: &[&str]| {
        let mut all = vec![String::new()];
        for _ in 0..4 {
            let longer = |word: &String| allowed.iter().map(|letter| format!("{word}{letter}")).collect::<Vec<_>>();
            let more: Vec<String> = all.iter().flat_map(longer).collect();
            all.extend(more);
            all.sort_unstable();
            all.dedup();
        }
        all.retain(|word| !word.is_empty() && word != "." && word != "..");
        all
    };
    let doors = doors("patterns");
    for door in &doors {
        words(&letters[..3]).iter().for_each(|name| door.put(name, ""));
    }
    let patterns: Vec<String> = words(&letters).into_iter().filter(|word| word.len() <= 3).collect();
    assert!(patterns.len() > 140, "{}", patterns.len());
    for pattern in patterns {
        let [real, simulated] = doors.as_slice() else { unreachable!("two doors") };
        let (real, simulated) = (told(real.as_ref(), &pattern).await, told(simulated.as_ref(), &pattern).await);
        let real: Vec<String> = names(&real).into_iter().filter(|name| !name.ends_with(".csv")).collect();
        assert_eq!(real, names(&simulated), "{pattern}");
    }
}
