//! `schema`: the JSON Schema of process and site files, for editors.

use super::Ask;
use crate::{
    out,
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {}

/// Carries out the verb. Needs no site.
pub fn run(ask: &Ask, _args: Args) -> Result<u8, Trouble> {
    let schema = seaworthy_spec::schema();
    let text = if ask.out.json { serde_json::to_string(&schema) } else { serde_json::to_string_pretty(&schema) };
    let text = text.map_err(|e| Trouble::failed(e.to_string()))?;
    out::raw(&text);
    Ok(code::VERIFIED)
}
