//! One process. Leads with "last proven restorable", not with "last run ok"; then runs, drills, what was skipped,
//! what comes next, and the definition that is in force.
//!
//! This module must not know how a schedule is computed.

use askama::Template;
use axum::{
    extract::{Path, Query, State as Extract},
    response::Response,
};
use seaworthy_core::retain::Policy;
use seaworthy_model::{
    change::Subject,
    id::RunId,
    run::Kind,
    site::{Loaded, Pinned},
    time::At,
    view::{EndedRun, LiveRun, Raised, RunQuery, SkippedRow},
};
use serde::Deserialize;

use crate::{
    app::{App, Fault, Frame, Shared},
    due::{self, Next},
    moment::{Ago, Moment, Second},
    page::{
        Region,
        field::Field,
        pause::{self, Paused},
        processes::Facets,
    },
    plot::{Strip, Trend},
    projection::{Mark, Summary},
    shape::State,
    show,
    words::Words,
};

/// Runs of one page of the table.
const RUNS_PAGE: usize = 25;
/// Skipped occurrences shown.
const SKIPPED_MAX: usize = 20;
/// Due times shown.
const NEXT_MAX: usize = 5;

/// A sentence with the run that it rests on.
pub struct Proof {
    pub state: State,
    pub before: &'static str,
    pub ago: Option<Ago>,
    pub after: String,
    pub href: String,
}

pub struct RunRow {
    pub href: String,
    pub state: State,
    pub word: &'static str,
    pub ended: Second,
    pub took: String,
    pub size: String,
    pub cause: &'static str,
    pub reason: Words,
}

/// What the templates read.
pub struct ProcessView {
    pub base: String,
    pub href: String,
    pub name: String,
    pub about: String,
    pub labels: Vec<String>,
    pub restorable: Proof,
    pub verified: Proof,
    pub last: Option<RunRow>,
    pub live: Vec<(String, State, String)>,
    pub signals: Vec<(String, String, String, Moment)>,
    pub strip: Strip,
    pub facets: Facets,
    pub runs: Vec<RunRow>,
    pub older: Option<String>,
    pub paged: bool,
    pub drills: Vec<RunRow>,
    pub trend: Trend,
    pub can_drill: bool,
    pub inputs: Vec<Field>,
    /// Who runs it, if that is not us.
    pub observed: Option<String>,
    /// Something outside starts it.
    pub pinged: bool,
    pub skipped: Vec<(Moment, &'static str, String)>,
    pub next: Vec<(String, Moment, String)>,
    pub paused: Option<Paused>,
    pub lengths: &'static [(&'static str, &'static str)],
    pub digest: String,
    pub file: String,
    pub broken: Option<Words>,
    /// What is kept for how long.
    pub kept: String,
    /// What a change that waits for a person would take away.
    pub waits: Option<Words>,
    pub definition: String,
    pub position: u64,
}

#[derive(Template)]
#[template(path = "process.html")]
struct Page<'a> {
    frame: Frame,
    view: &'a ProcessView,
}

#[derive(Template)]
#[template(path = "process/lead.html")]
struct LeadPart<'a> {
    view: &'a ProcessView,
}

#[derive(Template)]
#[template(path = "process/runs.html")]
struct RunsPart<'a> {
    view: &'a ProcessView,
}

#[derive(Template)]
#[template(path = "process/drills.html")]
struct DrillsPart<'a> {
    view: &'a ProcessView,
}

#[derive(Deserialize)]
pub struct Wanted {
    before: Option<String>,
}

pub async fn show(Extract(app): Extract<Shared>, Path(name): Path<String>, Query(wanted): Query<Wanted>) -> Response {
    let made = async {
        let before = wanted.before.as_deref().and_then(|id| id.parse().ok());
        let view = read(&app, &name, before).await?;
        // An older page of runs does not follow what happens now.
        let live = if before.is_some() { String::new() } else { format!("process/{name}") };
        Ok(Page { frame: app.frame(&name, "processes", &live, view.position), view: &view }.render()?)
    };
    app.page(made.await)
}

/// The parts of the page that change, and the position that they are true for.
pub async fn regions(app: &App, name: &str) -> Result<(u64, Vec<Region>), Fault> {
    let view = &read(app, name, None).await?;
    Ok((
        view.position,
        vec![
            Region::of("lead", &LeadPart { view })?,
            Region::of("runs", &RunsPart { view })?,
            Region::of("drills", &DrillsPart { view })?,
        ],
    ))
}

async fn read(app: &App, name: &str, before: Option<RunId>) -> Result<ProcessView, Fault> {
    let position = app.catch_up().await?;
    let now = app.now();
    let base = &app.web.base;
    let loaded = app.web.definitions.current();
    let pinned = loaded.processes.get(name).ok_or_else(|| {
        Fault::missing(format!("no process is called `{}`; the page of processes has them all", show::middle(name, 80)))
    })?;
    let views = &*app.web.views;
    let summary = app.projection.summary(views, name).await?;
    let live: Vec<LiveRun> = views.live_runs().await?.into_iter().filter(|run| run.process == name).collect();
    let query = RunQuery {
        process: Some(name.to_owned()),
        kind: Some(Kind::Run),
        before,
        limit: RUNS_PAGE,
        ..RunQuery::default()
    };
    let runs = views.ended_runs(query.clone()).await?;
    let drills = views.ended_runs(RunQuery { kind: Some(Kind::Drill), before: None, ..query }).await?;
    let mut signals = app.watch().signals(Raised::Open, 200).await?;
    signals.retain(|signal| signal.process == name);
    let skipped = views.skipped(Some(name), SKIPPED_MAX).await?;
    let row = views.schedule(name).await?;
    let holds = (&loaded.site.blackouts[..], row.as_ref().and_then(|row| row.pause.as_ref()));
    let live_run = live.iter().find(|run| run.kind == Kind::Run);
    let href = format!("{base}/processes/{}", show::segment(name));
    let live_mark = live_run.map(|run| (run.run.to_string(), if run.troubled { State::Troubled } else { State::Live }));
    Ok(ProcessView {
        name: name.to_owned(),
        about: pinned.process.about.clone().unwrap_or_default(),
        labels: labels(pinned),
        restorable: restorable(base, pinned, &summary, now),
        verified: verified(base, &summary, now),
        last: runs.first().filter(|_| before.is_none()).map(|run| run_row(base, run, now)),
        live: live.iter().map(|run| going_on(base, run)).collect(),
        signals: signals
            .iter()
            .map(|s| (s.kind.word().to_owned(), s.expected.clone(), s.seen.clone(), Moment { at: s.raised_at, now }))
            .collect(),
        strip: Strip::of(base, summary.runs.iter(), live_mark, now).alone(),
        facets: Facets::of(pinned),
        older: runs.last().filter(|_| runs.len() == RUNS_PAGE).map(|run| format!("{href}?before={}#runs", run.run)),
        paged: before.is_some(),
        runs: runs.iter().map(|run| run_row(base, run, now)).collect(),
        drills: drills.iter().map(|run| run_row(base, run, now)).collect(),
        trend: Trend::of(base, summary.drills.iter(), now),
        observed: pinned.process.observed.clone(),
        pinged: pinned.process.pinged,
        can_drill: pinned.process.drill.as_ref().is_some_and(|drill| drill.restore.is_some()),
        inputs: pinned.process.inputs.iter().map(Field::of).collect(),
        skipped: skipped.iter().map(|row| (Moment { at: row.nominal, now }, row.reason.word(), more(row))).collect(),
        next: due::upcoming(pinned, &holds, now, NEXT_MAX).into_iter().map(|next| due_row(next, now)).collect(),
        paused: Paused::of(row.as_ref().and_then(|row| row.pause.as_ref()), now),
        lengths: &pause::LENGTHS,
        digest: pinned.digest.clone(),
        file: pinned.file.clone(),
        broken: pinned.broken.clone().map(Words),
        waits: waits(&loaded, name),
        base: base.clone(),
        kept: kept(&loaded, pinned),
        definition: serde_json::to_string_pretty(&pinned.process).unwrap_or_else(|_| pinned.process.canonical()),
        href,
        position,
    })
}

fn more(row: &SkippedRow) -> String {
    let detail = match row.count {
        0 | 1 => row.detail.clone(),
        count if row.trigger.is_empty() => format!("{} occurrences", show::count(count)),
        count => format!("{}; {} before it", row.detail, show::count(count - 1)),
    };
    [row.trigger.clone(), detail].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

fn due_row(next: Next, now: At) -> (String, Moment, String) {
    let wait = next.skipped.unwrap_or_else(|| format!("in {}", show::age(next.at.since(now))));
    (next.local, Moment { at: next.at, now }, wait)
}

fn going_on(base: &str, run: &LiveRun) -> (String, State, String) {
    let state = if run.troubled { State::Troubled } else { State::Live };
    let what = if run.kind == Kind::Drill { "drill" } else { "run" };
    (format!("{base}/runs/{}", run.run), state, format!("{what} going on: {}", run.doing))
}

fn labels(pinned: &Pinned) -> Vec<String> {
    let process = &pinned.process;
    let mut labels = vec![format!("tier {:?}", process.tier)];
    labels.extend(process.service.as_ref().map(|name| format!("service {name}")));
    labels.extend(process.team.as_ref().map(|name| format!("team {name}")));
    labels
}

/// Whether it could be brought back, which is what a backup is for.
fn restorable(base: &str, pinned: &Pinned, summary: &Summary, now: At) -> Proof {
    let none = |state: State, before: &'static str| Proof {
        state,
        before,
        ago: None,
        after: String::new(),
        href: String::new(),
    };
    let restore = pinned.process.drill.as_ref().and_then(|drill| drill.restore.as_ref());
    let Some(mark) = &summary.last_proven else {
        return match restore {
            Some(_) => none(State::Unproven, "Never proven restorable: no restore drill has been verified yet."),
            None => none(State::Unproven, "Never proven restorable: there is no restore drill."),
        };
    };
    let recovered = match (mark.recovery, mark.objective) {
        (Some(took), Some(objective)) if took > objective => format!("{took}, over the objective of {objective}"),
        (Some(took), Some(objective)) => format!("{took} against an objective of {objective}"),
        (Some(took), None) => format!("{took}, no objective set"),
        (None, _) => "recovery time not measured".to_owned(),
    };
    let failed_since = summary.drills.front().is_some_and(|last| last.run != mark.run && last.state.is_trouble());
    let late = restore.and_then(|restore| restore.every).is_some_and(|every| now.since(mark.ended_at) > every);
    let over = mark.is_over();
    let (state, remark) = match (failed_since, late, over) {
        (true, ..) => (State::NotVerified, "; a drill since then did not succeed"),
        (_, true, _) => (State::Warn, "; the next drill is overdue"),
        (_, _, true) => (State::Warn, ""),
        _ => (mark.state, ""),
    };
    Proof {
        state,
        before: "Last proven restorable",
        ago: Some(Ago { at: mark.ended_at, now }),
        after: format!("{recovered}{remark}"),
        href: format!("{base}/runs/{}", mark.run),
    }
}

fn verified(base: &str, summary: &Summary, now: At) -> Proof {
    match &summary.last_verified {
        None => Proof {
            state: State::Never,
            before: "No run has been verified yet.",
            ago: None,
            after: String::new(),
            href: String::new(),
        },
        Some(mark) => Proof {
            state: mark.state,
            before: "Last verified run",
            ago: Some(Ago { at: mark.ended_at, now }),
            after: said(mark),
            href: format!("{base}/runs/{}", mark.run),
        },
    }
}

fn said(mark: &Mark) -> String {
    let size = mark.bytes.map(|bytes| format!(", made {}", show::bytes(bytes))).unwrap_or_default();
    format!("took {}{size}", mark.duration)
}

fn run_row(base: &str, run: &EndedRun, now: At) -> RunRow {
    let state = State::of_run(run);
    let mark = Mark::of(run);
    RunRow {
        href: format!("{base}/runs/{}", run.run),
        state,
        word: state.word(),
        ended: Second { at: run.ended_at, now },
        took: match (run.kind, run.recovery) {
            (Kind::Drill, Some(recovery)) => recovery.to_string(),
            _ => run.duration.to_string(),
        },
        size: mark.bytes.map(show::bytes).unwrap_or_default(),
        cause: match run.cause {
            seaworthy_model::run::Cause::Schedule { .. } => "schedule",
            seaworthy_model::run::Cause::Person => "person",
            seaworthy_model::run::Cause::Due => "due",
            seaworthy_model::run::Cause::Trigger { .. } => "trigger",
            seaworthy_model::run::Cause::Step { .. } => "step",
            seaworthy_model::run::Cause::Exec { .. } => "exec",
            seaworthy_model::run::Cause::Ping { .. } => "ping",
        },
        reason: match (mark.is_over(), run.reason.as_str()) {
            (true, "") => "over the objective".to_owned().into(),
            _ => run.reason.clone().into(),
        },
    }
}

/// What a change that waits for a person would take away.
fn waits(loaded: &Loaded, name: &str) -> Option<Words> {
    let held = loaded.held.iter().find(|held| matches!(&held.subject, Subject::Process(process) if process == name))?;
    Some(Words(held.weaker.join("; ")))
}

/// What is kept for how long.
fn kept(loaded: &Loaded, pinned: &Pinned) -> String {
    Policy::of(pinned.process.retain, loaded.site.retention.map(|site| site.each)).sentence(pinned.process.keep)
}
