//! A build from nothing: how long until there is a binary, and which crates the time goes to.
//!
//! Runs cargo in a target folder of its own and reads cargo's own timing report.

use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Instant};

use serde_json::{Value, json};

use crate::{
    Ask,
    engine::Scratch,
    figure::{machine, round},
};

/// Crates that are named, the longest first.
const NAMED: usize = 10;
/// The build that the demo needs.
const WORDS: [&str; 5] = ["build", "--locked", "--timings", "--package", "seaworthy"];
/// Seconds that it may take on two cores.
const TARGET_SECONDS: f64 = 360.0;

/// `cold-build`. Sources of dependencies are fetched before the clock starts.
pub fn cold(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let target = scratch.0.join("target");
    cargo(&["fetch", "--locked"], &target)?;
    let began = Instant::now();
    cargo(&WORDS, &target)?;
    let seconds = began.elapsed().as_secs_f64();
    let (busy, longest) = longest(&target)?;
    Ok(json!({
        "figure": "cold-build", "value": round(seconds), "unit": "s", "command": format!("cargo {}", WORDS.join(" ")),
        "limit": "seconds of all compiler runs, divided by the processors", "limit_value": round(busy),
        "ratio": round(seconds / busy), "target": TARGET_SECONDS, "met": seconds <= TARGET_SECONDS,
        "longest": longest, "machine": machine(&scratch.0),
    }))
}

fn cargo(words: &[&str], target: &Path) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).env("CARGO_TARGET_DIR", target).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let status = command.status().map_err(|e| format!("cargo cannot be started ({e})"))?;
    status.success().then_some(()).ok_or_else(|| format!("cargo {} ended with {status}", words.join(" ")))
}

/// The report is a page with one line of JSON: `const UNIT_DATA = [...];`.
fn longest(target: &Path) -> Result<(f64, Value), String> {
    let report = target.join("cargo-timings/cargo-timing.html");
    let text = fs::read_to_string(&report).map_err(|e| format!("{} cannot be read ({e})", report.display()))?;
    let data = text.split_once("const UNIT_DATA = ").and_then(|(_, rest)| rest.split_once("];"));
    let data = data.ok_or_else(|| format!("{} has another form than expected", report.display()))?.0;
    let units: Vec<Value> =
        serde_json::from_str(&format!("{data}]")).map_err(|e| format!("{}: {e}", report.display()))?;
    let mut by_crate: BTreeMap<&str, f64> = BTreeMap::new();
    for unit in &units {
        *by_crate.entry(unit["name"].as_str().unwrap_or("?")).or_default() += unit["duration"].as_f64().unwrap_or(0.0);
    }
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let busy = by_crate.values().sum::<f64>() / cpus as f64;
    let mut crates: Vec<(&str, f64)> = by_crate.into_iter().collect();
    crates.sort_by(|a, b| b.1.total_cmp(&a.1));
    let named = crates.iter().take(NAMED).map(|(name, seconds)| json!({ "crate": name, "seconds": round(*seconds) }));
    Ok((busy, named.collect()))
}
