//! Seaworthy: runs the operations of a cloud service and proves them.
//!
//! `main` reads the command line, starts the asynchronous runtime, and turns a verb's end into an exit code.

mod branch;
mod cli;
mod kept;
mod node;
mod out;
mod place;
mod real;
mod role;
mod socket;
mod trouble;
mod who;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

/// Threads for what blocks. The journal's readers share them with looks and artifacts, and must find one free even when
/// every place among those that look (64) holds some: each takes two or three at most. A thread costs nothing before it
/// is used, and ends after ten idle seconds.
const BLOCKING_MAX: usize = 256;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { trouble::code::NOT_STARTED } else { trouble::code::VERIFIED };
            // A closed pipe is not an error.
            let _ = error.print();
            if error.use_stderr() && std::env::args_os().any(|word| word == "--json") {
                let message = error.to_string();
                let first =
                    message.lines().next().unwrap_or_default().trim_start_matches("error: ").trim_end_matches(':');
                say_error(code, first);
            }
            return ExitCode::from(code);
        }
    };
    if let cli::Verb::Act = &cli.verb {
        return seaworthy_platform::action::run();
    }
    if let cli::Verb::Keeper(args) = &cli.verb {
        return role::keeper::run(cli.data.as_deref(), cli.log.as_deref(), args);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_MAX)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            out::complain(&format!("seaworthy: the system gave no threads ({error})"));
            return ExitCode::from(trouble::code::NOT_STARTED);
        }
    };
    let json = cli.json;
    let code = match runtime.block_on(cli::run(cli)) {
        Ok(code) => code,
        Err(trouble) => {
            out::complain(&format!("seaworthy: {trouble}"));
            if json {
                say_error(trouble.code, &trouble.text);
            }
            trouble.code
        }
    };
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    ExitCode::from(code)
}

/// An error for machines (docs/formats/json.md).
fn say_error(code: u8, message: &str) {
    out::raw(&serde_json::json!({ "error": { "code": code, "message": message } }).to_string());
}
