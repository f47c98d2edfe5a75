//! `init --list`: the packs, what each needs and asks, and what it cannot prove.
//!
//! This module must not fill any of them in.

use serde_json::json;

use super::{
    Ask,
    pack::{Folder, PACKS},
};
use crate::{out::Tone, trouble::code};

pub fn run(ask: &Ask) -> u8 {
    let packs: Vec<_> = PACKS.iter().map(Folder::header).collect();
    for pack in &packs {
        ask.out.line(&format!("{}  {}", ask.out.paint(Tone::Strong, &pack.name), pack.about));
        if !pack.needs.is_empty() {
            ask.out.line(&format!("  needs {}", pack.needs.join(", ")));
        }
        for one in &pack.asks {
            let default = if one.default.is_empty() { "empty" } else { &one.default };
            ask.out.line(&format!("  --set {:16} {} [{default}]", format!("{}=", one.name), one.about));
        }
        for one in &pack.cannot {
            ask.out.line(&format!("  cannot prove: {one}"));
        }
    }
    ask.out.line("all take --set team=, route=, timezone= as well");
    let packs: Vec<_> = packs
        .iter()
        .map(|pack| {
            let asks: Vec<_> = pack
                .asks
                .iter()
                .map(|ask| json!({ "name": ask.name, "about": ask.about, "default": ask.default }))
                .collect();
            json!({ "pack": pack.name, "about": pack.about, "needs": pack.needs, "cannot": pack.cannot, "asks": asks })
        })
        .collect();
    ask.out.object(&json!({ "v": 1, "packs": packs }));
    code::VERIFIED
}
