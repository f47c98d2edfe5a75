//! `completions SHELL`: prints what the shell reads to complete our words.

use clap::CommandFactory as _;

use super::Cli;
use crate::{
    out,
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which shell
    pub shell: clap_complete::Shell,
}

/// Carries out the verb.
pub fn run(args: Args) -> Result<u8, Trouble> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "seaworthy", &mut text);
    out::bytes(&text);
    Ok(code::VERIFIED)
}
