//! `init --pack`: what is written, and what is refused before anything is.

use crate::kit::Site;

#[test]
fn the_list_says_what_each_pack_needs_asks_and_cannot_prove() {
    let site = Site::bare();
    let list = site.json(&["init", "--list"]);
    assert_eq!(list.code, 0, "{list:?}");
    let packs = list.json["packs"].as_array().unwrap();
    for pack in packs {
        for field in ["pack", "about", "needs", "cannot", "asks"] {
            assert!(!pack[field].is_null(), "{pack}");
        }
    }
    let said = site.say(&["init", "--list"]).stdout;
    for name in packs.iter().map(|pack| pack["pack"].as_str().unwrap()) {
        assert!(said.lines().any(|line| line.starts_with(name)), "{name}: {said}");
    }
    assert_eq!(site.sh("ls"), "", "a list writes nothing");
}

#[test]
fn a_pack_is_written_whole_or_not_at_all_and_over_nothing() {
    let site = Site::bare();
    let dry = site.json(&["init", "--pack", "sqlite", "--dry-run"]);
    assert_eq!(dry.code, 0, "{dry:?}");
    assert_eq!(site.sh("ls"), "", "a dry run writes nothing");
    let shown = site.say(&["init", "--pack", "sqlite", "--set", "file=shop.db", "--dry-run"]).stdout;
    assert!(shown.contains("FILE: \"shop.db\"") && shown.contains("procedures/backup-sqlite-failed.md"), "{shown}");
    for (args, said) in [
        (&["--pack", "sqlit"][..], "no pack `sqlit`; there are: postgres"),
        (&["--pack", "sqlite", "--set", "fiel=x"], "does not ask for `fiel`; it asks for cron, file, process"),
        (&["--pack", "sqlite", "--set", "file"], "write --set KEY=VALUE"),
        (&["--pack", "sqlite", "--set", "file=a\"b"], "must not contain '\"'"),
        (&["--pack", "sqlite", "--set", "cron=61 * * * *"], "would be wrong in line"),
        (&["--pack", "sqlite", "--set", "route=nobody"], "there is no route `nobody`"),
        (&["--pack", "sqlite", "--pack", "postgres", "--set", "cron=@daily"], "--set answers one pack"),
        (&["--set", "file=x"], "--pack"),
    ] {
        let wrong = site.say(&[&["init"], args].concat());
        assert_eq!(wrong.code, 2, "{wrong:?}");
        assert!(wrong.stderr.contains(said), "expected `{said}`: {}", wrong.stderr);
        assert_eq!(site.sh("ls"), "", "{args:?} wrote something");
    }
    assert_eq!(site.json(&["init", "--pack", "sqlite", "--pack", "postgres"]).code, 0);
    assert_eq!(site.sh("ls ops procedures | grep -c backup"), "6\n");
    let again = site.json(&["init", "--pack", "sqlite"]);
    assert_eq!(again.code, 4, "{again:?}");
    assert!(again.stderr.contains("exists already; nothing was written"), "{}", again.stderr);
    assert_eq!(site.json(&["init", "--pack", "sqlite", "--set", "process=second"]).code, 0);
    assert_eq!(site.json(&["plan"]).json["processes"].as_array().unwrap().len(), 3);
}

#[test]
fn a_pack_takes_team_and_route_of_the_site_that_it_is_written_into() {
    let site = Site::new();
    assert_eq!(site.json(&["init", "--pack", "sqlite"]).code, 0);
    let text = site.read("ops/backup-sqlite.yaml");
    assert!(
        text.contains("team: ops\n") && text.contains("route: oncall\n") && text.contains("- tell: oncall\n"),
        "{text}"
    );
    let bare = Site::bare();
    bare.write("seaworthy.yaml", "site: s\n");
    let refused = bare.json(&["init", "--pack", "sqlite"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("seaworthy.yaml has no `teams:`"), "{}", refused.stderr);
}
