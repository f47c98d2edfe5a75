//! placeholder
use super::Ask;
use crate::trouble::Trouble;

#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(_ask: &Ask, _args: Args) -> Result<u8, Trouble> {
    Ok(0)
}
