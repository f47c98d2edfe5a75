//! Small drawings without script: the strip of runs, recovery times against their objective, the three tracks
//! of a run. Every mark is a link to its record.
//!
//! Computes places; the templates write the SVG. This module must not know what a state means.

use askama::Template;
use seaworthy_model::{
    run::Kind,
    time::{At, Span},
};

use crate::{
    projection::{Mark, STRIP_MAX},
    shape::State,
    show,
    story::{Attempt, Story},
};

/// Width of one mark of a strip, in pixels.
const MARK: usize = 13;

/// The last runs, oldest left.
#[derive(Template)]
#[template(path = "strip.html")]
pub struct Strip {
    pub base: String,
    pub label: String,
    pub width: usize,
    pub marks: Vec<StripMark>,
}

pub struct StripMark {
    pub x: usize,
    pub run: String,
    pub key: &'static str,
    pub title: String,
}

impl Strip {
    /// From newest first; a run that goes on is put at the right end.
    pub fn of<'a>(base: &str, runs: impl Iterator<Item = &'a Mark>, live: Option<(String, State)>, now: At) -> Strip {
        let mut marks: Vec<StripMark> = live
            .into_iter()
            .map(|(run, state)| StripMark { x: 0, run, key: state.key(), title: state.word().to_owned() })
            .collect();
        marks.extend(runs.take(STRIP_MAX - marks.len()).map(|mark| StripMark {
            x: 0,
            run: mark.run.to_string(),
            key: mark.state.key(),
            title: title(mark, now),
        }));
        marks.reverse();
        let free = STRIP_MAX - marks.len();
        for (i, mark) in marks.iter_mut().enumerate() {
            mark.x = (free + i) * MARK;
        }
        Strip {
            base: base.to_owned(),
            label: match marks.len() {
                0 => "no runs yet".to_owned(),
                n => format!("last {}, newest right", show::counted(n, "run", "runs")),
            },
            width: STRIP_MAX * MARK,
            marks,
        }
    }
}

fn title(mark: &Mark, now: At) -> String {
    let size = mark.bytes.map(|n| format!(", {}", show::bytes(n))).unwrap_or_default();
    format!("{}, {} UTC, {}{size}", mark.state.word(), show::moment(mark.ended_at, now), mark.duration)
}

impl Strip {
    /// Without room for runs that are not there: for a strip that stands alone.
    pub fn alone(mut self) -> Strip {
        let first = self.marks.first().map_or(0, |mark| mark.x);
        self.marks.iter_mut().for_each(|mark| mark.x -= first);
        self
    }
}

/// Recovery times of drills against their objective, oldest left.
#[derive(Template)]
#[template(path = "trend.html")]
pub struct Trend {
    pub bars: Vec<Bar>,
    /// Height of the objective's line from the top, and the objective in words.
    pub objective: Option<(usize, String)>,
    pub width: usize,
}

/// One bar, link or not.
pub struct Bar {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
    pub key: &'static str,
    pub title: String,
    pub href: String,
}

/// Height of the trend, in pixels.
const TREND_HEIGHT: usize = 64;
const TREND_STEP: usize = 24;

impl Trend {
    pub fn of<'a>(base: &str, drills: impl Iterator<Item = &'a Mark>, now: At) -> Trend {
        let drills: Vec<&Mark> = drills.collect();
        let objective = drills.iter().find_map(|mark| mark.objective);
        let longest = drills.iter().filter_map(|mark| mark.recovery).chain(objective).max().unwrap_or(Span(1)).0.max(1);
        let height = |span: Span| {
            let share = span.0 as f64 / longest as f64;
            (share * (TREND_HEIGHT - 8) as f64).round() as usize
        };
        let bars: Vec<Bar> = drills
            .iter()
            .rev()
            .enumerate()
            .map(|(i, mark)| {
                let tall = mark.recovery.map_or(4, height).max(2);
                let took = mark.recovery.map_or("no recovery time".to_owned(), |span| format!("recovered in {span}"));
                Bar {
                    x: i * TREND_STEP + 4,
                    y: TREND_HEIGHT - tall,
                    width: TREND_STEP - 8,
                    height: tall,
                    key: if mark.is_over() && !mark.state.is_trouble() { State::Warn } else { mark.state }.key(),
                    title: format!("{}, {took}, {} UTC", mark.state.word(), show::moment(mark.ended_at, now)),
                    href: format!("{base}/runs/{}", mark.run),
                }
            })
            .collect();
        let width = (bars.len().max(6)) * TREND_STEP;
        let objective = objective.map(|span| (TREND_HEIGHT - height(span), span.to_string()));
        Trend { bars, objective, width }
    }
}

/// Width of the tracks, in units of the drawing.
const TRACK_WIDTH: f64 = 1000.0;
/// Commands of a ladder are attempts of steps with this beginning.
const HEAL_STEP: &str = "heal.";
/// Height of one lane.
const LANE: usize = 26;

/// The run as three tracks over time: act, verify, heal.
#[derive(Template)]
#[template(path = "tracks.html")]
pub struct Tracks {
    pub lanes: Vec<Lane>,
    pub height: usize,
    /// Places and words of the time axis.
    pub ticks: Vec<(usize, String)>,
}

pub struct Lane {
    pub name: &'static str,
    pub y: usize,
    pub bars: Vec<Bar>,
}

impl Tracks {
    pub fn of(story: &Story, now: At) -> Tracks {
        let start = story.started_at();
        let end = story.end.as_ref().map_or(now, |end| end.at).max(At(start.0 + 1_000_000));
        let scale = Scale { start, per_nano: TRACK_WIDTH / (end.0 - start.0) as f64 };
        let (mending, acting): (Vec<&Attempt>, Vec<&Attempt>) =
            story.attempts.iter().partition(|attempt| attempt.step.starts_with(HEAL_STEP));
        let attempt = |attempt: &&Attempt, y: usize| {
            let until = attempt.ended.as_ref().map_or(end, |(at, _)| *at);
            let state = State::of_attempt(attempt.ended.as_ref().map(|(_, acted)| acted.outcome));
            let what = format!("{}, attempt {}, {}", attempt.step, attempt.attempt, until.since(attempt.started_at));
            let href = format!("#{}", attempt_anchor(&attempt.step, attempt.attempt));
            scale.bar(attempt.started_at, until, state, what, href, y)
        };
        let verify = story.checks.iter().map(|(at, judged)| {
            let took = judged.observation.as_ref().map_or(Span::ZERO, |seen| seen.took);
            let state = State::of_check(&judged.verdict);
            let what = format!("{}: {}", judged.check, state.word());
            scale.bar(At(at.0.saturating_sub_unsigned(took.0)), *at, state, what, "#checks".into(), LANE * 2)
        });
        let waits = story.waits.iter().map(|(since, until, why)| {
            let what = format!("waiting {}: {why}", until.since(*since));
            scale.bar(*since, (*until).min(end), State::Skipped, what, "#tried".into(), LANE * 3)
        });
        let heals = story.heals.iter().map(|(at, heal)| {
            let since = story.rungs.iter().rev().find(|(began, rung)| *rung == heal.rung && began <= at);
            let what = format!("{}: {}", heal.what, heal.detail);
            scale.bar(since.map_or(*at, |(began, _)| *began), *at, State::Warn, what, "#tried".into(), LANE * 3)
        });
        // Waits and attempts lie within a rung, so they are drawn over it.
        let mended = mending.iter().map(|a| attempt(a, LANE * 3));
        let heal: Vec<Bar> = heals.chain(waits).chain(mended).collect();
        let act_name = if story.kind == Kind::Drill { "restore" } else { "act" };
        let mut lanes = vec![
            Lane { name: act_name, y: LANE, bars: acting.iter().map(|a| attempt(a, LANE)).collect() },
            Lane { name: "verify", y: LANE * 2, bars: verify.collect() },
        ];
        if !heal.is_empty() {
            lanes.push(Lane { name: "heal", y: LANE * 3, bars: heal });
        }
        let height = (lanes.len() + 1) * LANE + 4;
        Tracks { lanes, height, ticks: scale.ticks(end) }
    }
}

/// Element id of an attempt on the run page.
pub fn attempt_anchor(step: &str, attempt: u32) -> String {
    format!("attempt-{}-{attempt}", show::anchor(step))
}

struct Scale {
    start: At,
    per_nano: f64,
}

impl Scale {
    fn x(&self, at: At) -> usize {
        ((at.0 - self.start.0).max(0) as f64 * self.per_nano).min(TRACK_WIDTH).round() as usize
    }

    fn bar(&self, from: At, to: At, state: State, title: String, href: String, y: usize) -> Bar {
        // A bar that lasted no time is still a thing to point at.
        let x = self.x(from).min(TRACK_WIDTH as usize - 3);
        let width = self.x(to).saturating_sub(x).max(3);
        Bar { x, y: y + 4, width, height: LANE - 10, key: state.key(), title, href }
    }

    /// Start, quarters and end.
    fn ticks(&self, end: At) -> Vec<(usize, String)> {
        let whole = end.since(self.start);
        (0..=4u64)
            .map(|quarter| {
                let after = Span(whole.0 / 4 * quarter);
                let text = if quarter == 0 { show::clock(self.start) } else { format!("+{after}") };
                (self.x(self.start + after), text)
            })
            .collect()
    }
}
