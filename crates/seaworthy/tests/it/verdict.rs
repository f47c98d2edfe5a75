//! Verdicts: green means that somebody else looked at it, and nothing else does.

use crate::kit::Site;

/// A backup whose content is proven.
const GOOD: &str = r#"
steps:
  - { id: dump, run: 'seq 1 2000 > "$WORKDIR/dump"', makes: dump }
verify:
  - command: tail -n 1 "$ARTIFACT"
    expect: exit == 0 && stdout.trim() == "2000"
"#;

#[test]
fn what_somebody_else_looked_at_is_verified() {
    let site = Site::new();
    site.process("good", GOOD);
    let run = site.json(&["run", "good"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.json["executed"], "ok");
    assert_eq!(run.json["verified"], "yes");
}
