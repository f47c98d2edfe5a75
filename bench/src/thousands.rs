//! 10,000 real commands due in one second, or spread over a minute, next to a raw loop and to APScheduler.
//!
//! All start the same program. The raw loop is one thread that calls posix_spawn and reaps; APScheduler keeps its jobs in
//! memory and records nothing. Processor time is that of everybody involved: engine, keeper and commands.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use seaworthy_model::{
    port::Clock as _,
    process::{Missed, Overlap, Schedule, When},
    site::Loaded,
    time::{At, Span},
};
use seaworthy_runtime::{Stop, run::ACTING_MAX, schedule};
use serde_json::{Value, json};

use crate::{
    Ask,
    engine::{self, Engine, Scratch, System},
    exec::{below, ops},
    figure::{Samples, machine, round},
    keeper, stamp,
};

/// Commands that are due.
const JOBS: usize = 10_000;
/// The same, for a look.
const JOBS_QUICK: usize = 1_000;
/// Time to set the schedules before the first is due.
const AHEAD: Span = Span::seconds(20);
/// Longest time until all have ended.
const MOST: Duration = Duration::from_secs(600);
/// Lateness that 99.9 % of the spread ones should stay under.
const LATE_MS: f64 = 50.0;
/// Ticks per second in `/proc/PID/stat` (USER_HZ).
const TICKS: f64 = 100.0;

/// What one round came to.
struct Taken {
    late_ms: Samples,
    /// Processor milliseconds per job, of everybody involved.
    cpu_ms: f64,
    /// The part of it that is the engine's own.
    own_ms: f64,
}

impl Taken {
    fn json(&self) -> Value {
        json!({ "late_ms": self.late_ms.many(), "cpu_ms_per_job": round(self.cpu_ms), "own_ms_per_job": round(self.own_ms) })
    }
}

/// `thousands`: all due at one instant.
pub fn burst(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let (jobs, rounds) = (jobs(ask), ask.rounds.unwrap_or(1));
    let (mut late, mut cpu, mut peer, mut each) = (vec![], vec![], vec![], vec![]);
    for turn in 0..rounds {
        let folder = |name: &str| below(&scratch, &format!("{name}-{turn}"));
        let raw = raw_round(&folder("raw")?, jobs)?;
        let ours = engine_round(&scratch, &folder("engine")?, turn, jobs, Span::ZERO)?;
        let theirs = peer_round(&scratch, &folder("peer")?, jobs);
        let p99 = ours.late_ms.at(0.99);
        late.push(p99 / raw.late_ms.at(0.99));
        cpu.push(ours.cpu_ms / raw.cpu_ms);
        let theirs = match theirs {
            Ok(theirs) => {
                peer.push(p99 / theirs.late_ms.at(0.99));
                theirs.json()
            }
            Err(missing) => json!({ "skipped": missing }),
        };
        each.push(json!({ "engine": ours.json(), "raw": raw.json(), "apscheduler": theirs }));
    }
    let (late, cpu, peer) = (Samples(late), Samples(cpu), Samples(peer));
    Ok(json!({
        "figure": "thousands", "value": round(late.median()), "unit": "times the raw loop's lateness at p99",
        "limit": "a raw posix_spawn loop", "limit_value": 1.0, "ratio": round(late.median()), "target": 1.5,
        "met": late.median() <= 1.5 && cpu.median() <= 2.5, "jobs": jobs, "at_one_time": ACTING_MAX,
        "cpu_ratio": round(cpu.median()), "cpu_target": 2.5,
        "apscheduler_ratio": if peer.0.is_empty() { Value::Null } else { json!(round(peer.median())) },
        "rounds": each, "machine": machine(&scratch.0),
    }))
}

/// `spread`: the same over a minute.
pub fn spread(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let jobs = jobs(ask);
    let over = Span::seconds(if ask.quick { 6 } else { 60 });
    let stamps = below(&scratch, "stamps")?;
    let ours = engine_round(&scratch, &stamps, 0, jobs, over)?;
    let under = ours.late_ms.0.iter().filter(|late| **late < LATE_MS).count();
    let share = under as f64 / jobs as f64;
    Ok(json!({
        "figure": "spread", "value": round(share * 100.0), "unit": "% less than 50 ms late", "limit": null,
        "limit_value": null, "ratio": null, "target": 99.9, "met": share >= 0.999, "jobs": jobs,
        "over_seconds": over.as_seconds(), "engine": ours.json(), "machine": machine(&scratch.0),
    }))
}

fn jobs(ask: &Ask) -> usize {
    if ask.quick { JOBS_QUICK } else { JOBS }
}

fn engine_round(scratch: &Scratch, stamps: &Path, turn: usize, jobs: usize, over: Span) -> Result<Taken, String> {
    let data = below(scratch, &format!("data-{turn}"))?;
    let mut loaded = engine::load(&scratch.0, &ops(stamps, jobs)?)?;
    due(&mut loaded, System.now() + AHEAD, over);
    let folder = data.clone();
    let cpu = engine::carry_out(async move {
        let engine = Engine::open(&folder, loaded)?;
        let stop = Stop::default();
        let schedules = tokio::spawn(schedule::run(engine.desk.clone(), stop.clone()));
        engine.ready().await?;
        let keeper = keeper::pid(&folder)?;
        let before = (cpu_ms("self")?.0, both(cpu_ms(&keeper)?));
        engine.ended(jobs as u64, MOST).await?;
        let own = cpu_ms("self")?.0 - before.0;
        let spent = (own + both(cpu_ms(&keeper)?) - before.1, own);
        stop.now();
        schedules.await.map_err(|e| e.to_string())?;
        engine.close();
        Ok::<_, String>(spent)
    })?;
    Ok(Taken { late_ms: lateness(stamps, jobs)?, cpu_ms: cpu.0 / jobs as f64, own_ms: cpu.1 / jobs as f64 })
}

/// Gives every process a schedule that is due once while we look, and says when in its environment.
fn due(loaded: &mut Loaded, first: At, over: Span) {
    let jobs = loaded.processes.len().max(1) as u64;
    for (n, pinned) in loaded.processes.values_mut().enumerate() {
        let nominal = first + Span(over.0 / jobs * n as u64);
        let when = When::Every { span: Span::seconds(24 * 3600), anchor: nominal };
        let pinned = Arc::make_mut(pinned);
        let (missed, overlap) = (Missed::Latest, Overlap::Forbid);
        pinned.process.schedule = Some(Schedule { missed, overlap, ..Schedule::new(when, "UTC") });
        pinned.process.env.insert(stamp::DUE.into(), nominal.0.to_string());
        pinned.digest = pinned.process.digest();
    }
}

/// One thread starts all of them as fast as it can; as many may live at one time as the engine lets act.
fn raw_round(stamps: &Path, jobs: usize) -> Result<Taken, String> {
    let words = stamp::command()?;
    let before = both(cpu_ms("self")?);
    let due = stamp::now().to_string();
    let mut living: VecDeque<Child> = VecDeque::new();
    for n in 0..jobs {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().env(stamp::FOLDER, stamps).env(stamp::NAME, format!("raw-{n}"));
        command.env(stamp::DUE, &due).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        living.push_back(command.spawn().map_err(|e| format!("{} cannot be started ({e})", words[0]))?);
        while living.front_mut().is_some_and(|first| matches!(first.try_wait(), Ok(Some(_)))) {
            living.pop_front();
        }
        if let Some(mut first) = (living.len() >= ACTING_MAX).then(|| living.pop_front()).flatten() {
            first.wait().map_err(|e| e.to_string())?;
        }
    }
    for mut rest in living {
        rest.wait().map_err(|e| e.to_string())?;
    }
    let spent = both(cpu_ms("self")?) - before;
    Ok(Taken { late_ms: lateness(stamps, jobs)?, cpu_ms: spent / jobs as f64, own_ms: 0.0 })
}

/// APScheduler, in a Python of its own below `target/`.
fn peer_round(scratch: &Scratch, stamps: &Path, jobs: usize) -> Result<Taken, String> {
    let python = python()?;
    let words = stamp::command()?;
    let script = scratch.0.join("peer.py");
    fs::write(&script, include_str!("peer.py")).map_err(|e| e.to_string())?;
    let mut command = Command::new(python);
    command.arg(&script).arg(jobs.to_string()).arg(ACTING_MAX.to_string()).arg(stamps);
    let output = command.args(&words).output().map_err(|e| format!("Python cannot be started ({e})"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let seconds: f64 = said
        .trim()
        .parse()
        .map_err(|_| format!("APScheduler did not end well: {}", String::from_utf8_lossy(&output.stderr).trim()))?;
    Ok(Taken { late_ms: lateness(stamps, jobs)?, cpu_ms: seconds * 1e3 / jobs as f64, own_ms: 0.0 })
}

/// A Python that has APScheduler; made once, beside the program.
fn python() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let venv = own.parent().unwrap_or(Path::new(".")).join("apscheduler");
    let python = venv.join("bin/python");
    let has = |python: &Path| {
        let asked = Command::new(python).args(["-c", "import apscheduler"]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    if !has(&python) {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&venv).stdout(Stdio::null()).status();
        let installed = made.and_then(|_| {
            Command::new(&python)
                .args(["-m", "pip", "install", "-q", "APScheduler==3.11.3"])
                .stdout(Stdio::null())
                .status()
        });
        installed.map_err(|e| format!("no Python with APScheduler can be made ({e})"))?;
    }
    if has(&python) { Ok(python) } else { Err("APScheduler cannot be installed in a venv here".into()) }
}

/// How late each was, in milliseconds.
fn lateness(stamps: &Path, jobs: usize) -> Result<Samples, String> {
    let files = fs::read_dir(stamps).map_err(|e| format!("the stamps cannot be read ({e})"))?;
    let mut late = Samples::default();
    for file in files.flatten() {
        late.0.push(stamp::late(&file.path())? as f64 / 1e6);
    }
    match late.0.len() {
        all if all == jobs => Ok(late),
        other => Err(format!("{other} of {jobs} commands left a stamp")),
    }
}

/// Processor milliseconds of a process, and of its children that it took note of.
fn cpu_ms(process: &str) -> Result<(f64, f64), String> {
    let file = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&file).map_err(|e| format!("{file} cannot be read ({e})"))?;
    let rest = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let fields: Vec<f64> = rest.split(' ').skip(11).take(4).filter_map(|field| field.parse().ok()).collect();
    let [user, system, below_user, below_system] = fields[..] else { return Err(format!("{file} is not understood")) };
    Ok(((user + system) / TICKS * 1e3, (below_user + below_system) / TICKS * 1e3))
}

fn both((own, below): (f64, f64)) -> f64 {
    own + below
}
