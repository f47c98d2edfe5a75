//! `resume PROCESS`: end a pause before its time.

use super::{Ask, pause};
use crate::trouble::Trouble;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the process
    pub process: String,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    pause::resume(ask, args.process, args.reason).await
}
