//! The keeper of the engine under measure: this very program in another role, as the server's is the server's binary.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use seaworthy_platform::{
    Launch,
    keeper::{IDLE, Options, PROTOCOL, run},
};

/// First word of the command line that asks for a keeper; then data folder and socket.
pub const VERB: &str = "keeper";

/// How the keeper of this data folder is started.
pub fn launch(data: &Path) -> Result<Launch, String> {
    let program = std::env::current_exe().map_err(|e| format!("our own program cannot be found ({e})"))?;
    let launch = Launch { program, words: vec![], socket: data.join("k") };
    let socket = launch.socket(PROTOCOL).into_os_string();
    Ok(Launch { words: vec![VERB.into(), data.as_os_str().to_owned(), socket], ..launch })
}

/// The keeper of this data folder, by its number.
pub fn pid(data: &Path) -> Result<String, String> {
    let user = rustix::process::geteuid().as_raw();
    let file = data.join("keeper").join(format!("{PROTOCOL}-{user}.lock"));
    let text = std::fs::read_to_string(&file).map_err(|e| format!("{} cannot be read ({e})", file.display()))?;
    let about: serde_json::Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    Ok(about["pid"].to_string())
}

/// Is the keeper.
pub fn be() -> ExitCode {
    let words: Vec<PathBuf> = std::env::args_os().skip(2).map(PathBuf::from).collect();
    let [data, socket] = &words[..] else { return ExitCode::from(2) };
    let (data, socket) = (data.clone(), socket.clone());
    let options = Options { data, socket, protocol: PROTOCOL, idle: IDLE, cgroups: true };
    match run(&options, |_| println!("ready")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            println!("{trouble}");
            ExitCode::FAILURE
        }
    }
}
