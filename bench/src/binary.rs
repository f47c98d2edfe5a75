//! The release binary as a thing: where it is, how large it is, what starting it costs at least.
//!
//! This module must not start a server.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::{Value, json};

use crate::{
    Ask,
    figure::{Samples, machine},
};

/// Starts of the program that is asked for its version only.
const STARTS: usize = 21;

/// The binary: what `SEAWORTHY` names, else the one beside us.
pub fn find() -> Result<PathBuf, String> {
    let beside = || env::current_exe().ok().map(|own| own.with_file_name("seaworthy"));
    let named = env::var_os("SEAWORTHY").map(PathBuf::from).or_else(beside);
    named.filter(|file| file.is_file()).ok_or_else(|| {
        "there is no release binary beside us; build it with `cargo build --release` or name it in SEAWORTHY".into()
    })
}

/// `size`.
pub fn size(_: &Ask) -> Result<Value, String> {
    let file = find()?;
    let bytes = std::fs::metadata(&file).map_err(|e| format!("{} cannot be looked at ({e})", file.display()))?.len();
    Ok(json!({ "figure": "size", "value": bytes, "unit": "bytes", "limit": null, "limit_value": null, "ratio": null }))
}

/// Milliseconds that `seaworthy --version` takes, several times.
pub fn version_ms(count: usize) -> Result<Samples, String> {
    let file = find()?;
    let mut all = Samples::default();
    for _ in 0..count {
        let began = Instant::now();
        let status = Command::new(&file).arg("--version").stdout(Stdio::null()).status();
        let status = status.map_err(|e| format!("{} cannot be started ({e})", file.display()))?;
        if !status.success() {
            return Err(format!("{} --version ended with {status}", file.display()));
        }
        all.0.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(all)
}

/// `version`.
pub fn version(ask: &Ask) -> Result<Value, String> {
    let all = version_ms(ask.rounds.unwrap_or(STARTS))?;
    let folder = find()?;
    Ok(json!({
        "figure": "version", "value": all.median(), "unit": "ms", "limit": null, "limit_value": null, "ratio": null,
        "version_ms": all.few(), "machine": machine(&folder),
    }))
}
