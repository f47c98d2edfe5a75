//! What a person is told when a step waits for them: what to do, by when, and how to sign for it.
//!
//! This module must not know how a message travels.

use seaworthy_model::{
    event::Event,
    id::MessageId,
    port::Message,
    process::{Action, Duty, Occasion, Process},
    step::Asked,
    time::At,
};

use super::{About, one_line, section};
use crate::{run::Plan, schedule::utc};

/// The steps that began to wait for a person with these events, each with the route that is told, if there is one.
pub fn duties<'a>(process: &Process, plan: &'a Plan, events: &[Event]) -> Vec<(String, &'a str)> {
    let mut out = Vec::new();
    for event in events {
        let Event::PersonAsked(Asked { step, .. }) = event else { continue };
        let Some((id, duty)) = duty(plan, step) else { continue };
        let route = duty.route.clone().or_else(|| process.tell.as_ref().map(|tell| tell.route.clone()));
        out.extend(route.map(|route| (route, id)));
    }
    out
}

fn duty<'a>(plan: &'a Plan, step: &str) -> Option<(&'a str, &'a Duty)> {
    let found = plan.steps.iter().find(|other| other.id == step)?;
    match &found.action {
        Action::Human(duty) | Action::Approve(duty) => Some((&found.id, duty)),
        _ => None,
    }
}

/// The message about one of them.
pub fn about_duty(about: About<'_>, step: &str, id: MessageId, now: At) -> Message {
    let About { site, process, plan, run, state } = about;
    let link = site.public_url.as_ref().map(|url| format!("{}/runs/{run}", url.trim_end_matches('/')));
    let duty = duty(plan, step).map(|(_, duty)| duty);
    let agrees = plan.steps.iter().any(|s| s.id == step && matches!(s.action, Action::Approve(_)));
    let until = state.asked.get(step).map_or(now, |asked| asked.until);
    let (asks, sign) = match agrees {
        true => ("asks for a yes", format!("seaworthy approve {run} {step}")),
        false => ("asks a person", format!("seaworthy sign {run} {step} --evidence TEXT")),
    };
    let what = duty.map(|duty| duty.text.clone()).unwrap_or_default();
    let procedure = duty.and_then(|duty| duty.procedure.clone());
    let mut text = format!("{}: step {step} {asks}, until {}\n", process.name, utc(until));
    section(&mut text, "What", &what.lines().map(str::to_owned).collect::<Vec<_>>());
    section(&mut text, "Follow", procedure.as_slice());
    section(&mut text, "Then", &[sign]);
    section(&mut text, "Look", link.as_slice());
    Message {
        id,
        occasion: Occasion::Asked,
        site: site.name.clone(),
        process: process.name.clone(),
        subject: one_line(&format!("[{}] {} {asks}: {what}", site.name, process.name)),
        text,
        expected: vec![],
        seen: vec![],
        tried: vec![],
        procedure,
        link,
        run: Some(run),
        at: now,
    }
}
