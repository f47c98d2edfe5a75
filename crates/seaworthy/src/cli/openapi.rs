//! `openapi`: the description of the API, from the declarations that the server is made from.

use super::Ask;
use crate::{
    out,
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {}

/// Carries out the verb. Needs no site.
pub fn run(ask: &Ask, _args: Args) -> Result<u8, Trouble> {
    let document = seaworthy_web::openapi();
    let text = if ask.out.json { serde_json::to_string(&document) } else { serde_json::to_string_pretty(&document) };
    let text = text.map_err(|e| Trouble::failed(e.to_string()))?;
    out::raw(&text);
    Ok(code::VERIFIED)
}
