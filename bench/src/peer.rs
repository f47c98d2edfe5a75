//! Peers in Python: packages of its index in a virtual environment below the build folder, and one script each.
//!
//! This module must not know what a peer is compared with. A peer that cannot be had is an error with the reason; the
//! figure then says so instead of a number.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// Runs `script` with these arguments where `packages` (name==version) are installed; the JSON object of its last line.
pub fn python(packages: &[&str], script: &str, arguments: &[&str]) -> Result<Value, String> {
    let home = environment(packages)?;
    let output =
        Command::new(home.join("bin/python")).arg("-c").arg(script).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|e| format!("the peer cannot be started ({e})"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(|_| {
        let words = String::from_utf8_lossy(&output.stderr);
        format!("the peer ended with {} and said: {}", output.status, words.lines().last().unwrap_or_default())
    })
}

/// The environment of these packages; made when it is first asked for.
fn environment(packages: &[&str]) -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|e| format!("our own place is not known ({e})"))?;
    let name = packages.join("+").replace("==", "-");
    let home = own.with_file_name("peers").join(name);
    let whole = home.join("whole");
    if whole.exists() {
        return Ok(home);
    }
    carry_out(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
    carry_out(
        Command::new(home.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check"]).args(packages),
    )?;
    mark(&whole)?;
    Ok(home)
}

fn mark(file: &Path) -> Result<(), String> {
    fs::write(file, "").map_err(|e| format!("{} cannot be written ({e})", file.display()))
}

fn carry_out(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let program = command.get_program().to_string_lossy().into_owned();
    let output = output.map_err(|e| format!("{program} cannot be started ({e}); install python3 and python3-venv"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().last().unwrap_or_default();
    output.status.success().then_some(()).ok_or_else(|| format!("{program} ended with {}: {last}", output.status))
}
