//! The figures of the project, one command each, every one next to its limit measured in the same run.
//!
//! `cargo run --release -p seaworthy-bench -- NAME`. A figure prints one JSON object on one line and judges only itself
//! against its target; it must not know how the engine works inside, only its ports and its binary.

mod adopt;
mod authorise;
mod binary;
mod build;
mod burst;
mod engine;
mod exec;
mod figure;
mod keeper;
mod listing;
mod noop;
mod peer;
mod raw;
mod schedules;
mod seed;
mod served;
mod stamp;
mod thousands;

use std::{path::PathBuf, process::ExitCode};

use serde_json::Value;

/// What was asked for on the command line.
pub struct Ask {
    /// Seconds instead of minutes, for a look.
    pub quick: bool,
    /// Where stores and sites are put; it decides which disk is measured.
    pub folder: Option<PathBuf>,
    /// A site made by `seed`, for the figures that need a long journal.
    pub site: Option<PathBuf>,
    /// Rounds, where a figure is repeated.
    pub rounds: Option<usize>,
}

type Measure = fn(&Ask) -> Result<Value, String>;

/// One more figure is one more file, one line here and one row in README.md.
const FIGURES: [(&str, &str, Measure); 17] = [
    ("noop-one", "durable noop runs per second, one at a time", noop::one),
    ("noop-many", "durable noop runs per second, many in flight", noop::many),
    ("trigger-to-exec", "from asking for a run to its command's first instruction", exec::trigger),
    ("burst", "start lateness with 1,000 processes due at the same second", burst::burst),
    ("thousands", "10,000 commands due in one second, beside a raw loop and APScheduler", thousands::burst),
    ("fifty-thousand", "50,000 commands due in one second, beside a raw loop", thousands::fifty),
    ("spread", "10,000 commands spread over a minute", thousands::spread),
    ("seed", "makes a site with 100,000 ended runs in --folder", seed::figure),
    ("start", "from exec of the server to the first answered request", served::start),
    ("idle-memory", "resident memory of a server without work", served::memory),
    ("schedules-memory", "resident memory of a server with 10,000 schedules", schedules::memory),
    ("adopt", "from exec of the server until it has taken up the commands of a killed one", adopt::adopt),
    ("authorise", "one decision of who may do what", authorise::authorise),
    ("api-list", "50 runs out of 100,000 through the API", listing::list),
    ("size", "size of the release binary", binary::size),
    ("cold-build", "seconds from nothing to a binary, and what they go to", build::cold),
    ("version", "what starting the program costs at least", binary::version),
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    // First of all: whatever is done before it is measured as start-up of the command.
    if name == stamp::VERB {
        return stamp::leave();
    }
    if name == keeper::VERB {
        return keeper::be();
    }
    let outcome = parse(words).and_then(|ask| {
        let figure = FIGURES.iter().find(|(known, ..)| *known == name);
        figure.ok_or_else(help).and_then(|(_, _, measure)| measure(&ask))
    });
    match outcome {
        Ok(value) => {
            println!("{value}");
            let missed = value["met"] == Value::Bool(false);
            ExitCode::from(u8::from(missed))
        }
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Ask, String> {
    let mut ask = Ask { quick: false, folder: None, site: None, rounds: None };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => ask.quick = true,
            "--folder" => ask.folder = Some(words.next().ok_or_else(help)?.into()),
            "--site" => ask.site = Some(words.next().ok_or_else(help)?.into()),
            "--rounds" => {
                let rounds = words.next().and_then(|n| n.parse().ok()).filter(|n| (1..=1_000).contains(n));
                ask.rounds = Some(rounds.ok_or("--rounds takes a number from 1 to 1000")?);
            }
            other => return Err(format!("`{other}` is not known\n\n{}", help())),
        }
    }
    Ok(ask)
}

fn help() -> String {
    let mut text = "seaworthy-bench NAME [--quick] [--rounds N] [--folder DIR] [--site DIR]\n\n".to_owned();
    for (name, about, _) in FIGURES {
        text += &format!("  {name:<16} {about}\n");
    }
    text
}
