//! `exec NAME -- COMMAND`: put in front of a command that something else starts, such as a line of a crontab.
//!
//! The command comes first: whatever is wrong with Seaworthy, it runs, with its own streams, environment, folder and
//! exit code. With or without a server this is a short-lived node of its own, so that neither waits for the other; if it
//! dies, its run is taken up as any other and is *unknown*. This module must not decide.

mod record;
mod signals;

use std::{ffi::OsString, io::Write as _, os::unix::process::CommandExt as _, process::Command, time::Duration};

use seaworthy_platform::provider::through::{never_started, not_started, remark, through};
use tokio::{task::spawn_blocking, time::timeout};

use self::record::Recording;
use super::{Ask, follow};
use crate::{place::Place, trouble::Trouble};

/// How long the command waits for its record to be begun; then it runs without one.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the process; one that has no file is made up
    pub process: String,
    /// Exit with the verdict of the verification instead of the command's own code
    #[arg(long)]
    pub verified: bool,
    /// The command and its arguments, after `--`; they are not recorded but for the name of the program
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Carries out the verb: the exit code is the command's.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    signals::survive_a_file_size_limit();
    let recording = match ask.place() {
        Ok(place) => begin(place, &args).await,
        Err(trouble) => Err(trouble.text),
    };
    match recording {
        Ok(recording) => recorded(ask, args, recording).await,
        Err(reason) => {
            remark(&format!(
                "this run of `{}` is not recorded: {reason}. The command runs all the same.",
                args.process
            ));
            Ok(replace(&args.command))
        }
    }
}

/// Begins the record, within its time. Whatever happens in there must not touch the command.
async fn begin(place: Place, args: &Args) -> Result<Recording, String> {
    let (name, program) = (args.process.clone(), args.command[0].clone());
    let begun = tokio::spawn(async move { Recording::begin(place, &name, &program).await });
    match timeout(BEGIN_WITHIN, begun).await {
        Ok(Ok(begun)) => begun.map_err(|trouble| trouble.text),
        Ok(Err(panicked)) => Err(format!("recording broke off ({panicked})")),
        Err(_) => Err(format!("the record could not be begun within {BEGIN_WITHIN:?}; something holds the journal")),
    }
}

/// Becomes the command: nothing of us is left that could be in its way.
fn replace(command: &[OsString]) -> u8 {
    let error = Command::new(&command[0]).args(&command[1..]).exec();
    let (code, reason) = not_started(&command[0], &error);
    remark(&reason);
    code
}

async fn recorded(ask: &Ask, args: Args, recording: Recording) -> Result<u8, Trouble> {
    let hidden = recording.hidden(&args.command).await;
    // Listened to before the command is there: from then on each signal is for it.
    let mut signals = signals::Signals::listen();
    let env = [("SEAWORTHY_RUN", recording.run.to_string())];
    let started = through(&args.command, &env, (&recording.place.data, &recording.output()), &hidden);
    let (acted, own) = match started {
        Ok(started) => {
            let pid = started.pid();
            let mut attended = spawn_blocking(move || started.attend());
            let passed = loop {
                tokio::select! {
                    passed = &mut attended => break passed,
                    signal = signals.next() => signals.pass_on(signal, pid),
                }
            };
            match passed {
                Ok(passed) => (passed.acted, passed.code),
                Err(broke) => (never_started(format!("attending to the command broke off ({broke})")), 126),
            }
        }
        Err((code, reason)) => {
            remark(&reason);
            (never_started(reason), code)
        }
    };
    // Nobody else flushes it, and what comes now may be long in coming.
    let _ = std::io::stdout().flush();
    let name = args.process;
    let ended = recording.end(acted, &mut signals).await;
    Ok(match ended {
        Ok((run, state)) => {
            if ask.out.json {
                ask.out.object(&follow::object(run, &state));
            }
            let end = state.ended.as_ref();
            let verdict =
                end.map_or(crate::trouble::code::UNKNOWN, |end| follow::exit_code(end.executed, end.verified));
            if args.verified && own == 0 { verdict } else { own }
        }
        Err(reason) => {
            remark(&format!("what came of this run of `{name}` is not recorded: {reason}"));
            if args.verified && own == 0 { crate::trouble::code::UNKNOWN } else { own }
        }
    })
}
