//! Many small worlds, a few on the real file, each planted fault found, and one seed one history.

use std::{env, fs, path::PathBuf};

use seaworthy_sim::{Mutant, Options, play, seeds, shrink};

/// Seeds of the short tier; `SEAWORTHY_SEEDS` asks for more.
const SEEDS: u64 = 1_000;
/// Seeds in which a planted fault must have been found.
const FOUND_WITHIN: u64 = 1_000;
/// Seeds on the real file, each with its own.
const ON_FILE: u64 = 6;

/// A folder below the temporary one, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = env::temp_dir().join(format!("seaworthy-sim-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("the temporary folder is writable");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn no_seed_breaks_what_must_hold() {
    let wanted = env::var("SEAWORTHY_SEEDS").ok().and_then(|text| text.parse::<u64>().ok());
    let options = Options::default();
    let summary = seeds(0..wanted.unwrap_or(SEEDS), &options, false);
    if let Some(failure) = summary.failure.clone() {
        panic!("{}", shrink(failure, &options));
    }
    if summary.seeds >= SEEDS {
        // The worlds must have been rough enough to prove something.
        for end in ["ok / yes", "ok / no", "failed / no", "cancelled / no", "unknown / unknown", "ok / unproven"] {
            assert!(summary.ends.contains_key(end), "no run ended {end}: {:?}", summary.ends);
        }
        let counted = [summary.settled, summary.drills, summary.messages, summary.occurrences, summary.skipped];
        assert!(counted.iter().all(|count| *count > 50), "too tame: {summary:?}");
    }
}

#[test]
fn a_seed_gives_the_same_history_twice() {
    for seed in [0, 1, 7, 41, 97] {
        let once = play(seed, &Options::default());
        let again = play(seed, &Options::default());
        assert!(once.stats.entries > 0, "seed {seed} records nothing");
        assert_eq!((once.digest, once.steps, once.faults), (again.digest, again.steps, again.faults), "seed {seed}");
    }
}

#[test]
fn the_real_file_tells_the_same_history_as_memory() {
    let folder = Folder::new("file");
    for seed in 0..ON_FILE {
        let file = |n: u32| Options { file: Some(folder.0.join(format!("{seed}-{n}.db"))), ..Options::default() };
        let (once, again) = (play(seed, &file(1)), play(seed, &file(2)));
        if let Some(failure) = once.failure {
            panic!("on a file: {failure}");
        }
        assert_eq!((once.digest, once.steps), (again.digest, again.steps), "seed {seed} on the real file");
    }
}

#[test]
fn every_planted_fault_is_found() {
    let mut missed = Vec::new();
    for mutant in Mutant::ALL {
        let options = Options { mutant: Some(mutant), ..Options::default() };
        match seeds(0..FOUND_WITHIN, &options, false).failure {
            Some(failure) => println!("{mutant:?}: seed {}: {}", failure.seed, failure.what),
            None => missed.push(mutant),
        }
    }
    assert!(missed.is_empty(), "planted and not found within {FOUND_WITHIN} seeds: {missed:?}");
}
