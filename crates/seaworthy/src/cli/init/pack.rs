//! The packs that this program carries, and how one is filled in.
//!
//! A pack is a folder under `packs/`: `pack.yaml` (its header), process files and procedures with `{{name}}` where an
//! answer goes. One more pack is one more folder and two lines here. This module must not write files.

use std::collections::BTreeMap;

use seaworthy_spec::{Pack, Source};

/// A folder under `packs/`, as it was when this program was built.
pub struct Folder {
    pub name: &'static str,
    header: &'static str,
    /// Name and text of each other file.
    files: &'static [(&'static str, &'static str)],
}

macro_rules! packs {
    ($($name:literal: [$($file:literal),+],)+) => {
        &[$(Folder {
            name: $name,
            header: include_str!(concat!("../../../../../packs/", $name, "/pack.yaml")),
            files: &[$(($file, include_str!(concat!("../../../../../packs/", $name, "/", $file)))),+],
        }),+]
    };
}

/// Every pack, in the order in which they are listed.
pub static PACKS: &[Folder] = packs![
    "postgres":
        ["process.yaml", "failed.md", "restore.md"],
    "mysql":
        ["process.yaml", "failed.md", "restore.md"],
    "sqlite":
        ["process.yaml", "failed.md", "restore.md"],
    "files-restic":
        ["process.yaml", "failed.md", "restore.md"],
    "files-borg":
        ["process.yaml", "failed.md", "restore.md"],
    "certificate":
        ["process.yaml", "failed.md"],
    "disk-space":
        ["process.yaml", "failed.md"],
    "system-updates":
        ["process.yaml", "failed.md"],
    "log-rotation":
        ["process.yaml", "failed.md"],
    "release-checklist":
        ["process.yaml", "items.md", "failed.md", "rollback.md"],
    "oncall-handover":
        ["process.yaml", "items.md", "failed.md", "alarm.md"],
    "seaworthy-backup":
        ["process.yaml", "failed.md", "restore.md"],
];

/// Longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 1_024;

/// A file to be written, relative to the site's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    pub file: String,
    pub text: String,
}

impl Folder {
    /// The pack of this name.
    pub fn find(name: &str) -> Option<&'static Folder> {
        PACKS.iter().find(|folder| folder.name == name)
    }

    /// Its header.
    pub fn header(&self) -> Pack {
        let source = Source { file: format!("packs/{}/pack.yaml", self.name), text: self.header.to_owned() };
        seaworthy_spec::pack(&source).expect("a test reads the header of every pack")
    }

    /// Its files with these answers; the answer `process` names them. The error is a sentence.
    pub fn fill(&self, answers: &BTreeMap<String, String>) -> Result<Vec<Filled>, String> {
        for (name, answer) in answers {
            plain(name, answer)?;
        }
        let process = answers.get("process").map(String::as_str).unwrap_or(self.name);
        let filled = self.files.iter().map(|(file, text)| {
            let file = match file.rsplit_once('.') {
                Some(("process", "yaml")) => format!("ops/{process}.yaml"),
                Some((stem, "yaml")) => format!("ops/{process}-{stem}.yaml"),
                _ => format!("procedures/{process}-{file}"),
            };
            Ok(Filled { file, text: fill(text, answers)? })
        });
        filled.collect()
    }
}

/// An answer stands in quotes in a file: what would end them, or the line, is refused.
fn plain(name: &str, answer: &str) -> Result<(), String> {
    if let Some(wrong) = answer.chars().find(|c| c.is_control() || matches!(c, '"' | '\\' | '{' | '}')) {
        return Err(format!(
            "the answer to `{name}` must not contain {wrong:?}; write such a value into the file itself"
        ));
    }
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(format!("the answer to `{name}` has more than {ANSWER_BYTES_MAX} bytes"));
    }
    Ok(())
}

/// Puts answers in the place of `{{name}}`. A line with `{{?name}}` is left out if the answer is empty.
fn fill(text: &str, answers: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    'lines: for line in text.lines() {
        let (mut rest, mut out) = (line, String::with_capacity(line.len()));
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or_else(|| format!("`{{{{` is not closed in `{line}`"))?;
            let (name, optional) = name.strip_prefix('?').map_or((name, false), |name| (name, true));
            let answer = answers.get(name).ok_or_else(|| format!("nothing answers `{name}`"))?;
            if optional && answer.is_empty() {
                continue 'lines;
            }
            out.push_str(before);
            out.push_str(answer);
            rest = after;
        }
        filled.push_str(&out);
        filled.push_str(rest);
        filled.push('\n');
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, answer)| ((*name).to_owned(), (*answer).to_owned())).collect()
    }

    #[test]
    fn answers_take_their_places_and_an_empty_one_may_leave_its_line_out() {
        let text = "a: \"{{x}}/{{y}}\"\nsecrets: [{{?z}}]\nend: {{y}}\n";
        assert_eq!(fill(text, &answers(&[("x", "1"), ("y", "2"), ("z", "")])).unwrap(), "a: \"1/2\"\nend: 2\n");
        assert_eq!(fill(text, &answers(&[("x", "1"), ("y", "2"), ("z", "S")])).unwrap().lines().count(), 3);
        assert_eq!(fill("{{q}}", &answers(&[])).unwrap_err(), "nothing answers `q`");
    }

    #[test]
    fn an_answer_that_would_leave_its_quotes_is_refused() {
        for wrong in ["a\"b", "a\nb", "a\\b", "{{process}}"] {
            let said = PACKS[0].fill(&answers(&[("database", wrong)])).unwrap_err();
            assert!(said.starts_with("the answer to `database` must not contain"), "{said}");
        }
    }

    #[test]
    fn every_pack_has_a_header_whose_defaults_fill_its_files() {
        let mut names = std::collections::BTreeSet::new();
        for folder in PACKS {
            let pack = folder.header();
            assert_eq!(pack.name, folder.name);
            assert!(names.insert(folder.name), "`{}` is listed twice", folder.name);
            assert!(pack.asks.iter().any(|ask| ask.name == "process"), "`{}` cannot be named", folder.name);
            let mut given = answers(&[("team", "ops"), ("route", "oncall"), ("timezone", "UTC")]);
            given.extend(pack.asks.iter().map(|ask| (ask.name.clone(), ask.default.clone())));
            let filled = folder.fill(&given).unwrap_or_else(|e| panic!("{}: {e}", folder.name));
            for ask in &pack.asks {
                let used = folder.files.iter().any(|(_, text)| {
                    text.contains(&format!("{{{{{}}}}}", ask.name)) || text.contains(&format!("{{{{?{}}}}}", ask.name))
                });
                assert!(used, "`{}` asks for `{}` and does not use it", folder.name, ask.name);
            }
            let (ops, procedures): (Vec<_>, Vec<_>) = filled.iter().partition(|f| f.file.starts_with("ops/"));
            let site = Source {
                file: "seaworthy.yaml".into(),
                text: super::super::SITE.replace("NAME", "s").replace("ops-oncall", "oncall"),
            };
            let sources: Vec<Source> =
                ops.iter().map(|f| Source { file: f.file.clone(), text: f.text.clone() }).collect();
            let read = seaworthy_spec::read(&site, &sources, &|path| procedures.iter().any(|f| f.file == path));
            let said: String = read.diagnostics.iter().map(|d| d.render(false)).collect();
            assert!(said.is_empty(), "{}: {said}", folder.name);
            for (file, process) in &read.processes {
                assert!(process.missing().is_empty(), "{file} lacks {:?}", process.missing());
                let tell = process.tell.as_ref().unwrap();
                assert!(tell.procedure.is_some(), "{file} tells without a procedure");
            }
        }
    }
}
