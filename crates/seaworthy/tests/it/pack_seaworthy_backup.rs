//! Pack `seaworthy-backup`: this program's own state, copied beside a server and without, restored, and then spoilt.

use crate::{
    kit::Site,
    pack_kit::{at_once, drilled, ops, refused, site_with, step_failed, verified},
};

const PACK: &str = "seaworthy-backup";

fn site() -> Site {
    site_with(PACK, &[("program", env!("CARGO_BIN_EXE_seaworthy")), ("keep", "2")])
}

#[test]
fn its_own_state_is_copied_verified_restored_and_only_so_many_copies_are_kept() {
    let site = site();
    for _ in 0..2 {
        verified(&site, PACK);
    }
    drilled(&site, PACK);
    let server = site.server();
    verified(&site, PACK);
    drilled(&site, PACK);
    assert_eq!(server.stop(), 0);
    assert_eq!(site.sh("ls vault | wc -l"), "2\n");
    assert_eq!(site.sh("stat -c %a vault"), "700\n", "a copy holds the signing key");
    // The newest copy of the vault is a site's state: restored by hand, as the procedure says.
    let copy = site.sh("ls -d vault/* | tail -n 1");
    let restored = site.json(&["--data", "elsewhere", "restore", copy.trim()]);
    assert_eq!(restored.code, 0, "{restored:?}");
    let audit = site.json(&["--data", "elsewhere", "audit", "verify"]);
    assert_eq!((audit.code, &audit.json["ok"]), (0, &true.into()), "{audit:?}");
}

#[test]
fn a_copy_that_was_changed_cut_off_or_never_made_is_found() {
    let site = site();
    verified(&site, PACK);
    at_once(&site, PACK);
    let good = site.read(&ops(PACK));
    let copy = "backup \"$WORKDIR/seaworthy-backup\"";
    let spoil = |how: &str| {
        site.write(&ops(PACK), &good);
        site.edit(&ops(PACK), copy, &format!("{copy} && {how}"));
    };
    let check = "every entry of the copy is what was written";
    spoil(
        "sqlite3 \"$WORKDIR/seaworthy-backup/journal.db\" \"drop trigger entry_never_changes; update entry set kind = 'run_verified' where kind = 'run_ended'\"",
    );
    if crate::pack_kit::has(&["sqlite3"]) {
        refused(&site, PACK, check, "exit ");
    }
    spoil("truncate -s 8K \"$WORKDIR/seaworthy-backup/journal.db\"");
    refused(&site, PACK, check, "exit ");
    site.write(&ops(PACK), &good);
    site.edit(
        &ops(PACK),
        "cp -a \"$WORKDIR/seaworthy-backup\" \"$VAULT/seaworthy-backup.new\"",
        "mkdir \"$VAULT/seaworthy-backup.new\"",
    );
    refused(&site, PACK, "the vault holds the same bytes", "Only in");
    site.write(&ops(PACK), &good);
    site.edit(&ops(PACK), &format!("SEAWORTHY: \"{}\"", env!("CARGO_BIN_EXE_seaworthy")), "SEAWORTHY: nowhere");
    step_failed(&site, PACK, "copy", "not found");
}
