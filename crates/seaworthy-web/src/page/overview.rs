//! The overview: one sentence that names the worst thing, what is to be done, and all processes worst first.
//!
//! This module must not read runs beyond what the board holds, except the stories of what has gone wrong.

use askama::Template;
use axum::{extract::State as Extract, response::Response};

use crate::{
    app::{App, Fault, Frame, Shared},
    board::{Board, Line},
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

pub async fn show(Extract(app): Extract<Shared>) -> Response {
    let made = async {
        let view = read(&app).await?;
        Ok(Page { frame: app.frame("Overview", "overview", "overview", view.position), view: &view }.render()?)
    };
    app.page(made.await)
}

/// The parts of the page that change, and the position that they are true for.
pub async fn regions(app: &App) -> Result<(u64, Vec<Region>), Fault> {
    let view = read(app).await?;
    let mut operations = Region::of("operations", &OperationsPart { view: &view })?;
    for row in &view.rows {
        operations.rows.push(Region::of(&row.id, &RowPart { row })?);
    }
    let headline = Region::of("headline", &HeadlinePart { view: &view })?;
    let todo = Region::of("todo", &TodoPart { view: &view })?;
    Ok((view.position, vec![headline, todo, operations]))
}

async fn read(app: &App) -> Result<Overview, Fault> {
    let board = Board::read(app).await?;
    let base = app.web.base.clone();
    let mut todo = todo::list(app, &board).await?;
    let todo_more = todo.len().saturating_sub(TODO_MAX);
    todo.truncate(TODO_MAX);
    let rows: Vec<Row> = board.lines.iter().take(ROWS_MAX).map(|line| row::of(&base, line, &board)).collect();
    Ok(Overview {
        folder: board.loaded.folder.display().to_string(),
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
    let total = board.lines.len();
    let unproven = board.lines.iter().filter(|line| !line.is_verified()).count();
    let href = |name: &str| format!("{base}/processes/{}", show::segment(name));
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
            n => plain(
                State::Warn,
                format!("No process can be used: {}.", show::counted(n, "file is broken", "files are broken")),
            ),
        };
    };
    let ended = |line: &Line| line.summary.runs.front().map(|mark| Ago { at: mark.ended_at, now: board.now });
    if unproven == 0 {
        let oldest = worst.proof_at().map(|at| Ago { at, now: board.now });
        let before = if total == 1 { "The only process is verified." } else { "All processes are verified." };
        return Headline {
            name: worst.name().to_owned(),
            href: href(worst.name()),
            after: " was proven".to_owned(),
            ago: oldest,
            ..plain(worst.state, format!("{before} Oldest proof: "))
        };
    }
    let count = if total == 1 {
        "The only process is not verified; ".to_owned()
    } else {
        let is = if unproven == 1 { "is" } else { "are" };
        format!("{} of {} processes {is} not verified; ", show::count(unproven as u64), show::count(total as u64))
    };
    let (after, ago) = match worst.state {
        State::Failed => (" failed".to_owned(), ended(worst)),
        State::NotVerified => (" was executed and not verified".to_owned(), ended(worst)),
        State::Troubled => (" is being healed".to_owned(), None),
        State::Unknown => (" ended, nobody knows how,".to_owned(), ended(worst)),
        State::Warn => {
            let at = worst.signals.first().map(|signal| signal.raised_at);
            let at = at.or(worst.drill_trouble().map(|mark| mark.ended_at));
            (format!(": {}", worst.word()), at.map(|at| Ago { at, now: board.now }))
        }
        State::Unproven => (" is unproven: nobody looks at its result".to_owned(), None),
        State::Cancelled => (" was cancelled".to_owned(), ended(worst)),
        _ => (" has not run yet".to_owned(), None),
    };
    let name = worst.name().to_owned();
    Headline { href: href(&name), name, after, ago, ..plain(worst.state, count) }
}
