//! A short-lived node beside a server, and processes of names that no file has: for `exec` and `ping`.
//!
//! This module must not know what either does with them.

use std::{fs, io::Write as _};

use seaworthy_model::process::Process;

use crate::{
    kept, node,
    place::{MADE_UP, Place},
    trouble::Trouble,
    wire,
};

/// A node beside the server, with what the server has in force; without one, with what the files say.
pub async fn open_beside(place: &Place) -> Result<wire::House, Trouble> {
    if node::is_held(&place.data, "server")
        && let Some(kept) = kept::read(&place.data, &place.folder)
    {
        return wire::open_kept(&place.data, kept).await;
    }
    wire::open(place).await
}

/// A process of which nothing is known but that something starts it. Kept where every reader of files finds it.
pub fn make_up(place: &Place, name: &str) -> Result<(Process, String), Trouble> {
    let text = format!(
        "process: {name}\nabout: Made up, since no file has this name. Nobody verifies it yet.\npinged: true\n"
    );
    let folder = place.data.join(MADE_UP);
    let path = folder.join(format!("{name}.yaml"));
    let file = path.strip_prefix(&place.folder).unwrap_or(&path).display().to_string();
    let site = seaworthy_spec::Source { file: "seaworthy.yaml".into(), text: "site: made-up\n".into() };
    let ops = seaworthy_spec::Source { file: file.clone(), text: text.clone() };
    let mut read = seaworthy_spec::read(&site, &[ops], &|_| false);
    let (Some((_, process)), false) = (read.processes.pop(), name.contains('/')) else {
        let why = read.diagnostics.first().map(|problem| format!("{}; {}", problem.message, problem.help));
        return Err(Trouble::start(why.unwrap_or_else(|| format!("`{name}` is not a name"))));
    };
    if !path.exists() {
        let new = folder.join(format!("{name}.new"));
        let made = fs::create_dir_all(&folder).and_then(|()| fs::File::create(&new)).and_then(|mut draft| {
            draft.write_all(text.as_bytes())?;
            draft.sync_all()?;
            fs::rename(&new, &path)
        });
        made.map_err(|e| Trouble::start(format!("{} cannot be written ({e})", path.display())))?;
    }
    Ok((process, file))
}
