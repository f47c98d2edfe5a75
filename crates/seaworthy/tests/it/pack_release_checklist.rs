//! Pack `release-checklist` on a real git repository: said to be done, complete, checked by the one who did it, not what runs.

use crate::{
    kit::Site,
    pack_kit::{answered, at_once, has, refused, site_with, step_failed, verified},
};

const PACK: &str = "release-checklist";

/// A checkout without a release.
fn checkout() -> Option<Site> {
    if !has(&["git"]) {
        return None;
    }
    let site = site_with(PACK, &[("repository", "shop"), ("running", "cat running.txt")]);
    site.env("GIT_CONFIG_GLOBAL", "/dev/null");
    site.sh("git init -q -b main shop && cd shop && git config user.name ada && git config user.email ada@example.com && echo '# 1.0' > CHANGELOG.md && git add . && git commit -qm first");
    Some(site)
}

/// The page as two people leave it.
fn complete(site: &Site, tag: &str) {
    site.sh(&format!("sed -i -e 's/^- \\[ \\]/- [x]/' -e 's/^Done by:.*/Done by: ada/' -e 's/^Checked by:.*/Checked by: grace/' releases/{tag}.md"));
}

#[test]
fn a_release_is_verified_when_two_people_finished_its_page_and_it_is_what_runs() {
    let Some(site) = checkout() else { return };
    at_once(&site, PACK);
    step_failed(&site, PACK, "page", "there is no release yet");
    site.sh("git -C shop tag v1.0 && echo 1.0 > running.txt");
    let said = answered(&site, PACK, "finish", "agree");
    assert_eq!(said["verified"], "no", "two people said so, and nothing is ticked: {said}");
    let reason = said["reason"].as_str().unwrap();
    assert!(reason.contains("every item is ticked") && reason.contains("The tests of this very commit"), "{reason}");
    assert!(
        site.read("releases/v1.0.md").starts_with("# Release v1.0\n\nDone by:\n"),
        "{}",
        site.read("releases/v1.0.md")
    );
    complete(&site, "v1.0");
    verified(&site, PACK);
    site.sh("sed -i 's/^Checked by:.*/Checked by: ada/' releases/v1.0.md");
    refused(&site, PACK, "one did it and another checked it", "ada checked what ada did");
    complete(&site, "v1.0");
    site.sh("echo 0.9 > running.txt");
    refused(&site, PACK, "it is what runs", "0.9 runs");
    // The next release: its own page, from a branch that nobody merged, and not in the changelog.
    site.sh("echo 2.0 > running.txt && cd shop && git checkout -qb side && GIT_COMMITTER_DATE='2031-01-01T00:00:00' git commit -q --allow-empty -m second && git tag v2.0");
    site.sh(&format!("{{ echo '# Release v2.0'; echo; cat procedures/{PACK}-items.md; }} > releases/v2.0.md"));
    complete(&site, "v2.0");
    refused(&site, PACK, "the changelog names it", "0");
    site.sh("cd shop && echo '# 2.0' >> CHANGELOG.md && GIT_COMMITTER_DATE='2031-01-02T00:00:00' git commit -qam third && git tag -f v2.0 2> /dev/null");
    refused(&site, PACK, "it came from main", "seen stdout.trim() \"\"");
    site.sh("cd shop && git checkout -q main && git merge -q side 2> /dev/null");
    verified(&site, PACK);
}

#[test]
fn what_was_forgotten_in_the_page_is_mended_before_the_next_look() {
    let Some(site) = checkout() else { return };
    site.sh("git -C shop tag v1.0 && echo 1.0 > running.txt");
    // Two people answered too early, and the page is finished between two looks.
    site.edit(&crate::pack_kit::ops(PACK), "run: cp \"$OUTPUT_PAGE_PAGE\"", "run: if [ \"$SEAWORTHY_ATTEMPT\" = 2 ]; then sed -i -e 's/^- \\[ \\]/- [x]/' -e 's/^Done by:.*/Done by= ada/' -e 's/^Checked by:.*/Checked by= grace/' -e 's/by=/by:/' \"$OUTPUT_PAGE_PAGE\"; fi; cp \"$OUTPUT_PAGE_PAGE\"");
    let ended = answered(&site, PACK, "finish", "agree");
    assert_eq!(ended["verified"], "yes", "{ended}");
    assert_eq!(
        (&ended["heals"][0]["what"], &ended["heals"][0]["outcome"]),
        (&"retry".into(), &"healed".into()),
        "{ended}"
    );
}
