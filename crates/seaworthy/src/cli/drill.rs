//! `drill PROCESS`: rehearse the restore of the newest verified artifact, follow it, exit with the verdict.

use seaworthy_model::port::Ask as Wish;

use super::{Ask, run as shared};
use crate::{socket::Asked, trouble::Trouble};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the process
    pub process: String,
    /// With a server: do not wait for the end
    #[arg(long)]
    pub detach: bool,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let asked = Asked::Drill { process: args.process.clone() };
    shared::start(ask, asked, Wish::Drill { process: args.process }, args.detach).await
}
