//! `resume RUN` and `rerun RUN --from STEP`: an ended run goes on, or a part of it is done once more as a new run.
//!
//! It must not choose the steps.

use seaworthy_model::port::Ask as Wish;

use super::{Ask, run::start, site};
use crate::{socket::Asked, trouble::Trouble};

#[derive(Debug, clap::Args)]
pub struct RerunArgs {
    /// Id of an ended run, or the start of it
    pub run: String,
    /// The step to begin at; all that follows it is done, too
    #[arg(long, value_name = "STEP")]
    pub from: String,
    /// With a server: do not wait for the end
    #[arg(long)]
    pub detach: bool,
}

/// Carries out `resume`.
pub async fn resume(ask: &Ask, run: &str, detach: bool) -> Result<u8, Trouble> {
    let run = site::open(ask)?.find(run).await?;
    start(ask, Asked::GoOn { run: run.to_string() }, Wish::GoOn { run }, detach).await
}

/// Carries out `rerun`.
pub async fn rerun(ask: &Ask, args: RerunArgs) -> Result<u8, Trouble> {
    let run = site::open(ask)?.find(&args.run).await?;
    let asked = Asked::Rerun { run: run.to_string(), from: args.from.clone() };
    start(ask, asked, Wish::Rerun { run, from: args.from }, args.detach).await
}
