//! `import`: files of this very host and of other tools become process files that `check` takes.

use std::{fs, path::Path};

use crate::kit::{Site, finish};

/// `check` takes what was written: nothing but findings about missing facets.
pub fn checked(site: &Site) -> usize {
    let check = site.json(&["check"]);
    assert_eq!(check.code, 0, "{}", check.stdout);
    let bad: Vec<&serde_json::Value> =
        check.json["diagnostics"].as_array().unwrap().iter().filter(|d| d["severity"] != "finding").collect();
    assert!(bad.is_empty(), "{bad:?}");
    check.json["missing"].as_array().unwrap().len()
}

#[test]
fn what_this_host_runs_by_cron_and_systemd_becomes_process_files() {
    let site = Site::new();
    let crontab = site.json(&["import", "crontab", "--write"]);
    let timers = site.json(&["import", "systemd", "--write", "ops/timers"]);
    assert_eq!(crontab.code, 0, "{}", crontab.stderr);
    // Units of a host may well be broken; what is good is imported all the same.
    // A job may also stand in both, for a host with systemd and one without: the second of one name is kept back.
    assert!([0, 1, 4].contains(&timers.code), "{} {}", timers.code, timers.stderr);
    let count = |output: &crate::kit::Output| {
        let all = output.json["processes"].as_array().unwrap();
        all.iter().filter(|process| process["became"] == "written").count()
    };
    if Path::new("/lib/systemd/system/apt-daily.timer").exists() {
        assert!(count(&timers) > 0);
        let text = site.read("ops/timers/apt-daily.yaml");
        assert!(text.contains("6,18:00") && text.contains("jitter: 12h") && text.contains("missed: latest"), "{text}");
    } else {
        println!("SKIPPED: systemd: this host has no /lib/systemd/system/apt-daily.timer");
    }
    assert_eq!(checked(&site), count(&crontab) + count(&timers));
    let plan = site.json(&["plan"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
}

/// An export in the shape of a tool's documentation.
fn export(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seaworthy-spec/tests/spec/import");
    folder.join(name).display().to_string()
}

#[test]
fn exports_of_other_tools_become_process_files_that_check_takes() {
    let site = Site::new();
    let mut all = 0;
    for (tool, file, processes, code) in [
        ("kubernetes", "cronjobs.yaml", 3, 1),
        ("healthchecks", "healthchecks.json", 3, 0),
        ("uptime-kuma", "kuma.json", 3, 0),
        ("cronicle", "cronicle.txt", 3, 1),
        ("rundeck", "rundeck.yaml", 3, 1),
    ] {
        let said = site.json(&["import", tool, &export(file), "--write", &format!("ops/{tool}")]);
        let written: Vec<&str> =
            said.json["processes"].as_array().unwrap().iter().map(|p| p["became"].as_str().unwrap()).collect();
        assert_eq!((said.code, written.len()), (code, processes), "{tool}: {}", said.stderr);
        assert!(written.iter().all(|became| *became == "written"), "{tool}: {written:?}");
        assert!(!said.stdout.contains("hunter2") && !said.stderr.contains("hunter2"), "{tool}");
        all += processes;
    }
    assert_eq!(checked(&site), all);
    assert_eq!(site.json(&["plan"]).code, 0);
    let ping = site.json(&["ping", "new", "filesystem-backup"]);
    assert_eq!(ping.code, 0, "a check of Healthchecks goes on pinging: {ping:?}");
}

/// Stands for `kubectl`: writes down what it is asked, and a job of it ends at the second look as the file `end` says.
const KUBECTL: &str = r#"#!/bin/sh
echo "$*" >> asked
case "$1" in
  get) if [ -e looked ]; then rm looked; cat end; else : > looked; fi ;;
  logs) echo "what the pod said" ;;
esac
"#;

#[test]
fn an_imported_cron_job_starts_a_job_waits_for_its_end_and_has_its_verdict() {
    let site = Site::new();
    site.write("bin/kubectl", KUBECTL);
    site.sh("chmod +x bin/kubectl");
    let path = std::env::var("PATH").unwrap_or_default();
    site.env("PATH", &format!("{}:{path}", site.path("bin").display()));
    assert_eq!(site.json(&["import", "kubernetes", &export("cronjobs.yaml"), "--write"]).code, 1, "a part is broken");
    for (end, executed) in [("SuccessCriteriaMet Complete", "ok"), ("Failed", "failed")] {
        site.write("end", end);
        let run = site.json(&["run", "hello"]);
        assert_eq!(run.json["executed"], executed, "{run:?}");
        let logs = site.say(&["logs", run.json["run_id"].as_str().unwrap()]).stdout;
        assert!(logs.contains("what the pod said"), "{logs}");
    }
    let asked = site.read("asked");
    assert!(asked.starts_with("create job --namespace=prod --from=cronjob/hello hello-"), "{asked}");
}

#[test]
fn a_file_that_is_there_is_left_as_it_is_until_it_is_forced() {
    let site = Site::new();
    site.write("tab", "0 1 * * * /bin/backup\n");
    assert_eq!(site.say(&["import", "crontab", "tab", "--write", "ops/"]).code, 0);
    assert_eq!(site.say(&["import", "crontab", "tab", "--write", "ops/"]).code, 0, "the same text is no trouble");
    site.write("ops/backup.yaml", "process: backup\nabout: mine\n");
    let kept = site.json(&["import", "crontab", "tab", "--write"]);
    assert_eq!((kept.code, kept.json["processes"][0]["became"].as_str()), (4, Some("kept")));
    assert!(kept.stderr.contains("--force"), "{}", kept.stderr);
    assert!(site.read("ops/backup.yaml").contains("mine"));
    assert_eq!(site.say(&["import", "crontab", "tab", "--write", "--force"]).code, 0);
    assert!(site.read("ops/backup.yaml").contains("/bin/backup"));
    fs::rename(site.path("ops/backup.yaml"), site.path("ops/other.yaml")).unwrap();
    let taken = site.json(&["import", "crontab", "tab", "--write", "--force"]);
    assert_eq!(taken.code, 4);
    assert!(taken.stderr.contains("already, in ops/other.yaml"), "{}", taken.stderr);
    assert_eq!(checked(&site), 1);
}

#[test]
fn the_exit_code_says_whether_all_some_or_nothing_could_be_read() {
    let site = Site::bare();
    site.write("good", "CRON_TZ=UTC\n0 1 * * * /bin/backup\n");
    site.write("half", "0 1 * * * /bin/backup\n0 99 * * * /bin/other\n");
    site.write("bad", "hello\n");
    fs::write(site.path("latin"), b"0 1 * * * echo \xe9\n").unwrap();
    for (file, code) in [("good", 0), ("half", 1), ("bad", 2), ("latin", 2), ("absent", 2)] {
        let output = site.json(&["import", "crontab", file]);
        assert_eq!(output.code, code, "{file}: {output:?}");
        let broken = output.json["left"].as_array().unwrap().iter().any(|left| left["kind"] == "broken");
        assert_eq!(broken, code != 0, "{file}");
    }
    assert!(site.say(&["import", "crontab", "half"]).stderr.contains("half:2: broken:"));
    assert_eq!(site.say(&["import", "abacus", "good"]).code, 2);
    let mut piped = site.command(&["import", "crontab", "-", "--timezone", "Asia/Tokyo"]);
    piped.stdin(fs::File::open(site.path("half")).unwrap());
    let piped = finish(piped);
    assert!(piped.stdout.contains("timezone: Asia/Tokyo"), "{piped:?}");
}

#[test]
fn no_secret_of_a_crontab_is_written_and_each_is_named_with_its_line() {
    let site = Site::new();
    site.write(
        "cron.txt",
        "DBPASS=hunter2\n0 1 * * * /opt/a.sh\n0 2 * * * pg_dump --password=hunter4 orders\n\
         0 3 * * * curl -H 'Authorization: Bearer sk-hunter5' https://h/x\n0 4 * * * curl https://u:hunter6@h/x\n\
         0 5 * * * mysql -phunter7 -e 'select 1'\n0 6 * * * API_TOKEN=hunter8 /opt/x.sh\n",
    );
    let said = site.say(&["import", "crontab", "cron.txt", "--write"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!format!("{said:?}{}", site.sh("cat ops/*.yaml")).contains("hunter"), "{said:?}");
    for line in 3..=7 {
        let told = said.stderr.lines().find(|told| told.starts_with(&format!("cron.txt:{line}: ")));
        assert!(told.is_some_and(|told| told.contains("holds a secret: move it to `secrets:`")), "{line}: {said:?}");
    }
    let lifted = site.read("ops/x.yaml");
    assert!(lifted.contains("secrets: [DBPASS, API_TOKEN]") && lifted.contains("/opt/x.sh"), "{lifted}");
    assert_eq!(site.say(&["check"]).code, 0);
    for name in ["DBPASS", "API_TOKEN"] {
        site.env(name, "from elsewhere");
    }
    let run = site.say(&["run", "mysql"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("it holds a secret: move it to secrets:"), "{run:?}");
}

#[test]
fn a_pipe_that_is_named_as_a_file_is_refused_and_not_waited_for() {
    let site = Site::new();
    site.sh("mkfifo pipe");
    let said = site.say(&["import", "crontab", "pipe"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("it is not a regular file; `-` reads standard input"), "{said:?}");
}
