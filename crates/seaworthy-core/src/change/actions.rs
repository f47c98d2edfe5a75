//! What a step does, of two definitions: who is asked, which answers count, whose verdict is taken.
//!
//! This module must not know what else stands in a step.

use seaworthy_model::{
    deed::{Request, Statements},
    process::{Action, Duty, Proof},
};

use super::{Difference, checks};

/// That a step of this kind is gone takes a person or a proof away.
pub(super) fn taken(action: &Action) -> Option<&'static str> {
    match action {
        Action::Human(_) => Some("no person does it any more"),
        Action::Approve(_) => Some("nobody agrees any more"),
        Action::Process(_) => Some("the verdict of another process is not waited for any more"),
        _ => None,
    }
}

/// `step` stands before each text.
pub(super) fn compare(step: &str, old: &Action, new: &Action, out: &mut Vec<Difference>) {
    let shown = |text: String| Difference::shown(format!("{step} {text}"));
    match (old, new) {
        (Action::Run(before), Action::Run(after)) => {
            out.push(shown(format!("runs `{}` instead of `{}`", checks::line(after), checks::line(before))));
        }
        (Action::Human(before), Action::Human(after)) | (Action::Approve(before), Action::Approve(after)) => {
            duty(step, before, after, out);
        }
        (Action::Http(before), Action::Http(after)) => request(step, before, after, out),
        (Action::Sql(before), Action::Sql(after)) => statements(step, before, after, out),
        (Action::Process(before), Action::Process(after)) if before.process == after.process => {
            out.push(shown("gives the other process other inputs".to_owned()));
        }
        (Action::Process(before), Action::Process(after)) => {
            let text = format!("{step} takes the verdict of `{}` instead of `{}`", after.process, before.process);
            out.push(Difference::weaker(text));
        }
        _ => out.push(match taken(old) {
            Some(loss) => Difference::weaker(format!("{step} does something else: {loss}")),
            None => shown("does something else".to_owned()),
        }),
    }
}

fn duty(step: &str, old: &Duty, new: &Duty, out: &mut Vec<Difference>) {
    let before = out.len();
    let worth = |proof: Proof| match proof {
        Proof::None => 0,
        Proof::Text => 1,
        Proof::Link | Proof::File => 2,
    };
    if old.evidence != new.evidence {
        let text = format!("{step}: evidence from {} to {}", old.evidence.word(), new.evidence.word());
        out.push(Difference { text, weaker: worth(new.evidence) < worth(old.evidence) });
    }
    if old.within != new.within {
        out.push(Difference::shown(format!("{step}: within from {} to {}", old.within, new.within)));
    }
    if old.route != new.route {
        out.push(Difference::shown(format!("{step}: another route is told")));
    }
    if out.len() == before || old.text != new.text || old.procedure != new.procedure {
        out.push(Difference::shown(format!("{step}: what the person is asked for changed")));
    }
}

/// Addresses and bodies are not shown: somebody may have written a secret there.
fn request(step: &str, old: &Request, new: &Request, out: &mut Vec<Difference>) {
    let counts = |request: &Request, code: u16| match request.status.is_empty() {
        true => (200..300).contains(&code),
        false => request.status.contains(&code),
    };
    let more: Vec<String> =
        (100..600).filter(|code| counts(new, *code) && !counts(old, *code)).map(|code| code.to_string()).collect();
    if !more.is_empty() {
        let named = if more.len() > 10 { format!("{} more", more.len()) } else { more.join(", ") };
        out.push(Difference::weaker(format!("{step} is done now at other answers, too: {named}")));
    } else if old.status != new.status {
        out.push(Difference::shown(format!("{step} is done at fewer answers")));
    }
    let mut what = Vec::new();
    if old.method != new.method {
        what.push(format!("{} instead of {}", new.method, old.method));
    }
    let parts = [
        ("another address", old.url != new.url),
        ("other headers", old.headers != new.headers),
        ("another body", old.body != new.body),
        ("another number of redirects", old.redirects != new.redirects),
    ];
    what.extend(parts.into_iter().filter(|(_, changed)| *changed).map(|(part, _)| part.to_owned()));
    if !what.is_empty() {
        out.push(Difference::shown(format!("{step} sends another request: {}", what.join(", "))));
    }
}

fn statements(step: &str, old: &Statements, new: &Statements, out: &mut Vec<Difference>) {
    if old.url != new.url {
        out.push(Difference::shown(format!("{step} writes to another database")));
    }
    if (&old.statements, &old.params) != (&new.statements, &new.params) {
        out.push(Difference::shown(format!("{step} carries out other statements")));
    }
    if old.alone != new.alone {
        let text = if new.alone { "is not in a transaction any more" } else { "is in a transaction now" };
        out.push(Difference { text: format!("{step} {text}"), weaker: new.alone });
    }
}
