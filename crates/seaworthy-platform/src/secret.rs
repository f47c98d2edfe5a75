//! Fetching secrets: from our environment, a file or a command.
//!
//! Must not keep a value, and never puts one into an error, a log or an argument.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::Stdio,
    time::Duration,
};

use seaworthy_model::{
    port::{Fut, Secret, Secrets},
    process::Command,
    site::SecretPlace,
};
use tokio::io::AsyncReadExt as _;

use crate::{
    blocking::off_runtime,
    provider::{base, words},
};

/// Largest secret.
pub const SECRET_BYTES_MAX: u64 = 64 * 1024;
/// Longest time that a command may take to print a secret.
pub const SECRET_COMMAND_MAX: Duration = Duration::from_secs(10);

/// Secrets of this host.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalSecrets;

impl Secrets for LocalSecrets {
    fn get(&self, name: &str, place: &SecretPlace, folder: &Path) -> Fut<'_, Result<Secret, String>> {
        let (name, place, folder) = (name.to_owned(), place.clone(), folder.to_owned());
        Box::pin(async move {
            let value = match &place {
                SecretPlace::Env(variable) => from_env(variable),
                SecretPlace::File(path) => {
                    let path = folder.join(path);
                    off_runtime(move || from_file(&path)).await.map_err(|error| error.to_string()).flatten()
                }
                SecretPlace::Command(command) => from_command(&name, command, &folder, SECRET_COMMAND_MAX).await,
            };
            match value {
                Ok(value) if value.is_empty() => Err(format!("the secret {name} is empty: {}", whence(&place))),
                Ok(value) => Ok(Secret { name, value }),
                Err(problem) => Err(format!("the secret {name} could not be fetched: {problem}")),
            }
        })
    }
}

fn whence(place: &SecretPlace) -> String {
    match place {
        SecretPlace::Env(variable) => format!("set the variable {variable}"),
        SecretPlace::File(path) => format!("write it into the file `{path}`"),
        SecretPlace::Command(_) => "its command printed nothing".into(),
    }
}

fn from_env(variable: &str) -> Result<String, String> {
    match std::env::var(variable) {
        Ok(value) if value.len() as u64 > SECRET_BYTES_MAX => Err(too_long(&format!("the variable {variable}"))),
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => Err(format!(
            "the variable {variable} is not set for Seaworthy; set it, or name a file or a command in the site file"
        )),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("the variable {variable} is not UTF-8; use base64")),
    }
}

fn from_file(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let cannot =
        |error: io::Error| format!("the file `{shown}` cannot be read ({error}); make it, or correct the site file");
    let file = File::open(path).map_err(cannot)?;
    let facts = file.metadata().map_err(cannot)?;
    if !facts.is_file() {
        return Err(format!("`{shown}` is not a file; correct the site file"));
    }
    // Judged on the open file, so that it cannot be exchanged in between.
    if facts.mode() & 0o077 != 0 {
        let mode = facts.mode() & 0o777;
        return Err(format!("the file `{shown}` is open to others (mode {mode:04o}); run `chmod 600 {shown}`"));
    }
    let mut bytes = vec![];
    file.take(SECRET_BYTES_MAX + 2).read_to_end(&mut bytes).map_err(cannot)?;
    text(bytes, &format!("the file `{shown}`"))
}

async fn from_command(name: &str, command: &Command, folder: &Path, limit: Duration) -> Result<String, String> {
    let words = words(&command.line);
    let (program, arguments) = words.split_first().ok_or("its command is empty; correct the site file")?;
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(base())
        .env("SEAWORTHY_SECRET", name)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What it says there may hold anything, the value included.
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("its command `{program}` could not be started: {error}"))?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    let mut bytes = vec![];
    let pipe = child.stdout.take().ok_or("its command has no output")?;
    let all = async {
        pipe.take(SECRET_BYTES_MAX + 2).read_to_end(&mut bytes).await?;
        child.wait().await
    };
    let ended = tokio::time::timeout(limit, all).await;
    if let Some(group) = group.filter(|_| !matches!(ended, Ok(Ok(_)))) {
        // The first process is not reaped yet, so the number is still its own.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    match ended {
        Ok(_) if bytes.len() as u64 > SECRET_BYTES_MAX => Err(too_long("the output of its command")),
        Ok(Ok(status)) if status.success() => text(bytes, "the output of its command"),
        Ok(Ok(status)) => Err(format!("its command ended with {status}; try it by hand in `{}`", folder.display())),
        Ok(Err(error)) => Err(format!("its command could not be read: {error}")),
        Err(_) => Err(format!("its command took longer than {limit:?} and was ended")),
    }
}

/// The value without one final line break.
fn text(mut bytes: Vec<u8>, place: &str) -> Result<String, String> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(too_long(place));
    }
    String::from_utf8(bytes).map_err(|_| format!("{place} is not UTF-8; use base64"))
}

fn too_long(place: &str) -> String {
    format!("{place} is longer than {SECRET_BYTES_MAX} bytes; a secret that long belongs into a file of its own")
}

#[cfg(test)]
mod tests;
