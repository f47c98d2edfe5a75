//! `cargo xtask VERB`: what developers of this repository run. Knows nothing of the product but its folders.

mod deny;
mod deps;
mod parts;
mod scan;
mod shell;
mod test;
mod tidy;
mod tree;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

const HELP: &str = "cargo xtask VERB

  test [--long] [FILTER]   everything that must hold, as .ci/run runs it. FILTER is the name of a suite
                           (format, tidy, clippy, build, tests, browser, deps) or part of a test's name;
                           --long adds the long suites
  tidy                     the house rules
  sim [--seeds N] [--from S] [--seed S [--faults N]] [--all]
                           plays worlds that fail, lie and lose power; a failing seed tells its story (docs/simulation.md)
  deps                     licences, banned crates, advisories
  parts                    install what the tests with real parts need
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let place = Place::find();
    let outcome = match words.as_slice() {
        ["tidy"] => tidy::run(&place.root),
        ["deps"] => deps::run(&place),
        ["sim", rest @ ..] => sim(&place, rest),
        ["parts"] => Ok(parts::ready(&place).report()),
        ["test", rest @ ..] => test::Wanted::parse(rest).and_then(|wanted| test::run(&place, &wanted)),
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(true)
        }
        _ => Err(format!("`cargo xtask {}` is not known\n\n{HELP}", words.join(" "))),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::from(2)
        }
    }
}

/// Plays seeds with the terminal as it is. Returns whether all held.
fn sim(place: &Place, words: &[&str]) -> Result<bool, String> {
    let mut command = std::process::Command::new("cargo");
    command.args(["run", "--quiet", "--package", "seaworthy-sim", "--"]).args(words).current_dir(&place.root);
    let status = command.status().map_err(|e| format!("cargo could not be started: {e}"))?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err("the simulation did not come to its end; what it said is above".into()),
    }
}

/// Where things are.
pub struct Place {
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// Logs of suites.
    pub logs: PathBuf,
    /// What tests with real parts share, such as the Python environment of the mail server.
    pub parts: PathBuf,
}

impl Place {
    fn find() -> Place {
        // Cargo names the folder when it runs us; without cargo it is the one that we were built in.
        let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&own).parent().expect("xtask is a folder of the repository");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Place { root: root.into(), logs: target.join("xtask"), parts: target.join("test-parts"), target }
    }
}
