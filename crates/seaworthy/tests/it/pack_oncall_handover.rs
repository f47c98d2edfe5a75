//! Pack `oncall-handover`: this week's page with what is open, taken by somebody, then incomplete, to oneself, of last week.

use crate::{
    kit::Site,
    pack_kit::{answered, at_once, ops, refused, site_with, step_failed, verified},
};

const PACK: &str = "oncall-handover";

fn site() -> Site {
    let site = site_with(PACK, &[("program", env!("CARGO_BIN_EXE_seaworthy"))]);
    at_once(&site, PACK);
    site
}

fn page(site: &Site) -> String {
    format!("oncall/{}.md", site.sh("date +%G-W%V").trim())
}

#[test]
fn it_is_handed_over_when_both_say_so_and_the_page_holds_what_is_open() {
    let site = site();
    site.process(
        "lying",
        "steps:\n  - { run: 'true' }\nverify:\n  - { command: echo no, expect: 'stdout.trim() == \"yes\"' }\n",
    );
    assert_eq!(site.json(&["run", "lying"]).code, 1);
    let said = answered(&site, PACK, "talk", "taken");
    assert_eq!(said["verified"], "no", "both said so, and nothing is ticked: {said}");
    let reason = said["reason"].as_str().unwrap();
    assert!(reason.contains("every item is ticked") && reason.contains("What is open below"), "{reason}");
    let file = page(&site);
    assert!(site.read(&file).contains("lying"), "what is open is in the page: {}", site.read(&file));
    site.sh(&format!("sed -i 's/^- \\[ \\]/- [x]/' {file}"));
    refused(&site, PACK, "one handed over and another took it", "handed over by nobody, taken by nobody");
    site.sh(&format!(
        "sed -i -e 's/^Handed over by:.*/Handed over by: ada/' -e 's/^Taken by:.*/Taken by: grace/' {file}"
    ));
    verified(&site, PACK);
    site.sh(&format!("sed -i 's/^Taken by:.*/Taken by: ada/' {file}"));
    refused(&site, PACK, "one handed over and another took it", "ada handed over to ada, and nobody says why");
    site.sh(&format!("sed -i 's/^Stays because:.*/Stays because: grace is ill/' {file}"));
    verified(&site, PACK);
    // The page of another week in the place of this one.
    site.sh(&format!("sed -i '1s/.*/# On-call 2020-W01/' {file}"));
    refused(&site, PACK, "the page is that of this week and says what is open", "exit 1");
    site.sh(&format!("rm {file}"));
    site.edit(&ops(PACK), &format!("SEAWORTHY: \"{}\"", env!("CARGO_BIN_EXE_seaworthy")), "SEAWORTHY: nowhere");
    step_failed(&site, PACK, "page", "not found");
}
