//! Exports that are cut off, of another kind or of another version.

use super::{import, loads};

#[test]
fn json_of_rundeck_is_read_as_its_yaml() {
    let text = r#"[{"name":"a","sequence":{"commands":[{"exec":"true"}]},"schedule":{"time":{"hour":"5","minute":"0"},"weekday":{"day":"1"}}}]"#;
    let found = import("rundeck", "jobs.json", text);
    loads(&found);
    assert_eq!(found.drafts[0].schedule.as_ref().unwrap().when, "0 5 * * 0", "Rundeck counts from 1 for Sunday");
}

#[test]
fn a_file_of_another_kind_or_version_is_named_with_its_place() {
    for (tool, text, why) in [
        ("rundeck", "<joblist></joblist>", "it is XML"),
        ("rundeck", "name: x\n", "no `name` and `sequence`"),
        ("uptime-kuma", "{\"version\":\"2.0\"}", "no `monitorList`"),
        ("uptime-kuma", "{\"version\":\"2.0\",\"monitorList\":[]}", "version 2.0"),
        ("uptime-kuma", "", "empty"),
        ("healthchecks", "{\"error\":\"wrong api key\"}", "not what `GET /api/v3/checks/` answers"),
        ("healthchecks", "[]]", "something follows"),
        ("cronicle", "{\"items\":[]}\n", "does not begin with"),
        ("cronicle", "# Cronicle Data Export v2.0\n", "does not begin with"),
        ("kubernetes", "kind: CronJob\napiVersion: batch/v9\n", "`batch/v9` is not known"),
        ("kubernetes", "a: [\n", "not YAML"),
        ("kubernetes", "hello\n", "no `kind`"),
    ] {
        let found = import(tool, "file", text);
        assert!(found.is_broken() && found.drafts.is_empty(), "{tool}: {text}");
        let told = found.left.iter().any(|left| left.reason.contains(why) && left.line >= 1);
        assert!(told, "{tool}: {text}: {:?}", found.left);
    }
}

#[test]
fn an_export_that_is_cut_off_anywhere_gives_what_came_before() {
    let files = [
        ("healthchecks", include_str!("healthchecks.json")),
        ("uptime-kuma", include_str!("kuma.json")),
        ("cronicle", include_str!("cronicle.txt")),
        ("kubernetes", include_str!("cronjobs.yaml")),
        ("rundeck", include_str!("rundeck.yaml")),
    ];
    for (tool, text) in files {
        let whole = import(tool, "file", text).drafts.len();
        let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(37).collect();
        let mut most = 0;
        for cut in cuts {
            let found = import(tool, "file", &text[..cut]);
            loads(&found);
            assert!(found.drafts.len() <= whole, "{tool} at {cut}");
            most = most.max(found.drafts.len());
        }
        assert!(most > 0, "{tool}: the good part is imported");
    }
}
