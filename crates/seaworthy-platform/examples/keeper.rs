//! The keeper alone, for the tests of this crate: `keeper DATA SOCKET IDLE-MS PROTOCOL CGROUPS`; and `keeper act`.
//!
//! Must not know more than its arguments.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use seaworthy_platform::keeper::{Options, run};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(seaworthy_platform::action::WORD) {
        return seaworthy_platform::action::run();
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [data, socket, idle, protocol, cgroups] = &words[..] else { return ExitCode::from(2) };
    let (Ok(idle), Ok(protocol)) = (idle.parse(), protocol.parse()) else { return ExitCode::from(2) };
    let options = Options {
        data: PathBuf::from(data),
        socket: PathBuf::from(socket),
        protocol,
        idle: Duration::from_millis(idle),
        cgroups: cgroups == "cgroups",
    };
    match run(&options, |_| println!("ready")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            println!("{trouble}");
            ExitCode::FAILURE
        }
    }
}
