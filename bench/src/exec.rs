//! From asking for a run to the first instruction of its command, next to starting the same command plainly.
//!
//! Both take turns. What the engine adds is two durable writes, the run's folder, and the holding of its processes.

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    Ask,
    engine::{self, Engine, Scratch},
    figure::{Samples, machine, round},
    raw, stamp,
};

/// Longest time that one run may take.
const RUN_MOST: Duration = Duration::from_secs(30);

/// The text of `count` processes that stamp, named `stamp-N`.
pub fn ops(stamps: &Path, count: usize) -> Result<String, String> {
    let words = serde_json::to_string(&stamp::command()?).map_err(|e| e.to_string())?;
    let folder = serde_json::to_string(&stamps.display().to_string()).map_err(|e| e.to_string())?;
    let one = |n| {
        format!("process: stamp-{n}\nenv: {{ {}: {folder} }}\nsteps:\n  - id: stamp\n    run: {words}\n", stamp::FOLDER)
    };
    Ok((0..count).map(one).collect::<Vec<_>>().join("---\n"))
}

/// A folder below the scratch folder.
pub fn below(scratch: &Scratch, name: &str) -> Result<std::path::PathBuf, String> {
    let folder = scratch.0.join(name);
    fs::create_dir_all(&folder).map_err(|e| format!("the folder {} cannot be made ({e})", folder.display()))?;
    Ok(folder)
}

/// `trigger-to-exec`.
pub fn trigger(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let (data, stamps) = (below(&scratch, "data")?, below(&scratch, "stamps")?);
    let rounds = ask.rounds.unwrap_or(if ask.quick { 30 } else { 300 });
    let loaded = engine::load(&scratch.0, &ops(&stamps, 1)?)?;
    let (engine_ms, plain_ms) = engine::carry_out(async move {
        let engine = Engine::open(&data, loaded)?;
        let (mut engine_ms, mut plain_ms) = (Samples::default(), Samples::default());
        for turn in 0..rounds + 3 {
            let asked = stamp::now();
            let run = engine.ask("stamp-0").await?;
            engine.ended(turn as u64 + 1, RUN_MOST).await?;
            let started = stamp::read(&stamps, &run.to_string())?;
            let (name, folder) = (format!("plain-{turn}"), stamps.clone());
            let plain = tokio::task::spawn_blocking(move || {
                let asked = stamp::now();
                raw::spawn(&folder, &name)?;
                Ok::<_, String>(stamp::read(&folder, &name)? - asked)
            });
            let plain = plain.await.map_err(|e| e.to_string())??;
            // The first few load the program and compile statements.
            if turn >= 3 {
                engine_ms.0.push((started - asked) as f64 / 1e6);
                plain_ms.0.push(plain as f64 / 1e6);
            }
        }
        engine.close();
        Ok::<_, String>((engine_ms, plain_ms))
    })?;
    Ok(json!({
        "figure": "trigger-to-exec", "value": round(engine_ms.median()), "unit": "ms",
        "limit": "the same command started plainly", "limit_value": round(plain_ms.median()),
        "ratio": round(engine_ms.median() / plain_ms.median()),
        "engine_ms": engine_ms.many(), "plain_ms": plain_ms.many(), "machine": machine(&scratch.0),
    }))
}
