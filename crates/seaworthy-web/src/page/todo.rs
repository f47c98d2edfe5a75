//! What a person should look at: runs that went wrong with what was expected and seen, open signals, broken
//! files, and what is not proven at all.
//!
//! This module must not rank processes; the board did.

use seaworthy_model::{
    change::Held,
    entry::Stream,
    id::RunId,
    run::{Judged, Verdict},
    view::SignalRow,
};

use crate::{
    app::{App, Fault},
    board::{Board, Line},
    moment::Ago,
    page::{people::owners, row::NAME_MAX},
    shape::State,
    show,
    story::Story,
    words::Words,
};

/// Things to do that are shown.
pub const TODO_MAX: usize = 12;

/// One thing a person should look at.
pub struct Todo {
    pub state: State,
    pub name: String,
    pub href: String,
    pub text: Words,
    pub ago: Option<Ago>,
    pub expected: Words,
    pub seen: Words,
    /// Path of the written steps to follow.
    pub procedure: Option<String>,
}

/// Everything, worst first; stories are read for the first [`TODO_MAX`] only.
///
/// # Errors
/// [`Fault`] when the journal cannot answer.
pub async fn list(app: &App, board: &Board) -> Result<Vec<Todo>, Fault> {
    let base = &app.web.base;
    let mut list = Vec::new();
    for line in board.lines.iter().filter(|line| line.state.is_trouble()) {
        let run = match (&line.live, line.state, line.summary.runs.front()) {
            (Some(live), State::Troubled, _) => live.run,
            (_, _, Some(mark)) => mark.run,
            _ => continue,
        };
        // Beyond what is shown only the number matters.
        let story = if list.len() < TODO_MAX { story(app, run).await? } else { None };
        list.push(trouble(base, board, line, run, story.as_ref()));
    }
    list.extend(board.lines.iter().filter_map(|line| {
        let mark = line.drill_trouble()?;
        Some(Todo {
            state: mark.state,
            name: show::middle(line.name(), NAME_MAX),
            href: format!("{base}/runs/{}", mark.run),
            text: format!("restore drill {}: it may not be restorable", mark.state.word()).into(),
            ago: Some(Ago { at: mark.ended_at, now: board.now }),
            expected: Words::default(),
            seen: Words::default(),
            procedure: line.pinned.process.tell.as_ref().and_then(|tell| tell.procedure.clone()),
        })
    }));
    list.extend(board.signals.iter().map(|signal| signalled(base, board, signal)));
    list.extend(
        board.loaded.broken.iter().map(|(file, problem)| broken(file, problem, "no version of it is in force")),
    );
    list.extend(board.lines.iter().filter_map(|line| {
        let problem = line.pinned.broken.as_deref()?;
        Some(broken(&line.pinned.file, problem, "its last good version stays in force"))
    }));
    list.extend((app.web.twice)().iter().map(|(process, by)| twice(base, process, by)));
    list.extend(board.loaded.held.iter().map(|held| waiting(base, held)));
    if owners(&app.web.accounts.accounts().await?) == 1 {
        list.push(Todo {
            state: State::Warn,
            name: "one owner alone".to_owned(),
            href: format!("{base}/people"),
            text: "Whoever loses their phone then locks this site for good: invite a second one.".to_owned().into(),
            ago: None,
            expected: Words::default(),
            seen: Words::default(),
            procedure: None,
        });
    }
    let unproven: Vec<&str> = board.lines.iter().filter(|l| l.state == State::Unproven).map(Line::name).collect();
    if let Some(first) = unproven.first() {
        list.push(Todo {
            state: State::Unproven,
            name: show::counted(unproven.len(), "process is unproven", "processes are unproven"),
            href: format!("{base}/processes/{}", show::segment(first)),
            text: format!("Nobody looks at the result of {}.", names(&unproven)).into(),
            ago: None,
            expected: Words::default(),
            seen: Words::default(),
            procedure: None,
        });
    }
    Ok(list)
}

fn names(all: &[&str]) -> String {
    let shown: Vec<String> = all.iter().take(6).map(|name| show::middle(name, NAME_MAX)).collect();
    let more = if all.len() > 6 { format!(" and {} more", all.len() - 6) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

async fn story(app: &App, run: RunId) -> Result<Option<Story>, Fault> {
    let entries = app.web.journal.stream(&Stream::run(run), 0).await?;
    Ok(Story::fold(run, &entries))
}

fn trouble(base: &str, board: &Board, line: &Line, run: RunId, story: Option<&Story>) -> Todo {
    let ended = line.summary.runs.front();
    let wrong: Option<&Judged> = story.and_then(|story| {
        story.last_round().map(|(_, judged)| judged).find(|judged| matches!(judged.verdict, Verdict::No))
    });
    Todo {
        state: line.state,
        name: show::middle(line.name(), NAME_MAX),
        href: format!("{base}/runs/{run}"),
        text: match line.state {
            State::Troubled => format!("is being healed: {}", line.live.as_ref().map_or("", |live| &live.doing)),
            state => match (wrong, line.summary.reason.as_str()) {
                // Expected and seen stand beside it: the reason would only say them again.
                (Some(judged), _) => format!("{}: {}", state.word(), judged.check),
                (None, "") => state.word().to_owned(),
                (None, reason) => format!("{}: {reason}", state.word()),
            },
        }
        .into(),
        ago: ended.filter(|_| line.state != State::Troubled).map(|mark| Ago { at: mark.ended_at, now: board.now }),
        expected: wrong.map(|judged| judged.expected.clone().into()).unwrap_or_default(),
        seen: wrong.map(|judged| judged.observed.clone().into()).unwrap_or_default(),
        procedure: line.pinned.process.tell.as_ref().and_then(|tell| tell.procedure.clone()),
    }
}

fn signalled(base: &str, board: &Board, signal: &SignalRow) -> Todo {
    let known = board.line(&signal.process);
    Todo {
        state: State::Warn,
        name: show::middle(&signal.process, NAME_MAX),
        href: match signal.run {
            Some(run) => format!("{base}/runs/{run}"),
            None => format!("{base}/processes/{}", show::segment(&signal.process)),
        },
        text: signal.kind.word().to_owned().into(),
        ago: Some(Ago { at: signal.raised_at, now: board.now }),
        expected: signal.expected.clone().into(),
        seen: signal.seen.clone().into(),
        procedure: known.and_then(|line| line.pinned.process.tell.as_ref()?.procedure.clone()),
    }
}

fn waiting(base: &str, held: &Held) -> Todo {
    Todo {
        state: State::Warn,
        name: show::middle(held.subject.name(), NAME_MAX + 10),
        href: format!("{base}/changes"),
        text: "was made weaker and waits for a person; what was in force stays.".to_owned().into(),
        ago: None,
        expected: Words::default(),
        seen: held.weaker.join("; ").into(),
        procedure: None,
    }
}

fn twice(base: &str, process: &str, by: &str) -> Todo {
    Todo {
        state: State::Warn,
        name: show::middle(process, NAME_MAX),
        href: format!("{base}/processes/{}", show::segment(process)),
        text: "runs twice: by its schedule here, and on this host by somebody else. Remove it there, or write `observed:` here."
            .to_owned()
            .into(),
        ago: None,
        expected: "one side that runs it".to_owned().into(),
        seen: by.to_owned().into(),
        procedure: None,
    }
}

fn broken(file: &str, problem: &str, then: &str) -> Todo {
    Todo {
        state: State::Warn,
        name: show::middle(file, NAME_MAX + 10),
        href: String::new(),
        text: format!("is broken, {then}. `seaworthy check` shows all its problems.").into(),
        ago: None,
        expected: Words::default(),
        seen: problem.to_owned().into(),
        procedure: None,
    }
}
