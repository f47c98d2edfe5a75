//! The files of a simulated site, drawn by chance: what a team might write, and what a hasty hand leaves behind.
//!
//! This module must not know what comes of a file.

use crate::Dice;

/// Most processes of a site.
pub const PROCESSES_MAX: u64 = 3;

/// `seaworthy.yaml`.
pub const SITE: &str = "\
site: sim
teams:
  ops: { people: [ada@example.com, grace@example.com] }
routes:
  oncall: { command: tell oncall }
  boss: { command: tell boss }
";

/// The name of the nth process.
pub fn name(n: u64) -> String {
    format!("p{n}")
}

/// A process file: one to four steps in a chain or side by side, a check for each or only for the last, a ladder, and
/// often the other facets.
pub fn process(name: &str, dice: &mut Dice, triggers: bool) -> String {
    let mut text = format!("process: {name}\n");
    let schedule = schedule(dice);
    if triggers {
        text += &schedule;
    }
    let count = dice.between(1, 4);
    let only_last = dice.percent(25);
    let named = *dice.pick(&[0, 50, 100]);
    let proven = dice.percent(95);
    let mut verify = String::new();
    let mut artifact = None;
    text += "steps:\n";
    for n in 0..count {
        let effect = if proven { *dice.pick(&["read", "idempotent", "once"]) } else { "idempotent" };
        let timeout = dice.pick(&["4s", "30s", "2m"]);
        text += &format!("  - id: s{n}\n    run: do s{n}\n    effect: {effect}\n    timeout: {timeout}\n");
        if n > 0 && dice.percent(60) {
            text += &format!("    needs: [s{}]\n", dice.below(n));
        }
        if dice.percent(40) {
            text += &format!("    makes: a{n}\n");
            verify += &format!("  - artifact: a{n}\n    expect: size > 1KiB\n");
            artifact = Some(n);
        }
        if !only_last || n + 1 == count {
            verify += &format!("  - name: look s{n}\n    command: see s{n}\n    expect: stdout == \"whole\"\n");
            verify += &format!("    timeout: {}\n", dice.pick(&["1s", "20s"]));
            if dice.percent(named) {
                verify += &format!("    of: s{n}\n");
            }
        }
    }
    if proven {
        text += &format!("verify:\n{verify}");
    }
    text += &ladder(dice);
    text += &facets(dice, triggers, artifact.is_some());
    text
}

fn schedule(dice: &mut Dice) -> String {
    let when = match dice.below(10) {
        0..=3 => format!("every: {}", dice.pick(&["7s", "20s", "1m", "5m"])),
        4 => "cron: \"*/2 * * * *\"".to_owned(),
        5 => format!("cron: \"{} * * * *\"", dice.below(60)),
        6 | 7 => "cron: \"30 2 * * *\"".to_owned(),
        8 => "cron: \"*/30 1-3 * * *\"".to_owned(),
        _ => return String::new(),
    };
    let zone = dice.pick(&["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]);
    let missed = dice.pick(&["skip", "latest", "latest", "all"]);
    let overlap = dice.pick(&["forbid", "forbid", "{ queue: 2 }", "replace", "allow"]);
    let within = if dice.percent(20) { ", within: 2h" } else { "" };
    format!("schedule: {{ {when}, timezone: {zone}, missed: {missed}, overlap: {overlap}{within} }}\n")
}

fn ladder(dice: &mut Dice) -> String {
    let rungs: Vec<String> = (0..dice.below(4))
        .map(|_| match dice.below(3) {
            0 => format!("  - retry: {{ times: {}, backoff: 1s..20s }}\n", dice.between(1, 3)),
            1 => "  - run: mend\n    timeout: 30s\n".to_owned(),
            _ => format!("  - tell: {}\n", dice.pick(&["oncall", "boss"])),
        })
        .collect();
    if rungs.is_empty() { String::new() } else { format!("heal:\n{}", rungs.concat()) }
}

fn facets(dice: &mut Dice, triggers: bool, artifact: bool) -> String {
    let mut text = String::new();
    if dice.percent(60) {
        text += "watch: { start_within: 30s, finish_within: 1m }\n";
    }
    let when = "[failed, missed, unverified, unknown, late, long, healed]";
    text += &match dice.below(10) {
        0..=6 => format!("tell: {{ when: {when}, route: oncall }}\n"),
        7 => "tell: { when: [failed], route: boss }\n".to_owned(),
        _ => String::new(),
    };
    if dice.percent(30) && artifact {
        let every = if triggers { "    every: 40s\n" } else { "" };
        text += &format!(
            "drill:\n  restore:\n{every}    steps:\n      - id: restore\n        run: do restore\n        timeout: 30s\n    verify:\n      - command: see restore\n        expect: stdout == \"whole\"\n    after:\n      - id: tidy\n        run: do tidy\n        timeout: 30s\n"
        );
    }
    text += &format!("keep: {}\n", dice.between(1, 3));
    text
}

/// What is left of a file when its writer was disturbed.
pub fn broken(text: &str, dice: &mut Dice) -> String {
    match dice.below(4) {
        0 => String::new(),
        1 => text.replace("steps:", "stpes:"),
        2 => text[..text.len() / 2].to_owned(),
        _ => format!("{text}steps: [\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaworthy_spec::{Severity, Source, read};

    #[test]
    fn what_is_drawn_can_be_loaded() {
        for seed in 0..300 {
            let text = process("p0", &mut Dice::new(seed), seed % 2 == 0);
            let source = |file: &str, text: &str| Source { file: file.into(), text: text.into() };
            let read = read(&source("seaworthy.yaml", SITE), &[source("ops/p0.yaml", &text)], &|_| true);
            let errors: Vec<String> = read
                .diagnostics
                .iter()
                .filter(|d| matches!(d.severity, Severity::Error))
                .map(|d| d.render(false))
                .collect();
            assert!(errors.is_empty() && read.processes.len() == 1, "{text}\n{errors:?}");
        }
    }
}
