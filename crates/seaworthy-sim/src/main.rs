//! `cargo xtask sim`: plays seeds and says what broke.
//!
//! This program must not know what a seed plays.

use std::{
    io::{Write as _, stderr, stdout},
    process::ExitCode,
    time::Instant,
};

use seaworthy_sim::{Options, Summary, seeds, shrink};

/// Seeds that are played unless told otherwise.
const SEEDS: u64 = 10_000;
const HELP: &str = "cargo xtask sim [--seeds N] [--from S] [--seed S [--faults N]] [--all]

  --seeds N    play N seeds (10000 unless told otherwise)
  --from S     begin with seed S
  --seed S     play this seed alone, and tell its story if it breaks
  --faults N   leave out all faults after the first N
  --all        go on after a failure, and name every failing seed
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let wanted = match Wanted::parse(&args) {
        Ok(wanted) => wanted,
        Err(why) => {
            // Nobody is there to be told if this fails.
            let _ = writeln!(stderr(), "{why}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let options = Options { faults: wanted.faults, ..Options::default() };
    let summary = seeds(wanted.from..wanted.from + wanted.seeds, &options, wanted.all);
    for (seed, what) in summary.failing.iter().filter(|_| wanted.all) {
        let _ = writeln!(stdout(), "seed {seed}: {what}");
    }
    let failure = summary.failure.clone().map(|failure| match wanted.faults {
        None if !wanted.all => shrink(failure, &options),
        _ => failure,
    });
    let told = failure.as_ref().filter(|_| !wanted.all).map_or(String::new(), ToString::to_string);
    let _ = write!(stdout(), "{told}{}", words(&summary, began.elapsed().as_secs_f64()));
    if failure.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn words(summary: &Summary, seconds: f64) -> String {
    format!(
        "sim: {} seeds in {seconds:.1} s, {} steps, {} faults and acts, {} entries, {} runs of occurrences, {} skipped, {} messages, {} once steps looked at, {} drills; ends {:?}\n",
        summary.seeds,
        summary.steps,
        summary.faults,
        summary.entries,
        summary.occurrences,
        summary.skipped,
        summary.messages,
        summary.settled,
        summary.drills,
        summary.ends
    )
}

struct Wanted {
    from: u64,
    seeds: u64,
    faults: Option<u64>,
    all: bool,
}

impl Wanted {
    fn parse(args: &[String]) -> Result<Wanted, String> {
        let mut wanted = Wanted { from: 0, seeds: SEEDS, faults: None, all: false };
        let mut rest = args.iter();
        while let Some(word) = rest.next() {
            if word == "--all" {
                wanted.all = true;
                continue;
            }
            let number = rest.next().and_then(|text| text.parse::<u64>().ok());
            let number = number.ok_or_else(|| format!("`{word}` needs a number after it"))?;
            match word.as_str() {
                "--seeds" => wanted.seeds = number,
                "--from" => wanted.from = number,
                "--seed" => (wanted.from, wanted.seeds) = (number, 1),
                "--faults" => wanted.faults = Some(number),
                _ => return Err(format!("`{word}` is not an option")),
            }
        }
        Ok(wanted)
    }
}
