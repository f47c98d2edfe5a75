//! The service of a timer as steps: its commands in order, environment, folder, user and limit.
//!
//! This module must not know when it is due.

use super::{
    super::{
        Code, Draft, Step, command,
        draft::{Notes, variable},
    },
    unit::{self, Setting, Unit},
};

/// Keys that become part of the draft; each is read somewhere in this file, or in the parent.
const CARRIED: [&str; 11] = [
    "ExecStartPre",
    "ExecStart",
    "ExecStartPost",
    "Environment",
    "WorkingDirectory",
    "User",
    "TimeoutStartSec",
    "TimeoutSec",
    "RuntimeMaxSec",
    "Type",
    "SyslogIdentifier",
];

/// Carries over what a process can say; the rest is noted.
pub fn carry(stem: &str, service: &Unit, draft: &mut Draft, notes: &mut Notes) {
    for setting in service.all("Service", "Environment") {
        for word in words(&specified(stem, &setting.value)) {
            match word.text.split_once('=') {
                Some((name, value)) => variable(draft, notes, setting.at(), name, value),
                None => notes.not_carried(Code::Field, setting.at(), setting.what(), "it has no `NAME=value`"),
            }
        }
    }
    let limit = ["RuntimeMaxSec", "TimeoutStartSec", "TimeoutSec"];
    let limit = limit.iter().find_map(|key| service.last("Service", key));
    let timeout = limit.and_then(|setting| unit::span(&setting.value)).filter(|span| span.0 > 0);
    let user =
        service.last("Service", "User").map(|s| (s, specified(stem, &s.value))).filter(|(_, user)| user != "root");
    if let Some((setting, user)) = &user {
        notes.changed(Code::User, setting.at(), setting.what(), command::user_needs(user));
    }
    let folder = service.last("Service", "WorkingDirectory").map(|setting| specified(stem, &setting.value));
    let commands = ["ExecStartPre", "ExecStart", "ExecStartPost"].iter().flat_map(|key| service.all("Service", key));
    for setting in commands {
        let Some(mut step) =
            step(stem, setting, user.as_ref().map(|(_, user)| user.as_str()), folder.as_deref(), notes)
        else {
            continue;
        };
        step.timeout = timeout;
        step.id = Some(format!("step-{}", draft.steps.len() + 1));
        step.needs = draft.steps.last().and_then(|before| before.id.clone()).into_iter().collect();
        draft.steps.push(step);
    }
    if let [only] = &mut draft.steps[..] {
        only.id = None;
    }
    rest(service, notes);
}

/// Names everything that is not in the draft.
fn rest(service: &Unit, notes: &mut Notes) {
    for setting in &service.settings {
        let known = match setting.section.as_str() {
            "Service" => CARRIED.contains(&setting.key.as_str()),
            section => section == "Unit" && matches!(setting.key.as_str(), "Description" | "Documentation"),
        };
        if setting.key == "Type" && matches!(setting.value.as_str(), "forking" | "notify" | "dbus" | "notify-reload") {
            let reason = "a step ends when its command ends, and what it leaves behind is ended too";
            notes.changed(Code::Field, setting.at(), setting.what(), reason);
        }
        if !known && !setting.value.is_empty() {
            notes.not_carried(Code::Field, setting.at(), setting.what(), why_not(setting));
        }
    }
}

fn why_not(setting: &Setting) -> &'static str {
    let key = setting.key.as_str();
    match setting.section.as_str() {
        "Install" => return "a process is in force when its file is there; there is nothing to enable",
        "Unit" if key.starts_with("Condition") || key.starts_with("Assert") => {
            return "write the condition into the command";
        }
        "Unit" if key == "OnFailure" || key == "OnSuccess" => {
            return "say who is told with `tell:`, and what is tried with `heal:`";
        }
        "Unit" => return "there is no order between units here",
        _ => {}
    }
    match key {
        "EnvironmentFile" | "PassEnvironment" | "UnsetEnvironment" => "write the variables under `env:` or `secrets:`",
        "Group" | "SupplementaryGroups" | "DynamicUser" => "runuser takes the groups of the user",
        "ExecCondition" | "ExecStop" | "ExecStopPost" | "ExecReload" => {
            "a process has steps, and `after:` of a drill; write it into the command"
        }
        "Nice" | "IOSchedulingClass" | "IOSchedulingPriority" | "CPUSchedulingPolicy" | "OOMScoreAdjust" => {
            "write `nice` or `ionice` into the command"
        }
        "Restart" | "RestartSec" => "write `heal: [{ retry: … }]`",
        "SuccessExitStatus" => "only exit code 0 is a success; write `|| [ $? -eq N ]` into the command",
        "StandardOutput" | "StandardError" | "StandardInput" => "output is kept with the run",
        "LoadCredential" | "SetCredential" | "LoadCredentialEncrypted" => "write it under `secrets:`",
        "CPUQuota" | "MemoryMax" | "MemoryHigh" | "TasksMax" | "CPUWeight" | "IOWeight" => {
            "there are no limits of resources here; go through `systemd-run`"
        }
        _ => "a step has no sandbox; go through `systemd-run` to keep it",
    }
}

/// One command line. `None` when it cannot be carried over, which was noted then.
fn step(stem: &str, setting: &Setting, user: Option<&str>, folder: Option<&str>, notes: &mut Notes) -> Option<Step> {
    let line = specified(stem, &setting.value);
    let marks = line.len() - line.trim_start_matches(['-', '+', '!', '@', ':']).len();
    let (marks, line) = line.split_at(marks);
    if line.trim().is_empty() {
        return None;
    }
    if marks.contains('@') {
        notes.not_carried(Code::Command, setting.at(), setting.what(), "a program cannot be given another name here");
        return None;
    }
    if has_other_specifiers(&setting.value) {
        let reason = "it has a specifier that is not known here; look at the command before it is used";
        notes.changed(Code::Command, setting.at(), setting.what(), reason);
    }
    let privileged = marks.contains(['+', '!']);
    let words = words(line);
    let expands = !marks.contains(':') && words.iter().any(|word| word.text.contains('$'));
    let ignored = marks.contains('-');
    let arguments: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
    let user = user.filter(|_| !privileged);
    if !expands && !ignored && folder.is_none() {
        let as_user = user.map(|user| ["runuser", "-u", user, "--"].map(str::to_owned).to_vec()).unwrap_or_default();
        return Some(Step { arguments: [as_user, arguments].concat(), ..Step::default() });
    }
    let mut script = String::new();
    if let Some(folder) = folder {
        let (folder, optional) = folder.strip_prefix('-').map_or((folder, false), |folder| (folder, true));
        let folder = if folder == "~" { String::new() } else { format!(" {}", command::quoted(folder)) };
        script.push_str(&format!("cd{folder} || {}\n", if optional { ":" } else { "exit" }));
    }
    let said: Vec<String> =
        words.iter().map(|word| if expands { word.for_shell() } else { command::quoted(&word.text) }).collect();
    script.push_str(&said.join(" "));
    if ignored {
        script.push_str(" || :");
    }
    script.push('\n');
    let shell = user.map(|user| command::as_user(user, "/bin/sh")).unwrap_or_default();
    Some(Step { script, shell, ..Step::default() })
}

/// The specifiers that follow from the name of the unit; others stay as they are.
pub fn specified(stem: &str, text: &str) -> String {
    let (prefix, instance) = stem.split_once('@').unwrap_or((stem, ""));
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('%') => out.push('%'),
            Some('n') => out.push_str(&format!("{stem}.service")),
            Some('N') => out.push_str(stem),
            Some('p') => out.push_str(prefix),
            Some('i') => out.push_str(instance),
            Some('I') => out.push_str(&instance.replace('-', "/")),
            Some(other) => out.extend(['%', other]),
            None => out.push('%'),
        }
    }
    out
}

/// Whether `specified` leaves something as it is.
fn has_other_specifiers(text: &str) -> bool {
    let known = ["%%", "%n", "%N", "%p", "%i", "%I"];
    known.iter().fold(text.to_owned(), |text, specifier| text.replace(specifier, "")).contains('%')
}

/// A word of a command line, and whether it stood in single quotes.
struct Word {
    text: String,
    quoted: bool,
}

impl Word {
    /// For a shell: `$$` is a dollar, `$X` alone may become several words, and `${X}` stays one.
    fn for_shell(&self) -> String {
        let name = self.text.strip_prefix('$').filter(|name| !name.is_empty() && name.chars().all(is_of_name));
        if name.is_some() && !self.quoted {
            return self.text.clone();
        }
        if !self.text.contains('$') {
            return command::quoted(&self.text);
        }
        let mut out = String::from("\"");
        let mut chars = self.text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '$' if chars.peek() == Some(&'$') => {
                    chars.next();
                    out.push_str("\\$");
                }
                '"' | '\\' | '`' => out.extend(['\\', c]),
                c => out.push(c),
            }
        }
        out.push('"');
        out
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Words as systemd.service(5) splits them: blanks, both quotes, backslashes.
fn words(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut open: Option<Word> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, ' ' | '\t') => words.extend(open.take()),
            (None, '"' | '\'') => {
                quote = Some(c);
                open.get_or_insert(Word { text: String::new(), quoted: false }).quoted = true;
            }
            (Some(end), c) if c == end => quote = None,
            (_, '\\') => {
                let word = open.get_or_insert(Word { text: String::new(), quoted: false });
                match chars.next() {
                    Some('n') => word.text.push('\n'),
                    Some('t') => word.text.push('\t'),
                    Some('s') => word.text.push(' '),
                    Some(other) => word.text.push(other),
                    None => word.text.push('\\'),
                }
            }
            (_, c) => open.get_or_insert(Word { text: String::new(), quoted: false }).text.push(c),
        }
    }
    words.extend(open);
    words
}
