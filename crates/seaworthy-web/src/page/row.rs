//! One process as one row, for comparing: strip, verdict, size against usual, ages of proof, next due time.
//!
//! This module must not read anything: the board has it all.

use seaworthy_model::time::At;

use crate::{
    board::{Board, Line},
    due::Next,
    moment::Age,
    page::pause::Paused,
    plot::Strip,
    shape::State,
    show,
};

/// Characters of a name in a row.
pub const NAME_MAX: usize = 34;

/// What the templates read.
pub struct Row {
    pub id: String,
    pub name: String,
    pub short: String,
    pub href: String,
    pub state: State,
    pub word: String,
    pub doing: String,
    pub paused: Option<Paused>,
    pub strip: Strip,
    pub size: String,
    pub size_title: String,
    pub proof: Option<Age>,
    pub proven: Option<Age>,
    pub drilled: bool,
    /// Shape of the newest drill, if it went wrong.
    pub drill_trouble: Option<State>,
    pub next: String,
    pub next_title: String,
}

/// The row of one process.
pub fn of(base: &str, line: &Line, board: &Board) -> Row {
    let now = board.now;
    let last = line.summary.runs.front();
    let (usual_bytes, usual_span) = line.summary.usual();
    let (size, size_title) = match (last, last.and_then(|mark| mark.bytes)) {
        (_, Some(bytes)) => (
            usual_bytes.map_or(show::bytes(bytes), |usual| format!("{} / {}", show::bytes(bytes), show::bytes(usual))),
            "what the last run made / what verified runs usually make".to_owned(),
        ),
        (Some(mark), None) => (
            usual_span.map_or(mark.duration.to_string(), |usual| format!("{} / {usual}", mark.duration)),
            "how long the last run took / what verified runs usually take".to_owned(),
        ),
        (None, None) => (String::new(), String::new()),
    };
    let live =
        line.live.as_ref().map(|run| (run.run.to_string(), if run.troubled { State::Troubled } else { State::Live }));
    Row {
        id: format!("row-{}", show::anchor(line.name())),
        name: line.name().to_owned(),
        short: show::middle(line.name(), NAME_MAX),
        href: format!("{base}/processes/{}", show::segment(line.name())),
        state: line.state,
        word: line.word(),
        doing: line.live.as_ref().map(|run| run.doing.clone()).unwrap_or_default(),
        paused: Paused::of(line.paused(now), now),
        strip: Strip::of(base, line.summary.runs.iter(), live, now),
        size,
        size_title,
        proof: line.proof_at().map(|at| Age { at, now }),
        proven: line.summary.last_proven.as_ref().map(|mark| Age { at: mark.ended_at, now }),
        drilled: line.pinned.process.drill.as_ref().is_some_and(|drill| drill.restore.is_some()),
        drill_trouble: line.drill_trouble().map(|mark| mark.state),
        next: line.next.as_ref().map(|next| due(next, now)).unwrap_or_default(),
        next_title: line.next.as_ref().map(|next| next.local.clone()).unwrap_or_default(),
    }
}

/// `in 3 h, 01:00`: how long, and the clock of the schedule's own zone.
fn due(next: &Next, now: At) -> String {
    let clock = next.local.split(' ').nth(1).unwrap_or_default();
    format!("in {}, {clock}", show::age(next.at.since(now)))
}
