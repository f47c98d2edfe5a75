//! `resume RUN` goes on with a run that ended failed, unknown or cancelled; `resume PROCESS` ends a pause before its time.
//!
//! An id that begins with `run_` is a run.

use super::{Ask, again, pause};
use crate::trouble::Trouble;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the process, or id of the run
    #[arg(value_name = "PROCESS|RUN")]
    pub what: String,
    /// Of a process: why, for the history
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// Of a run, with a server: do not wait for the end
    #[arg(long)]
    pub detach: bool,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    if args.what.starts_with("run_") {
        return again::resume(ask, &args.what, args.detach).await;
    }
    pause::resume(ask, args.what, args.reason).await
}
