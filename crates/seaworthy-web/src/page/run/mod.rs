//! One run as one story, top-down: the two verdicts, expected against seen, what was tried, who was told, what to do
//! now; then tracks, steps with output, artifacts, checks, the host, and the records that all of it rests on.
//!
//! The same for a run that goes on and one that has ended. This module must not judge: it words what was recorded.

mod evidence;
mod parts;
mod verdict;

pub use parts::output_href;

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    response::Response,
};
use seaworthy_model::{
    access::Action as May,
    entry::{Entry, Stream},
    id::RunId,
    process::Action,
    run::Cause,
    time::At,
    view::MessageRow,
};

use self::{
    evidence::{CheckView, HostView, MadeView, RecordView},
    parts::{Group, Told, Tried, Voice},
    verdict::{Lead, Pair},
};
use crate::{
    app::{App, Fault, Frame, Shared},
    door::Asker,
    moment::Moment,
    page::{Region, ask::INPUT_PREFIX, field::written, output::Log},
    plot::Tracks,
    shape::State,
    show,
    story::Story,
    words::Words,
};

/// Messages of one run that are read.
const MESSAGES_MAX: usize = 50;

/// What the templates read.
pub struct RunView {
    pub base: String,
    pub run: String,
    pub process: String,
    pub process_href: String,
    pub is_drill: bool,
    pub lead: Lead,
    pub pairs: Vec<Pair>,
    pub tried: Vec<Tried>,
    pub told: Vec<Told>,
    /// Path of the written steps to follow, when a person should.
    pub procedure: Option<String>,
    pub needs_person: bool,
    pub live: bool,
    pub cancel_asked: Option<String>,
    pub can_resume: bool,
    /// Where it can be begun once more as a new run: ids of steps, and whether that one is offered first.
    pub froms: Vec<(String, bool)>,
    /// Something outside starts it: nobody can here.
    pub outside: bool,
    /// Steps that wait for a person: their page's address, id, what is asked, and until when.
    pub duties: Vec<(String, String, String, Moment)>,
    /// Names and values of the form that asks for the same once more.
    pub inputs: Vec<(String, String)>,
    pub facts: Vec<(&'static str, String)>,
    /// Of a run that is a step: address and words of the one that waits for it.
    pub parent: Option<(String, String)>,
    /// Of a drill: the run whose artifact it restores, and which.
    pub restores: Option<(String, String)>,
    pub requested: Moment,
    pub tracks: Tracks,
    pub log: Option<Log>,
    /// What verification and healing said since the last attempt began, while the run goes on.
    pub voices: Vec<Voice>,
    pub attempts: Vec<Group>,
    pub made: Vec<MadeView>,
    pub checks: Vec<CheckView>,
    pub hosts: Vec<HostView>,
    pub records: Vec<RecordView>,
    pub records_more: usize,
    pub unreadable: Vec<Words>,
    pub position: u64,
}

#[derive(Template)]
#[template(path = "run.html")]
struct Page<'a> {
    frame: Frame,
    view: &'a RunView,
}

/// One template per region; all of them read the same view.
macro_rules! part {
    ($name:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'a> {
            view: &'a RunView,
        }
    };
}

part!(VerdictPart, "run/verdict.html");
part!(StoryPart, "run/story.html");
part!(TracksPart, "run/tracks.html");
part!(LogPart, "run/log.html");
part!(VoicesPart, "run/voices.html");
part!(StepsPart, "run/steps.html");
part!(ResultsPart, "run/results.html");
part!(HostPart, "run/host.html");
part!(RecordsPart, "run/records.html");

pub async fn show(Extract(app): Extract<Shared>, asker: Asker, Path(id): Path<String>) -> Response {
    let made = async {
        let run = find(&app, &id).await?;
        let mut view = read(&app, run).await?;
        let loaded = app.web.definitions.current();
        let known = loaded.processes.get(&view.process);
        // What commands write has a right of its own.
        if !known.map_or_else(|| asker.may_here(May::Output), |known| asker.may(May::Output, &known.process)) {
            view.log = None;
        }
        if let Some(log) = &mut view.log {
            log.fill(&app).await;
        }
        let title = format!("{} {}", view.process, if view.is_drill { "drill" } else { "run" });
        Ok(Page { frame: app.frame(&title, "", &format!("run/{run}"), view.position), view: &view }.render()?)
    };
    app.page(made.await)
}

/// The run that this id, or the beginning of one, means.
///
/// # Errors
/// [`Fault`] when it means none or several.
pub async fn find(app: &App, id: &str) -> Result<RunId, Fault> {
    if let Ok(run) = id.parse() {
        return Ok(run);
    }
    let text = id.strip_prefix("run_").unwrap_or(id);
    let like = app.web.views.runs_like(text).await?;
    match like.as_slice() {
        [run] => Ok(*run),
        [] => Err(Fault::missing(format!("no run begins with `{}`", show::middle(id, 60)))),
        _ => Err(Fault::missing(format!("{} runs begin with `{id}`: give more of the id", like.len()))),
    }
}

/// The parts of the page that change, and the position that they are true for.
pub async fn regions(app: &App, run: RunId) -> Result<(u64, Vec<Region>), Fault> {
    let view = &read(app, run).await?;
    Ok((
        view.position,
        vec![
            Region::of("verdict", &VerdictPart { view })?,
            Region::of("story", &StoryPart { view })?,
            Region::of("tracks", &TracksPart { view })?,
            Region::of("log", &LogPart { view })?,
            Region::of("voices", &VoicesPart { view })?,
            Region::of("steps", &StepsPart { view })?,
            Region::of("results", &ResultsPart { view })?,
            Region::of("host", &HostPart { view })?,
            Region::of("records", &RecordsPart { view })?,
        ],
    ))
}

/// The story of a run and its entries.
///
/// # Errors
/// [`Fault`] when there is none.
pub async fn story(app: &App, run: RunId) -> Result<(Story, Vec<Entry>), Fault> {
    let entries = app.web.journal.stream(&Stream::run(run), 0).await?;
    let story = Story::fold(run, &entries).ok_or_else(|| {
        Fault::missing(match entries.len() {
            0 => format!("there is no {run}"),
            n => {
                format!("{run} has {n} entries, but its request cannot be read any more (retention or a newer format)")
            }
        })
    })?;
    Ok((story, entries))
}

async fn read(app: &App, run: RunId) -> Result<RunView, Fault> {
    let position = app.web.journal.frontier().await?.size;
    let (story, entries) = story(app, run).await?;
    let now = app.now();
    let mut messages = app.web.views.messages(Some(run), MESSAGES_MAX).await?;
    if let Some(watch) = &app.web.watch_views {
        messages.extend(watch.messages(Some(run), MESSAGES_MAX).await?);
    }
    messages.sort_by_key(|message: &MessageRow| message.due_at);
    let loaded = app.web.definitions.current();
    let pinned = loaded.processes.get(&story.process);
    let lead = verdict::lead(&story, now);
    let needs_person = lead.state.is_trouble() && lead.state != State::Troubled;
    let facts = facts(app, &story, &entries, pinned.map(|pinned| pinned.digest.as_str())).await?;
    let inputs = story.inputs.iter().map(|(name, value)| (format!("{INPUT_PREFIX}{name}"), written(value))).collect();
    Ok(RunView {
        outside: pinned.is_some_and(|pinned| pinned.process.pinged),
        inputs,
        duties: duties(app, &story, run, now).await?,
        froms: pinned.map_or(vec![], |pinned| parts::froms(&story, &pinned.process)),
        can_resume: !pinned.is_some_and(|pinned| pinned.process.pinged)
            && story.kind == seaworthy_model::run::Kind::Run
            && story.end.as_ref().is_some_and(|end| end.executed != seaworthy_model::run::Executed::Ok),
        base: app.web.base.clone(),
        run: run.to_string(),
        process: story.process.clone(),
        process_href: format!("{}/processes/{}", app.web.base, show::segment(&story.process)),
        is_drill: story.kind == seaworthy_model::run::Kind::Drill,
        pairs: verdict::pairs(&story),
        tried: parts::tried(&story, now),
        told: messages.iter().map(|row| Told::of(row, now)).collect(),
        procedure: pinned.and_then(|pinned| pinned.process.tell.as_ref()?.procedure.clone()),
        needs_person,
        live: story.end.is_none(),
        cancel_asked: story.cancel.as_ref().map(|(_, reason)| reason.clone()),
        facts,
        parent: match &story.cause {
            Cause::Step { run, step, .. } => {
                Some((format!("{}/runs/{run}", app.web.base), format!("step {step} of {run}")))
            }
            _ => None,
        },
        restores: story.artifact.as_ref().map(|artifact| {
            let href = format!("{}/runs/{}", app.web.base, artifact.from_run);
            (href, format!("{}, {}", artifact.name, show::bytes(artifact.bytes)))
        }),
        requested: Moment { at: story.requested_at, now },
        tracks: Tracks::of(&story, now),
        log: story.attempts.last().filter(|_| story.end.is_none()).map(|last| Log::of(&app.web.base, run, last)),
        voices: parts::voices(&story, now),
        attempts: {
            let same = pinned.filter(|pinned| pinned.digest == story.digest);
            parts::attempts(&app.web.base, &story, same.map_or(&[], |pinned| &pinned.process.steps), now)
        },
        made: evidence::made(&story, now),
        checks: evidence::checks(&story),
        hosts: evidence::hosts(&story, now),
        records: evidence::records(&entries, now),
        records_more: entries.len().saturating_sub(evidence::RECORDS_MAX),
        unreadable: story.unreadable.into_iter().map(Words).collect(),
        lead,
        position,
    })
}

/// Steps that wait for a person, in the words of the definition that the run was pinned to.
async fn duties(app: &App, story: &Story, run: RunId, now: At) -> Result<Vec<(String, String, String, Moment)>, Fault> {
    if story.asked.is_empty() || story.end.is_some() {
        return Ok(vec![]);
    }
    let loaded = app.web.definitions.current();
    let steps = loaded.processes.get(&story.process).map(|pinned| pinned.process.steps.clone()).unwrap_or_default();
    let text = |id: &str| match steps.iter().find(|step| step.id == id).map(|step| &step.action) {
        Some(Action::Human(duty) | Action::Approve(duty)) => duty.text.clone(),
        _ => String::new(),
    };
    let one = |(step, until, outside): &(String, At, String)| {
        let href = format!("{}/runs/{run}/sign/{}", app.web.base, show::segment(step));
        (href, step.clone(), text(step) + outside, Moment { at: *until, now })
    };
    Ok(story.asked.iter().map(one).collect())
}

/// Where the run came from and what it rests on, as pairs of word and text.
async fn facts(
    app: &App,
    story: &Story,
    entries: &[Entry],
    in_force: Option<&str>,
) -> Result<Vec<(&'static str, String)>, Fault> {
    let now = app.now();
    let mut facts = Vec::new();
    let asked = match entries.first() {
        Some(entry) => {
            let known = app.web.journal.person(entry.header.actor).await?;
            let who = known.map_or_else(|| entry.header.actor.to_string(), |(name, _)| name);
            format!("{who}, via {}", entry.header.via.word())
        }
        None => String::new(),
    };
    facts.push(match &story.cause {
        Cause::Schedule { nominal } => ("due", format!("{} UTC, by its schedule", show::moment(*nominal, now))),
        Cause::Person => ("asked by", asked),
        Cause::Due => ("due", "the drill became due".to_owned()),
        Cause::Trigger { by } => ("started by", by.words()),
        // Which one is a link beside it.
        Cause::Step { .. } => ("started by", "another run".to_owned()),
        Cause::Exec { program } => ("started outside", format!("`{program}`, by {asked}, with `seaworthy exec`")),
        Cause::Ping { rid: None } => ("started outside", "told by a ping".to_owned()),
        Cause::Ping { rid: Some(rid) } => ("started outside", format!("told by a ping, as run {rid}")),
    });
    let digest = story.digest.get(..12).unwrap_or(&story.digest);
    facts.push((
        "definition",
        match in_force {
            Some(current) if current == story.digest => format!("{digest}, the one in force"),
            Some(_) => format!("{digest}; another one is in force now"),
            None => format!("{digest}; the process is not defined any more"),
        },
    ));
    if !story.inputs.is_empty() {
        let given: Vec<String> =
            story.inputs.iter().map(|(name, value)| format!("{name} = {}", written(value))).collect();
        facts.push(("inputs", given.join("; ")));
    }
    if let Some(objective) = story.objective {
        let measured = story.end.as_ref().and_then(|end| end.recovery);
        let measured = measured.map_or("not measured".to_owned(), |span| span.to_string());
        facts.push(("recovery", format!("{measured}, objective {objective}")));
    }
    facts.push((
        "usual",
        match story.usual.runs {
            n if n < seaworthy_model::run::USUAL_RUNS_MIN => format!("still learning: {n} of 5 verified runs"),
            n => format!("from {n} verified runs"),
        },
    ));
    Ok(facts)
}
