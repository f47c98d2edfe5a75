//! All processes as a table: which facets are there, the last result, what is due next. Filtered by text without script.
//!
//! This module must not read more than the board.

use askama::Template;
use axum::{
    extract::{Query, State as Extract},
    response::Response,
};
use seaworthy_model::{process::Facet, site::Pinned};
use serde::Deserialize;

use crate::{
    app::{App, Fault, Frame, Shared},
    board::Board,
    door::Asker,
    moment::Ago,
    page::row::{self, Row},
    show,
    words::Words,
};

/// Rows of one page.
const PAGE_ROWS: usize = 200;

/// One of the seven dots.
pub struct Dot {
    pub word: &'static str,
    pub there: bool,
}

/// The seven facets of a definition.
pub struct Facets {
    pub dots: Vec<Dot>,
    /// `no verify, drill`, or empty.
    pub missing: String,
}

impl Facets {
    pub fn of(pinned: &Pinned) -> Facets {
        let there = |facet: &Facet| !pinned.missing.contains(facet);
        let words: Vec<&str> = pinned.missing.iter().map(|facet| facet.word()).collect();
        Facets {
            dots: Facet::ALL.iter().map(|facet| Dot { word: facet.word(), there: there(facet) }).collect(),
            missing: if words.is_empty() { String::new() } else { format!("no {}", words.join(", ")) },
        }
    }
}

pub struct TableRow {
    pub row: Row,
    pub facets: Facets,
    pub service: String,
    pub tier: String,
    pub ended: Option<Ago>,
    pub broken: bool,
}

/// What the template reads.
pub struct Processes {
    pub base: String,
    pub q: String,
    pub q_encoded: String,
    pub total: usize,
    pub found: usize,
    pub rows: Vec<TableRow>,
    pub older: Option<usize>,
    pub newer: Option<usize>,
    pub broken: Vec<(String, Words)>,
    pub folder: String,
    pub position: u64,
}

#[derive(Template)]
#[template(path = "processes.html")]
struct Page<'a> {
    frame: Frame,
    view: &'a Processes,
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: usize,
}

pub async fn show(Extract(app): Extract<Shared>, asker: Asker, Query(wanted): Query<Wanted>) -> Response {
    let made = async {
        let view = read(&app, &asker, wanted).await?;
        Ok(Page { frame: app.frame("Processes", "processes", "", view.position), view: &view }.render()?)
    };
    app.page(made.await)
}

async fn read(app: &App, asker: &Asker, wanted: Wanted) -> Result<Processes, Fault> {
    let board = Board::read(app, asker).await?;
    let base = &app.web.base;
    let q = wanted.q.trim().to_lowercase();
    let found: Vec<_> = board
        .lines
        .iter()
        .filter(|line| {
            let process = &line.pinned.process;
            let texts = [Some(&process.name), process.service.as_ref(), process.team.as_ref(), process.about.as_ref()];
            q.is_empty()
                || texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&q))
                || line.word().contains(&q)
        })
        .collect();
    let page = wanted.page.min(found.len() / PAGE_ROWS);
    let rows = found.iter().skip(page * PAGE_ROWS).take(PAGE_ROWS).map(|line| TableRow {
        row: row::of(base, line, &board),
        facets: Facets::of(&line.pinned),
        service: line.pinned.process.service.as_deref().map(|name| show::middle(name, 20)).unwrap_or_default(),
        tier: format!("{:?}", line.pinned.process.tier),
        ended: line.summary.runs.front().map(|mark| Ago { at: mark.ended_at, now: board.now }),
        broken: line.pinned.broken.is_some(),
    });
    Ok(Processes {
        base: base.clone(),
        total: board.lines.len(),
        rows: rows.collect(),
        older: ((page + 1) * PAGE_ROWS < found.len()).then_some(page + 1),
        newer: page.checked_sub(1),
        found: found.len(),
        q_encoded: show::segment(&wanted.q),
        q: wanted.q,
        broken: board.loaded.broken.iter().map(|(file, problem)| (file.clone(), Words(problem.clone()))).collect(),
        folder: board.loaded.folder.display().to_string(),
        position: board.position,
    })
}
