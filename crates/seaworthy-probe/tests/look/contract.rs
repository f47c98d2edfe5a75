//! What every probe promises, one by one for all in the list. A new probe adds its cases below.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use seaworthy_model::{
    port::LookOrder,
    run::ACTOR_PREFIX,
    time::Span,
    value::{OBSERVATION_BYTES_MAX, Value},
};

use crate::kit::{Folder, artifact, get, order, secret, shell, sql};

const SECRET: &str = "tops3cret";

/// One probe in the situations that the contract speaks of.
struct Case {
    probe: &'static str,
    /// Ends by itself and sees something.
    good: LookOrder,
    /// Cannot look; the sentence names this.
    wrong: (LookOrder, &'static str),
    /// Would take for ever.
    endless: LookOrder,
}

fn cases(folder: &Folder, port: u16) -> Vec<Case> {
    folder.file("a.dump", "abc");
    rusqlite::Connection::open(folder.0.join("a.db"))
        .unwrap()
        .execute_batch(&format!(
            "create table t (x, y); insert into t values ('{SECRET}', printf('%.*c', 100000, 'x'))"
        ))
        .unwrap();
    std::fs::File::create(folder.0.join("huge")).unwrap().set_len(1 << 40).unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.0.join("pipe")).status().unwrap();
    assert!(made.success());
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";
    let of = |look| {
        let mut order = order(folder, look);
        order.secrets = vec![secret("TOKEN", SECRET)];
        order
    };
    vec![
        Case {
            probe: "artifact",
            good: of(artifact("a.dump")),
            wrong: (of(artifact("pipe")), "pipe"),
            endless: of(artifact("huge")),
        },
        Case {
            probe: "command",
            good: of(shell("echo $TOKEN; head -c 100000 /dev/zero | tr '\\0' x; cat \"$TOKEN_FILE\" >&2")),
            wrong: (of(crate::kit::args(&["/no/such/tops3cret"])), "could not be started"),
            endless: of(shell("sleep 1000")),
        },
        Case {
            probe: "sql",
            good: of(sql("sqlite:a.db", "select x, y from t")),
            wrong: (of(sql("sqlite:a.db", "select tops3cret from t")), "no such column"),
            endless: of(sql("sqlite:a.db", endless)),
        },
        Case {
            probe: "http",
            good: of(get(&format!("http://127.0.0.1:{port}/echo?$TOKEN"))),
            wrong: (of(get("http://127.0.0.1:1/$TOKEN")), "gave no answer"),
            endless: of(get(&format!("http://127.0.0.1:{port}/never"))),
        },
    ]
}

fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Text(text) => found.push(text),
        Value::List(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Map(values) => values.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_probe_keeps_the_contract() {
    let folder = Folder::new();
    let server = crate::http::Server::start().await;
    let mut proven = BTreeSet::new();
    for case in cases(&folder, server.port) {
        let probes = seaworthy_probe::all();
        let takers: Vec<_> = probes.iter().filter(|probe| probe.takes(&case.good.look)).collect();
        assert_eq!(takers.len(), 1, "exactly one probe takes the look of {}", case.probe);
        let probe = takers[0];
        assert_eq!(probe.name(), case.probe);

        let seen = probe.look(&case.good).await.unwrap();
        assert_eq!(seen.source, format!("probe/{}", case.probe));
        assert!(!seen.source.starts_with(ACTOR_PREFIX));
        assert!(seen.took > Span::ZERO && matches!(seen.facts["duration"], Value::Duration(n) if n > 0));
        let mut found = vec![];
        seen.facts.values().for_each(|value| texts(value, &mut found));
        for text in &found {
            assert!(text.len() <= OBSERVATION_BYTES_MAX, "{}: {}", case.probe, text.len());
            assert!(!text.contains(SECRET), "{} shows a secret", case.probe);
        }
        if case.probe != "artifact" {
            assert!(found.iter().any(|text| text.contains("***")), "{}: the secret was there", case.probe);
            assert!(seen.dropped >= 100_000 - OBSERVATION_BYTES_MAX as u64, "{}: {}", case.probe, seen.dropped);
        }

        let error = probe.look(&case.wrong.0).await.unwrap_err();
        assert!(error.contains(case.wrong.1), "{}: {error}", case.probe);
        assert!(!error.contains(SECRET), "{}: {error}", case.probe);

        let mut endless = case.endless;
        endless.timeout = Span::from_millis(300);
        let started = Instant::now();
        let error = probe.look(&endless).await.unwrap_err();
        assert!(error.contains("300ms") && error.contains("timeout"), "{}: {error}", case.probe);
        assert!(started.elapsed() < Duration::from_secs(20), "{}: {:?}", case.probe, started.elapsed());

        let another = probes.iter().find(|other| other.name() != probe.name()).unwrap();
        assert!(another.look(&case.good).await.is_err(), "{} carries out a foreign look", another.name());
        proven.insert(case.probe);
    }
    let all: BTreeSet<_> = seaworthy_probe::all().iter().map(|probe| probe.name()).collect();
    assert_eq!(proven, all, "every probe of the list has its cases here");
}
