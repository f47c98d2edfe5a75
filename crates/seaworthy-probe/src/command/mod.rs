//! Looks by a command: what it printed and how it ended are the observation.
//!
//! This module must not know the provider that acts. Its runner is its own on purpose: a fault in the
//! actor's runner must not be able to hide itself from the one who verifies.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use seaworthy_model::{
    port::{Fut, LookOrder, Probe},
    process::{Line, Look},
    run::Observation,
    value::{Facts, Value},
};

use crate::sight::{Mask, observe};

mod child;
mod tree;

/// What a command may take over from us; everything else it sees is said in a file.
const BASE_NAMES: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];
/// For a server that was started without a PATH of its own.
const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(crate) struct CommandProbe;

impl Probe for CommandProbe {
    fn name(&self) -> &'static str {
        "command"
    }

    fn takes(&self, look: &Look) -> bool {
        matches!(look, Look::Command { .. })
    }

    fn look<'a>(&'a self, order: &'a LookOrder) -> Fut<'a, Result<Observation, String>> {
        Box::pin(async move {
            let Look::Command { command, .. } = &order.look else {
                return Err("the command probe was asked for another kind of look".into());
            };
            let mask = Mask::of(&order.hidden());
            // Dropped by `observe` at the limit, which ends every process that it started.
            observe(self.name(), order, &mask, carry_out(&command.line, order, &mask)).await
        })
    }
}

async fn carry_out(line: &Line, order: &LookOrder, mask: &Mask) -> Result<(Facts, u64), String> {
    if !order.folder.is_dir() {
        return Err(format!("the folder {} that commands run in is not there", order.folder.display()));
    }
    let (program, args) = words(line)?;
    let papers = Papers::of(order).map_err(|error| {
        format!("the secrets of the command could not be put into files below {}: {error}", order.workdir.display())
    })?;
    let mut command = tokio::process::Command::new(&program);
    command.args(args).current_dir(&order.folder).env_clear().env("PATH", PATH_DEFAULT);
    command.envs(BASE_NAMES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs(order.env.iter().map(|(name, value)| (name, value))).env("WORKDIR", &order.workdir);
    command.envs(order.artifact.iter().map(|path| ("ARTIFACT", path)));
    command.envs(order.secrets.iter().map(|secret| (&secret.name, &secret.value)));
    command.envs(papers.files.iter().map(|(name, file)| (format!("{name}_FILE"), file)));

    let ended = child::run(command, mask.room()).await.map_err(|error| {
        format!("`{program}` could not be started in {}: {error}; is it installed?", order.folder.display())
    })?;
    let (stdout, stdout_dropped) = mask.head(&ended.stdout.bytes, ended.stdout.seen);
    let (stderr, stderr_dropped) = mask.head(&ended.stderr.bytes, ended.stderr.seen);
    let facts = Facts::from([
        ("exit".into(), Value::Int(ended.exit)),
        ("stdout".into(), Value::Text(stdout)),
        ("stderr".into(), Value::Text(stderr)),
        ("duration".into(), Value::Duration(i64::try_from(ended.took.as_nanos()).unwrap_or(i64::MAX))),
    ]);
    Ok((facts, stdout_dropped + stderr_dropped))
}

fn words(line: &Line) -> Result<(String, Vec<String>), String> {
    let words = match line {
        Line::Shell { script, shell } if shell.is_empty() => vec!["sh".into(), "-c".into(), script.clone()],
        Line::Shell { script, shell } => [shell.as_slice(), std::slice::from_ref(script)].concat(),
        Line::Args(args) => args.clone(),
    };
    let mut words = words.into_iter();
    let program = words.next().ok_or("the command of this check is empty; write what to run")?;
    Ok((program, words.collect()))
}

/// The secrets as files of mode 0600 in a folder of their own, removed when the look ends.
struct Papers {
    folder: Option<PathBuf>,
    files: Vec<(String, PathBuf)>,
}

impl Papers {
    fn of(order: &LookOrder) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut papers = Papers { folder: None, files: vec![] };
        if order.secrets.is_empty() {
            return Ok(papers);
        }
        // Below the run's folder, so that what a crash leaves behind goes with the run.
        let temp = std::env::temp_dir();
        let place: &Path = if order.workdir.is_dir() { &order.workdir } else { &temp };
        let name = format!(".look-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = place.join(name);
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        papers.folder = Some(folder.clone());
        for secret in &order.secrets {
            let file = folder.join(&secret.name);
            let mut open = fs::OpenOptions::new();
            io::Write::write_all(
                &mut open.write(true).create_new(true).mode(0o600).open(&file)?,
                secret.value.as_bytes(),
            )?;
            papers.files.push((secret.name.clone(), file));
        }
        Ok(papers)
    }
}

impl Drop for Papers {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder
            && let Err(error) = fs::remove_dir_all(folder)
        {
            tracing::warn!(folder = %folder.display(), %error, "secret files could not be removed; remove them");
        }
    }
}
