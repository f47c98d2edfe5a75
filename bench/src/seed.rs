//! Makes a site with a long journal through the store's own port: 100 processes with 100,000 ended runs.
//!
//! The entries are those that an ordinary verified run leaves. This module must not know tables.

use std::{fs, path::Path, sync::Arc, time::Instant};

use seaworthy_model::{
    entry::{Draft, Stream, Via},
    event::Event,
    id::{ActorId, EntryId, NodeId, RunId},
    port::{Batch, Chance as _, Clock as _, Journal as _, Write},
    run::{Acted, Cause, Executed, Judged, Kind, Observation, Outcome, Output, Usual, Verdict, Verified},
    site::{Loaded, Pinned},
    time::{At, Span},
    view::{EndedRun, ViewChange},
};
use seaworthy_store::sqlite::Sqlite;
use serde_json::{Value, json};

use crate::{
    Ask,
    engine::{self, Scratch, System, said},
};

/// Runs in the journal.
pub const RUNS: usize = 100_000;
const PROCESSES: usize = 100;
/// Runs of one batch; seven entries each stay below the store's limit of a batch.
const BATCH: usize = 500;
/// Between two runs: the journal is about a month long.
const APART: Span = Span::seconds(26);

/// `seed`: the site goes to `--folder` and stays.
pub fn figure(ask: &Ask) -> Result<Value, String> {
    let folder = ask.folder.clone().ok_or("name the folder for the site: --folder DIR")?;
    let began = Instant::now();
    seed(&folder)?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(json!({ "site": folder.display().to_string(), "runs": RUNS, "seconds": seconds }))
}

/// The site of `--site`, or a fresh one in the scratch folder.
pub fn site(ask: &Ask, scratch: &Scratch) -> Result<std::path::PathBuf, String> {
    if let Some(site) = &ask.site {
        return site.canonicalize().map_err(|e| format!("there is no site in {} ({e})", site.display()));
    }
    let folder = scratch.0.join("site");
    seed(&folder)?;
    Ok(folder)
}

fn seed(folder: &Path) -> Result<(), String> {
    let trouble = |e: std::io::Error| format!("the site cannot be written to {} ({e})", folder.display());
    let data = folder.join(".seaworthy");
    fs::create_dir_all(folder.join("ops")).map_err(trouble)?;
    fs::create_dir_all(&data).map_err(trouble)?;
    fs::write(folder.join("seaworthy.yaml"), "site: figures\n").map_err(trouble)?;
    let mut all = Vec::new();
    for n in 0..PROCESSES {
        let text = process(&format!("p{n:03}"), n);
        fs::write(folder.join(format!("ops/p{n:03}.yaml")), &text).map_err(trouble)?;
        all.push(text);
    }
    let loaded = engine::load(folder, &all.join("---\n"))?;
    // A journal without the key that signs its checkpoints is refused. This one signs nothing worth keeping.
    fs::write(data.join("checkpoint.key"), format!("{}\n", "5a".repeat(32))).map_err(trouble)?;
    engine::carry_out(async move { fill(&data.join("journal.db"), &loaded).await })
}

/// An ordinary process whose schedule leaves the measured minutes alone.
pub fn process(name: &str, n: usize) -> String {
    format!(
        "process: {name}\nabout: One of many.\nschedule: {{ cron: \"{} 3 1 1 *\", timezone: Europe/Berlin, missed: skip }}\n\
         steps:\n  - id: copy\n    run: cp a b\n    timeout: 10m\nverify:\n  - name: it is there\n    command: wc -c b\n    \
         expect: exit == 0 && stdout.contains(\"b\")\nheal:\n  - retry: {{ times: 2, backoff: 1s..10s }}\n\
         watch: {{ start_within: 10m, finish_within: 1h }}\n",
        n % 60
    )
}

async fn fill(file: &Path, loaded: &Loaded) -> Result<(), String> {
    let mut ten = [0; 10];
    System.fill(&mut ten);
    let store = Sqlite::open(file, || NodeId::new(System.now(), &ten)).map_err(said)?;
    let actor = ActorId::new(At(0), &ten);
    let processes: Vec<&Arc<Pinned>> = loaded.processes.values().collect();
    let first = System.now() - Span(APART.0 * RUNS as u64);
    for part in 0..RUNS / BATCH {
        let mut batch = Batch::by(actor, Via::Node);
        for n in part * BATCH..(part + 1) * BATCH {
            let (write, row) = run(processes[n % processes.len()], first + Span(APART.0 * n as u64));
            batch.writes.push(write);
            batch.views.push(ViewChange::RunEnded(Box::new(row)));
        }
        store.append(batch).await.map_err(said)?;
    }
    store.close();
    Ok(())
}

fn ten() -> [u8; 10] {
    let mut ten = [0; 10];
    System.fill(&mut ten);
    ten
}

fn run(pinned: &Pinned, at: At) -> (Write, EndedRun) {
    let (run, took) = (RunId::new(at, &ten()), Span::from_millis(800));
    let (process, digest) = (pinned.process.name.clone(), pinned.digest.clone());
    let cause = Cause::Schedule { nominal: at };
    let acted = Acted {
        outcome: Outcome::Done,
        exit: Some(0),
        signal: None,
        reason: None,
        took,
        stdout: Output::default(),
        stderr: Output::default(),
        held_by: "subreaper".into(),
        empty: Some(true),
    };
    let observation = Observation { source: "probe/command".into(), facts: Default::default(), took, dropped: 0 };
    let judged = Judged {
        check: "command 1".into(),
        round: 0,
        verdict: Verdict::Yes,
        expected: "exit == 0 && stdout.contains(\"b\")".into(),
        observed: "exit = 0, stdout = \"1234 b\"".into(),
        observation: Some(observation),
    };
    let events = [
        Event::RunRequested {
            process: process.clone(),
            kind: Kind::Run,
            digest: digest.clone(),
            cause: cause.clone(),
            usual: Usual::default(),
            artifact: None,
            objective: None,
            inputs: Default::default(),
        },
        Event::RunClaimed { fence: 1 },
        Event::AttemptStarted { step: "copy".into(), attempt: 1, key: "copy/1".into() },
        Event::AttemptEnded { step: "copy".into(), attempt: 1, acted },
        Event::Checked { judged },
        Event::VerificationEnded { round: 0, verified: Verified::Yes },
        Event::RunEnded {
            executed: Executed::Ok,
            verified: Verified::Yes,
            reason: String::new(),
            duration: took,
            recovery: None,
        },
    ];
    let row = EndedRun {
        run,
        process,
        kind: Kind::Run,
        digest,
        cause,
        requested_at: at,
        started_at: Some(at),
        ended_at: at + took,
        executed: Executed::Ok,
        verified: Verified::Yes,
        reason: String::new(),
        duration: took,
        recovery: None,
        objective: None,
        heals: 0,
        artifacts: vec![],
        measures: [("duration".to_owned(), took.0 as f64)].into(),
    };
    let drafts = events.into_iter().map(|event| Draft { id: EntryId::new(at, &ten()), at, event }).collect();
    (Write { stream: Stream::run(run), expected: Some(0), drafts }, row)
}
