//! `init` looks around: what a host has becomes offers and observed processes, and nothing of it is ever run from here.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::net::UnixListener,
    path::PathBuf,
    thread,
};

use serde_json::Value;

use crate::{
    kit::{Site, until},
    pack_kit::has,
    postgres::Postgres,
    server_history::{history, of},
};

/// A host in a folder beside the site.
fn image(site: &Site, files: &[(&str, &str)]) -> String {
    let root = site.aside("image");
    for (file, text) in files {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root.display().to_string()
}

const UNIX: &str = "Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 17 /run/postgresql/.s.PGSQL.5433
0000000000000000: 00000002 00000000 00010000 0001 01 18 /run/mysqld/mysqld.sock
0000000000000000: 00000002 00000000 00000000 0002 01 19
";
const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1539 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 0100007F:0050 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0
";
const CRON: &str = "# nightly\nSHELL=/bin/sh\n\n5 3 * * * app PGPASSWORD=hunter2 /usr/local/bin/dump-shop --to /mnt\n@reboot app /opt/x\n";

fn whole_host(site: &Site) -> String {
    image(
        site,
        &[
            ("proc/net/unix", UNIX),
            ("proc/net/tcp", TCP),
            ("proc/77/cmdline", "/usr/lib/postgresql/15/bin/postgres\0-D\0/data\0"),
            (
                "etc/nginx/sites-enabled/shop",
                "server {\n  server_name shop.example.com www.example.com;\n  ssl_certificate /etc/ssl/shop.pem;\n}\n",
            ),
            ("etc/letsencrypt/live/api.example.com/README", "x"),
            ("usr/bin/apt-get", ""),
            ("var/lib/dpkg/status", ""),
            ("usr/bin/restic", ""),
            ("usr/sbin/cron", ""),
            ("etc/timezone", "Europe/Berlin\n"),
            ("etc/cron.d/dump", CRON),
            ("etc/cron.d/dump.disabled", "* * * * * root touch /tmp/never\n"),
            ("run/systemd/system/x", ""),
            ("etc/systemd/system/timers.target.wants/tidy.timer", "[Timer]\nOnCalendar=daily\n"),
            ("etc/systemd/system/tidy.timer", "[Timer]\nOnCalendar=daily\n"),
            ("etc/systemd/system/tidy.service", "[Service]\nExecStart=/usr/bin/tidy\n"),
            ("etc/systemd/system/other.timer", "[Timer]\nOnCalendar=hourly\n"),
        ],
    )
}

fn packs(said: &Value) -> Vec<(&str, &str)> {
    let found = said["found"].as_array().unwrap();
    found.iter().filter_map(|one| Some((one["pack"].as_str()?, one["what"].as_str()?))).collect()
}

#[test]
fn what_a_host_has_is_named_with_the_pack_that_fits_and_the_command_to_type() {
    let site = Site::bare();
    let root = whole_host(&site);
    site.write("data/Shop.db", "SQLite format 3\0and more");
    site.write("data/notes.db", "not one");
    let look = site.json(&["init", "--look", "--root", &root]);
    assert_eq!(look.code, 0, "{look:?}");
    let packs = packs(&look.json);
    let file = site.path("data/Shop.db").display().to_string();
    for expected in [
        ("postgres", "PostgreSQL 15 listens on 5433"),
        ("mysql", "MySQL listens on /run/mysqld/mysqld.sock"),
        ("sqlite", &format!("{file} is an SQLite database")),
        ("certificate", "a certificate for shop.example.com is in /etc/ssl/shop.pem"),
        ("certificate", "a certificate for api.example.com is in /etc/letsencrypt/live/api.example.com/fullchain.pem"),
        ("system-updates", "apt installs packages here"),
        ("files-restic", "restic is installed"),
    ] {
        assert!(packs.contains(&expected), "{expected:?} is not in {packs:#?}");
    }
    assert!(!packs.iter().any(|(pack, what)| *pack == "files-borg" || what.contains("notes.db")), "{packs:#?}");
    let command = look.json["found"][0]["command"].as_str().unwrap();
    assert_eq!(command, "seaworthy init --pack postgres --set host=127.0.0.1 --set port=5433");
    let said = site.say(&["init", "--look", "--root", &root]).stdout;
    assert!(said.contains(command) && said.contains("Runs already, and nobody looks"), "{said}");
    assert_eq!(site.sh("ls"), "data\n", "looking writes nothing");
}

#[test]
fn what_somebody_else_runs_is_shown_unproven_with_its_next_time_and_its_command_is_nowhere() {
    let site = Site::bare();
    let root = whole_host(&site);
    let init = site.json(&["init", "--root", &root]);
    assert_eq!(init.code, 0, "{init:?}");
    let observed = init.json["observed"].as_array().unwrap();
    let names: Vec<_> = observed.iter().map(|one| one["process"].as_str().unwrap()).collect();
    assert_eq!(names, ["cron-dump-shop", "timer-tidy"], "enabled and read by a cron that is there: {init:?}");
    assert_eq!(observed[0]["by"], "cron, /etc/cron.d/dump line 4");
    assert!(observed.iter().all(|one| one["next_at"].is_string()), "{observed:?}");
    assert_eq!(init.json["processes"], serde_json::json!(["backup-example"]));
    // Before anything ran.
    let status = site.json(&["status"]);
    assert_eq!(status.code, 1, "{status:?}");
    let row =
        status.json["processes"].as_array().unwrap().iter().find(|row| row["process"] == "cron-dump-shop").unwrap();
    assert_eq!((&row["state"], &row["next_at"]), (&"UNPROVEN".into(), &observed[0]["next_at"]), "{row}");
    let plan = site.say(&["plan", "cron-dump-shop"]).stdout;
    assert!(plan.contains("observed, not run from here: cron, /etc/cron.d/dump line 4"), "{plan}");
    assert!(plan.contains("03:05 Europe/Berlin"), "{plan}");
    let check = site.json(&["check"]);
    assert_eq!(check.code, 0, "{check:?}");
    let missing = check.json["missing"].as_array().unwrap().iter().find(|m| m["process"] == "cron-dump-shop").unwrap();
    assert_eq!(missing["facets"], serde_json::json!(["steps", "verify", "heal", "watch", "tell", "drill"]));
    // Nothing of the command is written down: it may hold a secret.
    assert_eq!(site.sh("grep -rl hunter2 . || true"), "");
    let run = site.json(&["run", "cron-dump-shop"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("`cron-dump-shop` is observed, not run from here"), "{}", run.stderr);
}

#[test]
fn a_server_shows_an_observed_process_and_never_starts_it() {
    let site = Site::new();
    // Were it ever run, there would be nothing to run: it has no steps. So only the history can tell.
    site.process("theirs", "schedule: { every: 1s }\nobserved: cron, /etc/cron.d/theirs line 1\n");
    site.process("ours", "schedule: { every: 1s }\nsteps:\n  - { run: 'true' }\n");
    let server = site.server();
    until("ours ran three times", || {
        let runs = site.json(&["runs", "ours"]);
        (runs.json["runs"].as_array()?.len() >= 3).then_some(())
    });
    let page = server.get("/").unwrap().1;
    assert!(page.contains("theirs") && page.contains("unproven"), "{page}");
    let page = server.get("/processes/theirs").unwrap().1;
    assert!(page.contains("Observed, not run from here: cron, /etc/cron.d/theirs line 1"), "{page}");
    assert!(!page.contains("Run now"), "{page}");
    let asked = site.json(&["run", "theirs"]);
    assert_eq!(asked.code, 2, "{asked:?}");
    assert_eq!(server.stop(), 0);
    let all = history(&site);
    assert!(of(&all, "run_requested").iter().all(|fact| fact.text("process") == "ours"), "somebody else's was started");
    assert!(of(&all, "run_requested").len() >= 3);
    assert_eq!(site.sh("ls .seaworthy/runs | wc -l"), format!("{}\n", of(&all, "run_requested").len()));
    assert_eq!(site.json(&["status"]).json["signals"], serde_json::json!([]), "nobody expects it");
}

#[test]
fn containers_are_named_and_a_socket_that_says_nothing_delays_nobody() {
    let site = Site::bare();
    let root = image(&site, &[("run/x", ""), ("run/podman/x", "")]);
    let docker = UnixListener::bind(PathBuf::from(&root).join("run/docker.sock")).unwrap();
    // Accepted by the kernel and never answered.
    let _silent = UnixListener::bind(PathBuf::from(&root).join("run/podman/podman.sock")).unwrap();
    let answering = thread::spawn(move || {
        let (mut stream, _) = docker.accept().unwrap();
        let mut asked = [0; 512];
        let read = stream.read(&mut asked).unwrap();
        stream
            .write_all(b"HTTP/1.0 200 OK\r\n\r\n[{\"Names\":[\"/web-1\"],\"Command\":\"x --password hunter2\"}]")
            .unwrap();
        String::from_utf8_lossy(&asked[..read]).into_owned()
    });
    let look = site.json(&["init", "--look", "--root", &root]);
    assert_eq!(look.code, 0, "{look:?}");
    assert!(answering.join().unwrap().starts_with("GET /containers/json "), "it only reads");
    let whats: Vec<_> =
        look.json["found"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert!(whats.contains(&"Docker has containers: web-1"), "{whats:?}");
    assert!(
        look.json["remarks"].to_string().contains("podman is here, and its containers are not for this user"),
        "{look:?}"
    );
    assert!(!look.stdout.contains("hunter2"), "{look:?}");
}

#[test]
fn lines_that_nobody_runs_are_said_to_be_so() {
    let site = Site::bare();
    let root = image(
        &site,
        &[("etc/cron.d/dump", CRON), ("etc/systemd/system/timers.target.wants/t.timer", "[Timer]\nOnCalendar=daily\n")],
    );
    let look = site.json(&["init", "--look", "--root", &root]);
    assert_eq!(look.json["observed"], serde_json::json!([]), "{look:?}");
    let remarks = look.json["remarks"].to_string();
    assert!(remarks.contains("no cron is installed, so nobody runs what stands in /etc/cron.d/dump"), "{remarks}");
}

#[test]
fn the_command_that_is_printed_for_a_database_of_this_host_makes_a_verified_process() {
    let site = Site::new();
    let Some(server) = Postgres::start(&site) else { return };
    for (name, value) in [("PGHOST", "127.0.0.1"), ("PGPORT", &server.port.to_string()), ("PGUSER", "app")] {
        site.env(name, value);
    }
    site.sh("createdb shop && psql -XAtqc 'create table orders as select generate_series(1, 100) id' shop");
    let look = site.json(&["init", "--look"]);
    assert_eq!(look.code, 0, "{look:?}");
    let what = format!("listens on {}", server.port);
    let found =
        look.json["found"].as_array().unwrap().iter().find(|one| one["what"].as_str().unwrap().ends_with(&what));
    let found = found.unwrap_or_else(|| panic!("`{what}` is not in {look:?}"));
    assert!(found["what"].as_str().unwrap().starts_with("PostgreSQL"), "{found}");
    let command = found["command"].as_str().unwrap().strip_prefix("seaworthy ").unwrap();
    let args: Vec<&str> = command.split(' ').chain(["--set", "user=app", "--set", "database=shop"]).collect();
    assert_eq!(site.json(&args).code, 0, "{args:?}");
    let run = site.json(&["run", "backup-postgres"]);
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn on_a_terminal_each_pack_is_asked_for_and_only_a_yes_writes_it() {
    if !has(&["script"]) {
        return;
    }
    let site = Site::bare();
    let root = whole_host(&site);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_seaworthy"));
    // The folders below the image, then one question for each offer: yes to the second alone.
    site.sh(&format!("printf 'n\\nn\\ny\\nn\\nn\\nn\\nn\\nn\\nn\\nn\\nn\\n' | script -qec '{} init --root {root}' said.txt > shown.txt", program.display()));
    let shown = site.read("shown.txt");
    assert!(shown.contains("PostgreSQL 15 listens on 5433: write pack postgres? [y/N]"), "{shown}");
    assert_eq!(site.sh("ls ops"), "backup-example.yaml\nbackup-mysql.yaml\nfound\n", "{shown}");
}

#[test]
fn what_came_later_is_observed_on_request_once_and_what_is_ours_already_is_not() {
    let site = Site::new();
    let root = whole_host(&site);
    let first = site.json(&["init", "--observe", "--root", &root]);
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(first.json["files"], serde_json::json!(["ops/found/cron-dump-shop.yaml", "ops/found/timer-tidy.yaml"]));
    // Taken over: the same name, run from here.
    site.write("ops/found/timer-tidy.yaml", "process: timer-tidy\nsteps:\n  - { run: 'true' }\n");
    image(&site, &[("etc/cron.d/later", "7 4 * * * app /usr/local/bin/later\n")]);
    let second = site.json(&["init", "--observe", "--root", &root]);
    assert_eq!(second.code, 0, "{second:?}");
    assert_eq!(second.json["files"], serde_json::json!(["ops/found/cron-later.yaml"]));
    assert_eq!(site.json(&["init", "--observe", "--root", &root]).json["files"], serde_json::json!([]));
    let check = site.say(&["check"]).stdout;
    assert!(check.contains("put `seaworthy exec cron-later --` before its command there"), "{check}");
}

#[test]
fn a_name_of_a_file_cannot_write_a_process_nor_speak_to_the_terminal() {
    let site = Site::bare();
    let evil = "x\nprocess: evil\nsteps: [{ run: touch evil }]\n---\n# \u{1b}[2J.timer";
    let timer = "[Timer]\nOnCalendar=daily\nUnit=t.service\n";
    let files = [
        ("run/systemd/system/x".to_owned(), ""),
        (format!("etc/systemd/system/timers.target.wants/{evil}"), timer),
        (format!("etc/systemd/system/{evil}"), timer),
        ("etc/systemd/system/t.service".to_owned(), "[Service]\nExecStart=/bin/t\n"),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), *text)).collect();
    let root = image(&site, &files);
    let init = site.say(&["init", "--root", &root]);
    assert!(!init.stdout.contains('\u{1b}'), "{init:?}");
    let plan = site.json(&["plan"]);
    let processes = plan.json["processes"].as_array().map(Vec::len).unwrap_or_default();
    assert!(processes <= 2, "the example, and at most what is observed: {plan:?}");
    assert!(!plan.stdout.contains("\"process\":\"evil\""), "{plan:?}");
}

#[test]
fn nobody_in_particular_may_look() {
    if !has(&["setpriv"]) || !rustix::process::geteuid().is_root() {
        println!("SKIPPED: setpriv: another user needs root to become");
        return;
    }
    let site = Site::bare();
    let look = site.command(&["-C", "/", "init", "--look", "--json"]);
    let mut nobody = std::process::Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(look.get_program()).args(look.get_args());
    nobody
        .current_dir("/")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let said = crate::kit::finish(nobody);
    if said.code == 126 || said.code == 127 {
        println!("SKIPPED: setpriv: another user cannot reach the program");
        return;
    }
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.json["found"].as_array().is_some_and(|found| !found.is_empty()), "{said:?}");
}

#[test]
fn a_line_that_was_taken_over_and_is_still_there_is_told_until_it_is_gone() {
    let site = Site::new();
    let root = image(&site, &[("usr/sbin/cron", ""), ("etc/timezone", "UTC\n"), ("etc/cron.d/dump", CRON)]);
    site.env("SEAWORTHY_HOST", &root);
    let found = site.json(&["init", "--look", "--root", &root]);
    let line = &found.json["observed"][0];
    let (name, by) = (line["process"].as_str().unwrap().to_owned(), line["by"].as_str().unwrap().to_owned());
    site.process(&name, &format!("observed: \"{by}\"\nschedule: {{ cron: '5 3 * * *' }}\n"));
    let codes = |said: &Value| {
        let all = said["diagnostics"].as_array().unwrap();
        all.iter().filter(|one| one["code"] == "runs-twice").map(|one| one["message"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&site.json(&["check"]).json), Vec::<Value>::new(), "it is run there alone");
    site.process(&name, "schedule: { cron: '5 3 * * *' }\nsteps: [{ id: one, run: 'true' }]\n");
    let said = codes(&site.json(&["check"]).json);
    assert!(said.len() == 1 && said[0].as_str().unwrap().contains(&by), "{said:?}");
    let server = site.server();
    let twice = &site.json(&["status"]).json["twice"];
    assert_eq!((&twice[0]["process"], &twice[0]["by"]), (&name.clone().into(), &by.clone().into()), "{twice}");
    let page = until("the overview says it", || server.get("/").filter(|(_, page)| page.contains("runs twice")));
    assert!(page.1.contains("line 4"), "{}", page.1);
    server.stop();
    fs::write(site.aside("image/etc/cron.d/dump"), "# it is run by seaworthy now\n").unwrap();
    assert_eq!(codes(&site.json(&["check"]).json), Vec::<Value>::new(), "one side is left");
    assert_eq!(site.json(&["status"]).json["twice"].as_array().map(Vec::len), Some(0));
}
