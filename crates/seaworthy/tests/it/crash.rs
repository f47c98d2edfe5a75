//! The server, the keeper and commands are killed with -9 at random moments under load, again and again. Afterwards an
//! independent count: what the steps wrote outside the data folder, against what the journal says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::{Child, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    change::confirm,
    kit::{Site, until},
    server_history::{Client, Fact, by_stream, history, intact, now, of, shown, stream},
};

/// Processes under load.
const PROCESSES: usize = 20;
/// A life is ended within this.
const LIFE_MAX_MS: u64 = 1_500;

/// Even numbers from one seed (xorshift64*).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit
    }
}

/// A server that may not even have come up when it is killed.
struct Life(Child);

impl Life {
    fn begin(site: &Site) -> Life {
        let log = fs::OpenOptions::new().create(true).append(true).open(site.aside("lives.log")).unwrap();
        let mut command = site.command(&["up", "--listen", "127.0.0.1:0"]);
        Life(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The steps write `B RUN STEP ATTEMPT` when they begin and `E …` as their effect, each by one write.
fn process(site: &Site, number: usize) {
    let (missed, overlap) =
        [("skip", "forbid"), ("latest", "queue(2)"), ("all", "forbid"), ("latest", "replace"), ("skip", "allow")]
            [number % 5];
    let every = 2 + number % 4;
    let once = number.is_multiple_of(4);
    let (effect, said) = if once { ("once", "paid") } else { ("idempotent", "done") };
    let line = |mark: &str| {
        format!(r#"printf "{mark} %s %s %s\n" $SEAWORTHY_RUN $SEAWORTHY_STEP $SEAWORTHY_ATTEMPT >> "$ORACLE""#)
    };
    let file = format!(
        "schedule: {{ every: {every}s, missed: {missed}, overlap: {overlap} }}
env: {{ ORACLE: '{oracle}' }}
steps:
  - id: {said}
    effect: {effect}
    run: |
      {begin}
      sleep 0.{pause}
      {end}
verify:
  - command: grep \"^E $SEAWORTHY_RUN {said} \" \"$ORACLE\"
    expect: stdout.contains(\" {said} \")
",
        oracle = shown(&site.aside("oracle")),
        begin = line("B"),
        end = line("E"),
        pause = 1 + number % 4,
    );
    site.process(&format!("p{number:02}"), &file);
}

/// Asks for runs until told to stop; returns the ids that were answered.
fn asks(site: &Client, over: &AtomicBool) -> Vec<String> {
    let mut answered = vec![];
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        let said = site.json(&["run", &format!("p{:02}", number % PROCESSES), "--detach"]);
        number += 1;
        if said.code == 0 {
            answered.push(said.json["run_id"].as_str().unwrap().to_owned());
        }
    }
    answered
}

#[test]
fn no_kill_loses_or_doubles_a_run_or_an_effect() {
    let seed = std::env::var("SEAWORTHY_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(now() as u64 | 1);
    let kills = if std::env::var_os("SEAWORTHY_LONG").is_some() { 2_000 } else { 20 };
    println!("seed {seed}, {kills} kills; repeat with SEAWORTHY_SEED={seed}");
    let site = Site::new();
    for number in 0..PROCESSES {
        process(&site, number);
    }
    let over = AtomicBool::new(false);
    let other = Client::of(&site);
    let answered = thread::scope(|scope| {
        let asking = scope.spawn(|| asks(&other, &over));
        let mut chance = Chance(seed);
        for _ in 0..kills {
            let mut life = Life::begin(&site);
            let until = Instant::now() + Duration::from_millis(chance.below(LIFE_MAX_MS));
            // The moment is drawn by chance; a life that ends by itself before it is not waited for.
            while Instant::now() < until && life.0.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_millis(2));
            }
            match chance.below(4) {
                // The server alone: what the keeper holds goes on.
                0 | 1 => drop(life),
                // The keeper under the server; then the server, or it lives on for a moment with the next keeper.
                2 => {
                    site.kill_keeper();
                    let moment = Instant::now() + Duration::from_millis(chance.below(300));
                    while Instant::now() < moment {
                        kill_a_command(&site);
                        thread::sleep(Duration::from_millis(20));
                    }
                    drop(life);
                }
                // Both at once.
                _ => {
                    drop(life);
                    site.kill_keeper();
                }
            }
        }
        let server = site.server();
        over.store(true, Ordering::Relaxed);
        let answered = asking.join().unwrap();
        drain(&site);
        assert_eq!(server.stop(), 0);
        answered
    });
    let facts = history(&site);
    runs_end_once(&facts, &answered);
    occurrences_have_one_record(&facts);
    effects_happen_once(&facts, &fs::read_to_string(site.aside("oracle")).unwrap());
    views_agree(&site, &facts);
    intact(&site);
    let ended = of(&facts, "run_ended").len();
    let hit = of(&facts, "attempt_ended").iter().filter(|fact| fact.body["acted"]["outcome"] == "unknown").count();
    let (asked, settled) = (answered.len(), of(&facts, "step_settled").len());
    let claims = by_stream(&facts, "run_claimed");
    let adopted = of(&facts, "attempt_ended").into_iter().filter(|fact| {
        fact.body["acted"]["outcome"] == "done" && claims.get(fact.stream.as_str()).is_some_and(|all| all.len() > 1)
    });
    let adopted = adopted.count();
    println!(
        "{ended} runs ended, {asked} were asked for, {hit} attempts were killed under, {settled} looked at, {adopted} ended well in runs that were taken up"
    );
    assert!(ended > kills && asked > 0 && hit > 0 && adopted > 0, "there was no load");
}

/// One of the processes that the keeper started, if it holds any.
fn kill_a_command(site: &Site) {
    let Some(keeper) = site.keeper() else { return };
    let children = fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children")).unwrap_or_default();
    if let Some(pid) = children.split_ascii_whitespace().next().and_then(|pid| Pid::from_raw(pid.parse().ok()?)) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Without schedules nothing new comes, and what is live ends.
fn drain(site: &Site) {
    for number in 0..PROCESSES {
        let name = format!("ops/p{number:02}.yaml");
        let kept: Vec<String> =
            site.read(&name).lines().filter(|l| !l.starts_with("schedule:")).map(Into::into).collect();
        site.write(&name, &(kept.join("\n") + "\n"));
    }
    for number in 0..PROCESSES {
        confirm(site, &format!("process/p{number:02}"));
    }
    // A queued occurrence of a schedule that is gone is skipped with a record like any other.
    until("the schedules are gone", || {
        let facts = history(site);
        let loaded = by_stream(&facts, "process_loaded");
        let without = |all: &Vec<&Fact>| all.last().unwrap().text("definition").contains("\"schedule\":null");
        (loaded.len() == PROCESSES && loaded.values().all(without)).then_some(())
    });
    until("nothing is live", || {
        let said = site.json(&["runs", "--limit", "1"]);
        said.json["live"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
}

fn runs_end_once(facts: &[Fact], answered: &[String]) {
    let requested: BTreeSet<&str> = of(facts, "run_requested").iter().map(|f| f.stream.as_str()).collect();
    let ended = by_stream(facts, "run_ended");
    for run in answered {
        assert!(requested.contains(format!("run/{run}").as_str()), "{run} was answered and is lost");
    }
    for run in &requested {
        assert_eq!(ended.get(run).map_or(0, Vec::len), 1, "ends of {run}");
    }
    assert_eq!(requested.len(), ended.len(), "an end without a request");
    for (run, started) in by_stream(facts, "attempt_started") {
        let steps: Vec<_> = started.iter().map(|f| (f.text("step"), f.number("attempt"))).collect();
        assert_eq!(steps.len(), steps.iter().collect::<BTreeSet<_>>().len(), "{run} began an attempt twice: {steps:?}");
    }
}

/// Every nominal time from the first to the last is due or skipped, exactly once.
fn occurrences_have_one_record(facts: &[Fact]) {
    let mut seen: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut many: BTreeMap<&str, Vec<(i64, i64, i64)>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.stream.starts_with("schedule/")) {
        match fact.kind.as_str() {
            "occurrence_due" | "occurrence_skipped" => {
                seen.entry(&fact.stream).or_default().push(fact.number("nominal"));
            }
            "occurrences_skipped" => {
                let row = (fact.number("first"), fact.number("last"), fact.number("count"));
                many.entry(&fact.stream).or_default().push(row);
            }
            _ => {}
        }
    }
    assert_eq!(seen.len(), PROCESSES, "every schedule fired");
    for (name, mut nominals) in seen {
        let number: i64 = name.trim_start_matches("schedule/p").parse().unwrap();
        let every = (2 + number % 4) * 1_000_000_000;
        for (first, last, count) in many.remove(name).unwrap_or_default() {
            assert_eq!(count, (last - first) / every + 1, "{name}");
            nominals.extend((0..count).map(|n| first + n * every));
        }
        let queued = facts.iter().filter(|f| f.stream == name && f.kind == "occurrence_queued");
        assert!(queued.map(|f| f.number("nominal")).all(|n| nominals.contains(&n)), "{name}: one waits for ever");
        nominals.sort_unstable();
        let wanted: Vec<i64> = (0..nominals.len() as i64).map(|n| nominals[0] + n * every).collect();
        assert_eq!(nominals, wanted, "{name}: a nominal time has no record, or two");
    }
    let runs: Vec<&str> = of(facts, "occurrence_due").iter().map(|f| f.text("run")).collect();
    assert_eq!(runs.len(), runs.iter().collect::<BTreeSet<_>>().len(), "two occurrences share a run");
    let requested = by_stream(facts, "run_requested");
    assert!(runs.iter().all(|run| requested.contains_key(format!("run/{run}").as_str())), "a due run is lost");
}

fn effects_happen_once(facts: &[Fact], oracle: &str) {
    let mut lines: BTreeMap<(&str, &str), Vec<(&str, u32)>> = BTreeMap::new();
    for line in oracle.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [mark, run, step, attempt] = words[..] else { panic!("torn line `{line}`") };
        lines.entry((run, step)).or_default().push((mark, attempt.parse().unwrap()));
    }
    for ((run, step), lines) in &lines {
        assert_eq!(lines.len(), lines.iter().collect::<BTreeSet<_>>().len(), "{run} {step} twice: {lines:?}");
        let attempts: Vec<u32> = lines.iter().map(|(_, attempt)| *attempt).collect();
        assert!(attempts.is_sorted(), "{run} {step}: an older attempt ran on beside its repetition: {lines:?}");
        let effects = lines.iter().filter(|(mark, _)| *mark == "E").count();
        assert!(*step != "paid" || effects <= 1, "{run}: {effects} effects of a once step: {lines:?}");
    }
    // A once step is begun again only after looking said that it did not happen.
    for (run, started) in by_stream(facts, "attempt_started") {
        let paid = started.iter().filter(|f| f.text("step") == "paid").count();
        let settled =
            facts.iter().filter(|f| f.stream == run && f.kind == "step_settled" && f.body["happened"] == false);
        assert!(paid <= 1 + settled.count(), "{run} was repeated blindly");
    }
    // Verified by somebody else means that the effect is there.
    for (run, ends) in by_stream(facts, "run_ended").iter().filter(|(_, ends)| ends[0].text("verified") == "yes") {
        let id = run.trim_start_matches("run/");
        let there = lines.iter().any(|((r, _), lines)| *r == id && lines.iter().any(|(mark, _)| *mark == "E"));
        assert!(there, "{run} is verified without an effect: {ends:?}");
    }
}

/// The rows that pages show, against the journal that they are folded from.
fn views_agree(site: &Site, facts: &[Fact]) {
    let said = site.json(&["runs", "--limit", "1000"]);
    let rows = said.json["runs"].as_array().unwrap();
    let ended = by_stream(facts, "run_ended");
    assert_eq!(rows.len(), ended.len().min(1_000));
    for row in rows {
        let end = ended[format!("run/{}", row["run_id"].as_str().unwrap()).as_str()][0];
        assert_eq!((&row["executed"], &row["verified"]), (&end.body["executed"], &end.body["verified"]), "{row}");
    }
}

#[test]
fn nobody_is_taken_for_dead_while_it_cannot_be_known_who_lives() {
    let site = Site::new();
    site.process("slow", "steps:\n  - { id: one, run: 'echo $$ > begun; test -e go || exec sleep 600' }\n");
    let server = site.server();
    let run = site.json(&["run", "slow", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    until("its step has begun", || (!site.read("begun").is_empty()).then_some(()));
    server.kill();
    site.kill_keeper();
    site.write("go", "");
    // A lock that cannot be looked at, for root neither: a link to itself.
    let lock = site.data().join("nodes/999");
    std::os::unix::fs::symlink("999", &lock).unwrap();
    let server = site.server();
    until("it is said", || server.log().contains("the living nodes").then_some(()));
    let facts = || stream(&site, &format!("run/{run}"));
    assert_eq!(of(&facts(), "attempt_started").len(), 1, "nothing is repeated beside one who may live");
    fs::remove_file(lock).unwrap();
    until("then it is taken up", || (!of(&facts(), "run_ended").is_empty()).then_some(()));
    assert_eq!(server.stop(), 0);
    intact(&site);
}
