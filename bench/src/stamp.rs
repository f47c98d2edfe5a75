//! The command whose start is measured: it leaves the time of its first instruction in a file and ends.
//!
//! The engine and the plain loop start exactly the same program, so what loading it costs is on both sides.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

/// First word of the command line that asks for a stamp.
pub const VERB: &str = "stamp";
/// Variable that names the folder for stamps.
pub const FOLDER: &str = "STAMPS";
/// Variable that names the stamp. The engine sets it for every command.
pub const NAME: &str = "SEAWORTHY_RUN";

/// Variable that says when the command was due, in nanoseconds since 1970. It is left in the stamp too.
pub const DUE: &str = "STAMP_DUE";

/// Nanoseconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Leaves the stamp.
pub fn leave() -> ExitCode {
    let now = now();
    let (Some(folder), Some(name)) = (env::var_os(FOLDER), env::var_os(NAME)) else { return ExitCode::from(2) };
    let due = env::var(DUE).unwrap_or_default();
    let written = fs::write(PathBuf::from(folder).join(name), format!("{now} {due}"));
    ExitCode::from(u8::from(written.is_err()))
}

/// The stamp of this name, once it was left.
pub fn read(folder: &Path, name: &str) -> Result<i64, String> {
    let file = folder.join(name);
    let text =
        fs::read_to_string(&file).map_err(|e| format!("the command left no stamp in {} ({e})", file.display()))?;
    let first = text.split(' ').next().unwrap_or_default();
    first.parse().map_err(|_| format!("{} holds no time", file.display()))
}

/// How many nanoseconds after its due time the command of this stamp began.
pub fn late(file: &Path) -> Result<i64, String> {
    let text = fs::read_to_string(file).map_err(|e| format!("{} cannot be read ({e})", file.display()))?;
    let times: Vec<i64> = text.split(' ').filter_map(|time| time.parse().ok()).collect();
    match times[..] {
        [at, due] => Ok(at - due),
        _ => Err(format!("{} does not say when it was due", file.display())),
    }
}

/// Program and arguments of the command.
pub fn command() -> Result<Vec<String>, String> {
    let own = env::current_exe().map_err(|e| format!("our own program cannot be found ({e})"))?;
    Ok(vec![own.display().to_string(), VERB.into()])
}
