//! The keeper: holds commands, so that they outlive the server. Started by whoever needs one, or by its unit.
//!
//! It has no runtime of its own kind: one thread waits for everything (`seaworthy_platform::keeper`).

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use seaworthy_platform::{
    Launch,
    keeper::{self, IDLE, Options, PROTOCOL},
};

use crate::{out, place, socket, trouble::code};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where its socket is to be [default: beside the server's]
    #[arg(long, value_name = "FILE")]
    pub socket: Option<PathBuf>,
    /// Stay although nobody needs it: for a unit of its own
    #[arg(long)]
    pub stay: bool,
}

/// How a keeper of this data folder is started.
pub fn launch(data: &Path) -> Launch {
    let mut program = std::env::current_exe().unwrap_or_else(|_| "seaworthy".into());
    // After an upgrade our own file is gone, and a new one is in its place.
    if let Some(path) = program.to_str().and_then(|path| path.strip_suffix(" (deleted)")) {
        program = path.into();
    }
    let launch = Launch { program, words: vec![], socket: place::runtime(data, "") };
    let socket = launch.socket(PROTOCOL).into_os_string();
    let words = ["keeper".into(), "--data".into(), data.as_os_str().to_owned(), "--socket".into(), socket];
    Launch { words: words.into(), ..launch }
}

/// Is the keeper of `data` until it is not needed any more.
pub fn run(data: Option<&Path>, log: Option<&str>, args: &Args) -> ExitCode {
    match start(data, log, args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            // Who started it reads one line.
            out::raw(&trouble);
            out::complain(&format!("seaworthy keeper: {trouble}"));
            ExitCode::from(code::NOT_STARTED)
        }
    }
}

fn start(data: Option<&Path>, log: Option<&str>, args: &Args) -> Result<(), String> {
    let data = data.ok_or("which data folder? Write --data DIR")?;
    let data =
        std::fs::canonicalize(data).map_err(|e| format!("the data folder {} cannot be read ({e})", data.display()))?;
    super::log::start(log.or(Some("warn")), false, true).map_err(|trouble| trouble.text)?;
    let socket = args.socket.clone().unwrap_or_else(|| launch(&data).socket(PROTOCOL));
    if let Some(folder) = socket.parent() {
        socket::own_folder(folder).map_err(|e| format!("the socket's folder cannot be used ({e})"))?;
    }
    let idle = if args.stay { std::time::Duration::MAX } else { IDLE };
    let options = Options { data, socket, protocol: PROTOCOL, idle, cgroups: true };
    keeper::run(&options, |_| {
        out::raw("ready");
        let _ = std::io::stdout().flush();
    })
}
