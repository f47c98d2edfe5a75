//! The door of a server at its start: as long as there is no owner, the link for the first one is made anew.
//!
//! It goes to the terminal that started the server, or into a file that only its user can read: never into a log, which
//! others read and keep. This module must not let anybody in.

use std::{
    fs,
    io::{IsTerminal as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use seaworthy_model::entry::Via;

use crate::{place::Place, trouble::Trouble, wire::House};

/// Where the link of a site without an owner is.
pub enum OwnerLink {
    /// Nowhere: there is an owner.
    None,
    /// To be shown on the terminal.
    Shown(String),
    /// In this file, mode 0600.
    Kept(PathBuf),
}

fn file(place: &Place) -> PathBuf {
    place.data.join("owner-link")
}

/// A link that was kept does not work any more.
pub fn forget(place: &Place) {
    let _ = fs::remove_file(file(place));
}

/// Makes the link of a site without an owner.
///
/// # Errors
/// When the journal or the file cannot be written.
pub async fn first_owner(place: &Place, house: &House, address: &str) -> Result<OwnerLink, Trouble> {
    forget(place);
    let actor = house.os_actor(rustix::process::geteuid()).await?;
    let Some((token, _)) = house.door()?.claim_link(actor, Via::Node).await? else { return Ok(OwnerLink::None) };
    let base = house.in_force_url().unwrap_or_else(|| address.trim_end_matches('/').to_owned());
    let link = format!("{base}/set-up/{}", token.text());
    if std::io::stdout().is_terminal() {
        return Ok(OwnerLink::Shown(link));
    }
    let path = file(place);
    let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    written.and_then(|mut file| writeln!(file, "{link}")).map_err(|e| {
        Trouble::start(format!("the link for the first owner cannot be written to {} ({e})", path.display()))
    })?;
    Ok(OwnerLink::Kept(path))
}
