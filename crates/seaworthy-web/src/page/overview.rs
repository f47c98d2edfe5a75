//! The overview: one sentence that names the worst thing, what is to be done, and all processes worst first.
//!
//! This module must not read runs beyond what the board holds, except the stories of what has gone wrong.

use askama::Template;
use axum::{extract::State as Extract, response::Response};

use crate::{
    app::{App, Fault, Frame, Shared},
    board::{Board, Line},
    door::Asker,
    moment::Ago,
    page::{
        Region,
        row::{self, Row},
        todo::{self, TODO_MAX, Todo},
    },
    shape::State,
    show,
};

/// Rows shown, about what a screen holds and a phone may load; all others are on the page of processes.
const ROWS_MAX: usize = 40;
/// What the templates read.
pub struct Overview {
    pub base: String,
    pub folder: String,
    pub machine: String,
    pub file_example: &'static str,
    pub total: usize,
    pub headline: Headline,
    pub todo: Vec<Todo>,
    pub todo_more: usize,
    pub rows: Vec<Row>,
    pub rows_more: usize,
    pub position: u64,
}

/// The sentence: what counts, then the worst thing by name.
pub struct Headline {
    pub state: State,
    pub before: String,
    pub name: String,
    pub href: String,
    pub after: String,
    pub ago: Option<Ago>,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page<'a> {
    frame: Frame,
    view: &'a Overview,
}

#[derive(Template)]
#[template(path = "overview/headline.html")]
struct HeadlinePart<'a> {
    view: &'a Overview,
}

#[derive(Template)]
#[template(path = "overview/todo.html")]
struct TodoPart<'a> {
    view: &'a Overview,
}

#[derive(Template)]
#[template(path = "overview/operations.html")]
struct OperationsPart<'a> {
    view: &'a Overview,
}

#[derive(Template)]
#[template(path = "overview/row.html")]
struct RowPart<'a> {
    row: &'a Row,
}

pub async fn show(Extract(app): Extract<Shared>, asker: Asker) -> Response {
    let made = async {
        let view = read(&app, &asker).await?;
        Ok(Page { frame: app.frame("Overview", "overview", "overview", view.position), view: &view }.render()?)
    };
    app.page(made.await)
}

/// The parts of the page that change, and the position that they are true for.
pub async fn regions(app: &App, asker: &Asker) -> Result<(u64, Vec<Region>), Fault> {
    let view = read(app, asker).await?;
    let mut operations = Region::of("operations", &OperationsPart { view: &view })?;
    for row in &view.rows {
        operations.rows.push(Region::of(&row.id, &RowPart { row })?);
    }
    let headline = Region::of("headline", &HeadlinePart { view: &view })?;
    let todo = Region::of("todo", &TodoPart { view: &view })?;
    Ok((view.position, vec![headline, todo, operations]))
}

async fn read(app: &App, asker: &Asker) -> Result<Overview, Fault> {
    let board = Board::read(app, asker).await?;
    let base = app.web.base.clone();
    let mut todo = todo::list(app, &board).await?;
    let todo_more = todo.len().saturating_sub(TODO_MAX);
    todo.truncate(TODO_MAX);
    let rows: Vec<Row> = board.lines.iter().take(ROWS_MAX).map(|line| row::of(&base, line, &board)).collect();
    Ok(Overview {
        folder: board.loaded.folder.display().to_string(),
        machine: app.web.machine.clone(),
        file_example: include_str!("../../assets/first-process.yaml"),
        total: board.lines.len(),
        headline: headline(&base, &board),
        todo,
        todo_more,
        rows_more: board.lines.len() - rows.len(),
        rows,
        position: board.position,
        base,
    })
}

fn headline(base: &str, board: &Board) -> Headline {
    let plain = |state: State, before: String| Headline {
        state,
        before,
        name: String::new(),
        href: String::new(),
        after: String::new(),
        ago: None,
    };
    let Some(worst) = board.lines.first() else {
        return match board.loaded.broken.len() {
            0 => plain(State::Never, "No process yet.".to_owned()),
            n => {
                let files = show::counted(n, "file is broken", "files are broken");
                plain(State::Warn, format!("No process can be used: {files}."))
            }
        };
    };
    let (after, ago) = worst_of_it(worst, board);
    let name = worst.name().to_owned();
    let href = format!("{base}/processes/{}", show::segment(&name));
    Headline { name, href, after, ago, ..plain(worst.state, counts(board, worst)) }
}

/// `2 of 14 processes are not verified, 1 more needs a look; `
fn counts(board: &Board, worst: &Line) -> String {
    let total = board.lines.len();
    let not_verified = board.lines.iter().filter(|line| !line.is_verified()).count();
    let look =
        board.lines.iter().filter(|line| line.is_verified() && line.state.rank() < State::Verified.rank()).count();
    let needs = if look == 1 { "needs" } else { "need" };
    match (not_verified, look, total) {
        (0, 0, 1) => "The only process is verified. Last proof: ".to_owned(),
        (0, 0, _) => "All processes are verified. Oldest proof: ".to_owned(),
        (0, _, 1) => "The only process is verified and needs a look: ".to_owned(),
        (0, ..) => format!("All processes are verified, {} {needs} a look; ", show::count(look as u64)),
        (_, _, 1) if worst.state == State::Never => "The only process, ".to_owned(),
        (_, _, 1) => "The only process is not verified; ".to_owned(),
        _ => {
            let is = if not_verified == 1 { "is" } else { "are" };
            let more =
                if look > 0 { format!(", {} more {needs} a look", show::count(look as u64)) } else { String::new() };
            format!("{not_verified} of {} processes {is} not verified{more}; ", show::count(total as u64))
        }
    }
}

/// What is the matter with the worst process, after its name, and since when.
fn worst_of_it(worst: &Line, board: &Board) -> (String, Option<Ago>) {
    let now = board.now;
    let ended = worst.summary.runs.front().map(|mark| Ago { at: mark.ended_at, now });
    match worst.state {
        State::Failed => (" failed".to_owned(), ended),
        State::NotVerified => (" was executed and not verified".to_owned(), ended),
        State::Troubled => (" is being healed".to_owned(), None),
        State::Unknown => (" ended, nobody knows how,".to_owned(), ended),
        State::Warn => {
            let at = worst.signals.first().map(|signal| signal.raised_at);
            let at = at.or(worst.drill_trouble().map(|mark| mark.ended_at));
            (format!(": {}", worst.word()), at.map(|at| Ago { at, now }))
        }
        State::Unproven => (" is unproven: nobody looks at its result".to_owned(), None),
        State::Cancelled => (" was cancelled".to_owned(), ended),
        State::Never | State::Live => (" has not run yet".to_owned(), None),
        _ => (" was proven".to_owned(), worst.proof_at().map(|at| Ago { at, now })),
    }
}
