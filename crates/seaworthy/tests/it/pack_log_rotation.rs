//! Pack `log-rotation` with the real logrotate: rotated and read back, then a broken rule, a log nobody covers, a cut-off one.

use crate::{
    kit::Site,
    pack_kit::{at_once, drilled, has, refused, site_with, step_failed, verified},
};

const PACK: &str = "log-rotation";

fn logs() -> Option<Site> {
    if !has(&["/usr/sbin/logrotate", "gzip"]) {
        return None;
    }
    let site = site_with(
        PACK,
        &[
            ("rotate", "/usr/sbin/logrotate --state state rules.conf"),
            ("config", "rules.conf"),
            ("state", "state"),
            ("logs", "logs"),
            ("size", "100k"),
        ],
    );
    site.sh("mkdir logs && seq 40000 > logs/app.log");
    let folder = site.path("logs").display().to_string();
    site.write(
        "rules.conf",
        &format!("{folder}/app.log {{\n  rotate 3\n  size 50k\n  compress\n  create\n  su root root\n}}\n"),
    );
    if !rustix::process::geteuid().is_root() {
        site.edit("rules.conf", "  su root root\n", "");
    }
    site.sh("chmod 644 rules.conf && chmod 755 logs");
    Some(site)
}

#[test]
fn logs_are_rotated_and_read_back_and_what_is_not_covered_cut_off_or_mistyped_is_found() {
    let Some(site) = logs() else { return };
    verified(&site, PACK);
    assert_eq!(site.sh("zcat logs/app.log.1.gz | tail -n 1"), "40000\n");
    drilled(&site, PACK);
    at_once(&site, PACK);
    // Nobody rotates this one.
    site.sh("head -c 300K /dev/zero > logs/other.log");
    refused(&site, PACK, "no log is larger than 100k", "other.log");
    site.sh("rm logs/other.log && truncate -s -20 logs/app.log.1.gz");
    refused(&site, PACK, "what was rotated can be read", "broken: logs/app.log.1.gz");
    site.sh("rm logs/app.log.1.gz");
    verified(&site, PACK);
    site.edit("rules.conf", "rotate 3", "rotat 3");
    refused(&site, PACK, "the rules can be read", "unknown option 'rotat'");
    site.sh("rm rules.conf");
    step_failed(&site, PACK, "rotate", "rules.conf");
}

#[test]
fn a_log_that_is_too_large_between_two_rotations_is_healed_by_rotating_at_once() {
    let Some(site) = logs() else { return };
    site.edit("rules.conf", "size 50k", "weekly");
    verified(&site, PACK);
    site.sh("seq 40000 > logs/app.log");
    let run = verified(&site, PACK);
    assert_eq!(run.json["heals"][1]["what"], "run", "{run:?}");
    assert_eq!(run.json["heals"][1]["outcome"], "healed", "{run:?}");
}
