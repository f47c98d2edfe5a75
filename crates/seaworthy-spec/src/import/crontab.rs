//! crontab(5) as drafts: the lines of `crontab -l`, and with a user's name those of /etc/crontab and /etc/cron.d.
//!
//! Kept as cron has them: the shell, the environment so far, the folder (a job starts in the home of its user), `%` as
//! the beginning of its standard input, and that nothing is made up for after a downtime. This module must not know
//! other tools.

use seaworthy_core::schedule::{Timetable, zone_exists};
use seaworthy_model::process::{Schedule as Judged, When};

use super::{
    Around, Code, Draft, Schedule, Step, command,
    draft::{Gathered, Notes, variable},
    name,
};
use crate::Source;

/// Ends the standard input of a job in its script.
const INPUT_END: &str = "END_OF_INPUT";

pub(super) fn read(sources: &[Source], around: &Around, gathered: &mut Gathered) {
    for source in sources {
        let mut table = Table {
            file: &source.file,
            users: around.names_users.contains(&source.file),
            env: Vec::new(),
            zone: Ok(around.timezone.clone()),
            shell: None,
            mail: None,
        };
        let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
        for (text, line) in text.lines().zip(1u32..) {
            table.line(text.trim(), line, gathered);
        }
    }
}

/// What the lines above say about those below.
struct Table<'s> {
    file: &'s str,
    /// Whether a line names the user.
    users: bool,
    env: Vec<(u32, String, String)>,
    /// `Err`: the line of a zone that there is not.
    zone: Result<String, u32>,
    shell: Option<String>,
    mail: Option<String>,
}

impl Table<'_> {
    fn line(&mut self, text: &str, line: u32, gathered: &mut Gathered) {
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        match assignment(text) {
            Some((name, value)) => self.assign(name, value, line, gathered),
            None => self.job(text, line, gathered),
        }
    }

    fn assign(&mut self, name: String, value: String, line: u32, gathered: &mut Gathered) {
        match name.as_str() {
            "CRON_TZ" => {
                self.zone = match zone_exists(&value) {
                    Ok(()) => Ok(value),
                    Err(problem) => {
                        let reason = format!("{}; the lines below it are left out", problem.message);
                        gathered.broken(Code::Schedule, self.file, line, "CRON_TZ", reason);
                        Err(line)
                    }
                };
            }
            "SHELL" => self.shell = Some(value).filter(|shell| shell != "/bin/sh"),
            "MAILTO" => {
                self.mail = Some(value).filter(|mail| !mail.is_empty());
                if let Some(mail) = &self.mail {
                    let reason = format!(
                        "add a route to seaworthy.yaml, such as `routes: {{ mail: {{ smtp: {mail} }} }}`, and `tell: {{ route: mail }}` to the processes"
                    );
                    gathered.not_carried(Code::Route, self.file, line, "MAILTO", reason);
                }
            }
            "MAILFROM" | "CONTENT_TYPE" | "CONTENT_TRANSFER_ENCODING" => {
                let reason = "it is about the mails of cron; `smtp:` of seaworthy.yaml says who our mails come from";
                gathered.not_carried(Code::Field, self.file, line, &name, reason);
            }
            "RANDOM_DELAY" | "CRON_WITHIN" | "START_HOURS_RANGE" => {
                let reason = "runs are not delayed by chance; give the lines different minutes";
                gathered.not_carried(Code::Field, self.file, line, &name, reason);
            }
            _ => {
                self.env.retain(|(_, known, _)| *known != name);
                self.env.push((line, name, value));
            }
        }
    }

    fn job(&self, text: &str, line: u32, gathered: &mut Gathered) {
        let what = shown(text);
        let Some((when, rest)) = split_schedule(text) else {
            let reason = "it is neither `NAME=value` nor five fields and a command";
            return gathered.broken(Code::Syntax, self.file, line, &what, reason);
        };
        let what = format!("`{when} …`");
        let (user, command) = match self.users {
            false => (None, rest),
            true => match rest.split_once([' ', '\t']) {
                Some((user, command)) => (Some(user), command.trim_start()),
                None => (None, ""),
            },
        };
        if command.is_empty() {
            let lacks = if self.users { "a user or a command" } else { "a command" };
            return gathered.broken(Code::Syntax, self.file, line, &what, format!("the line lacks {lacks}"));
        }
        if when.eq_ignore_ascii_case("@reboot") {
            let reason = "nothing is started when the host starts; a systemd unit is the place for it";
            return gathered.not_carried(
                Code::Trigger,
                self.file,
                line,
                &format!("`@reboot {}`", program(command)),
                reason,
            );
        }
        let zone = match &self.zone {
            Ok(zone) => zone.clone(),
            Err(at) => {
                let reason = format!("nobody knows its time zone: see CRON_TZ in line {at}");
                return gathered.broken(Code::Schedule, self.file, line, &what, reason);
            }
        };
        let mut notes = Notes::default();
        let when = match when.strip_prefix('-') {
            Some(quiet) => {
                notes.not_carried(Code::Field, (self.file, line), "the leading `-`", "every run is recorded");
                quiet.to_owned()
            }
            None => when,
        };
        if let Err(reason) = fires(&when, &zone) {
            return gathered.broken(Code::Schedule, self.file, line, &what, reason);
        }
        let draft = self.draft(when, zone, user, command, line, &mut notes);
        let taken = gathered.draft(draft);
        gathered.noted(notes, taken);
    }

    fn draft(&self, when: String, zone: String, user: Option<&str>, text: &str, line: u32, notes: &mut Notes) -> Draft {
        let mut draft = Draft { file: self.file.to_owned(), line, name: name::of_command(text), ..Draft::default() };
        let timezone = Some(zone).filter(|zone| zone != "UTC");
        draft.schedule = Some(Schedule { key: "cron", when, timezone, missed: Some("skip"), ..Schedule::default() });
        for (line, name, value) in &self.env {
            variable(&mut draft, notes, (self.file, *line), name, value);
        }
        let shell = self.shell.clone();
        let mut step = Step { script: script(text), ..Step::default() };
        // `root:group` and `root/class` are written on BSD.
        let user = user.map(|user| user.split([':', '/']).next().unwrap_or(user));
        match user.filter(|user| *user != "root") {
            Some(user) => {
                step.shell = command::as_user(user, shell.as_deref().unwrap_or("/bin/sh"));
                notes.changed(Code::User, (self.file, line), format!("user {user}"), command::user_needs(user));
            }
            None => step.shell = shell.map(|shell| vec![shell, "-c".to_owned()]).unwrap_or_default(),
        }
        draft.steps.push(step);
        draft.remarks.push(format!("from {}:{line}", self.file));
        if let Some(mail) = &self.mail {
            draft.remarks.push(format!("MAILTO was {mail}: name a route for it under `tell:`"));
        }
        draft
    }
}

/// `NAME=value` as cron reads it: blanks around, quotes around either.
fn assignment(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let name = unquoted(name.trim());
    let first = name.chars().next()?;
    let is_name =
        (first.is_ascii_alphabetic() || first == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), unquoted(value.trim()).to_owned()))
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// The five fields or the nickname, and the rest.
fn split_schedule(text: &str) -> Option<(String, &str)> {
    if text.starts_with('@') {
        let (nickname, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        return Some((nickname.to_owned(), rest.trim_start()));
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '*' | '-' | '~')) {
        return None;
    }
    let (mut fields, mut rest) = (Vec::new(), text);
    for _ in 0..5 {
        let (field, after) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        if field.is_empty() {
            return None;
        }
        fields.push(field);
        rest = after.trim_start();
    }
    Some((fields.join(" "), rest))
}

/// Whether our own schedule reads it; else why not.
pub(super) fn fires(cron: &str, zone: &str) -> Result<(), String> {
    // A `~` is drawn from the name, whichever that is.
    let spread_by = Some("process".to_owned());
    let schedule = Judged { spread_by, ..Judged::new(When::Cron(cron.to_owned()), zone) };
    Timetable::parse(&schedule).map(drop).map_err(|problem| format!("{}; {}", problem.message, problem.help))
}

/// The script of a job: from the home of its user, with what comes after the first `%` as standard input.
fn script(text: &str) -> String {
    let (mut line, mut input) = (String::new(), None::<String>);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' if chars.peek() == Some(&'%') => chars.next().unwrap_or('%'),
            '%' if input.is_none() => {
                input = Some(String::new());
                continue;
            }
            '%' => '\n',
            other => other,
        };
        input.as_mut().unwrap_or(&mut line).push(c);
    }
    let home = if line.starts_with("cd /") { "" } else { "cd\n" };
    match input {
        None => format!("{home}{line}\n"),
        Some(input) => {
            let mut end = INPUT_END.to_owned();
            while input.lines().any(|line| line == end) {
                end.push('_');
            }
            format!("{home}{{\n{line}\n}} <<'{end}'\n{input}\n{end}\n")
        }
    }
}

/// The name of the program alone: what is given to it may hold a secret.
fn program(command: &str) -> String {
    name::of_command(command)
}

/// A line that was not understood, cut: it may be anything.
fn shown(text: &str) -> String {
    let first = text.split([' ', '\t', '=']).next().unwrap_or_default();
    let cut: String = first.chars().take(40).filter(|c| !c.is_control()).collect();
    format!("the line `{cut} …`")
}
