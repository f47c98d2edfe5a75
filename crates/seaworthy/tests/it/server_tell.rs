//! Telling: a real mail server, a web address and a command get the same message; every try is recorded.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use crate::{
    kit::{PATIENCE, Site, ended, until},
    server_history::{Fact, history, intact, now, of, skipped, stream},
};

const KEY: &str = "a-key-for-the-tests";

/// A request that the web address took.
#[derive(Debug, Clone)]
struct Taken {
    head: String,
    body: String,
}

impl Taken {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim()).unwrap_or_default()
    }
}

/// A web address on a free port that answers with these codes in turn, the last one for ever.
fn hook(codes: &'static [u16]) -> (u16, Arc<Mutex<Vec<Taken>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
    let keep = taken.clone();
    // Ends with the test's process: it holds nothing but its port.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let (mut head, mut line) = (String::new(), String::new());
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                head.push_str(&line);
                line.clear();
            }
            let mut one = Taken { head, body: String::new() };
            let length: usize = one.header("content-length").parse().unwrap_or(0);
            let mut body = vec![0; length];
            let _ = reader.read_exact(&mut body);
            one.body = String::from_utf8(body).unwrap();
            let mut all = keep.lock().unwrap();
            let code = codes[all.len().min(codes.len() - 1)];
            all.push(one);
            let _ = write!(&stream, "HTTP/1.1 {code} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    (port, taken)
}

/// aiosmtpd, in the environment that the mail notifier's tests made or make.
struct Mail(Child, u16, PathBuf);

impl Drop for Mail {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn mail(site: &Site) -> Result<Mail, String> {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_seaworthy"));
    let target = binary.ancestors().nth(2).ok_or("the build's folder is not known")?;
    let place = target.join("test-parts").join("venv");
    let python = place.join("bin/python");
    let run = |command: &mut Command| match command.stdin(Stdio::null()).output() {
        Ok(said) if said.status.success() => Ok(()),
        Ok(said) => Err(String::from_utf8_lossy(&said.stderr).trim().replace('\n', " ")),
        Err(error) => Err(error.to_string()),
    };
    if run(Command::new(&python).args(["-c", "import aiosmtpd"])).is_err() {
        fs::create_dir_all(target.join("test-parts")).map_err(|error| error.to_string())?;
        run(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "aiosmtpd==1.4.6"]))?;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../seaworthy-notify/tests/tell/parts/mail_server.py");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let kept = site.aside("letters");
    let mut command = Command::new(python);
    command.arg(script).arg(port.to_string()).arg(&kept).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let server = Mail(child, port, kept);
    if first == "ready\n" { Ok(server) } else { Err(format!("it ended while starting: {first}")) }
}

/// A process whose verification says no after one try of healing.
const LYING: &str = "steps:\n  - { id: dump, run: 'echo nothing' }\nverify:\n  - command: echo 0 rows\n    expect: stdout.contains(\"42 rows\")\nheal:\n  - run: echo tried\n";

fn lying(site: &Site) {
    site.write("procedures/dump.md", "# What to do\n");
    site.process(
        "dump",
        &format!("{LYING}tell:\n  when: [unverified]\n  route: everybody\n  procedure: procedures/dump.md\n"),
    );
}

/// HMAC-SHA256 in hex, by another program.
fn hmac(site: &Site, text: &str) -> String {
    site.write("signed", text);
    let said = site.sh(&format!("openssl dgst -sha256 -hmac {KEY} signed"));
    said.trim().rsplit(' ').next().unwrap().to_owned()
}

fn messages(site: &Site, route: &str) -> Vec<Fact> {
    let facts = history(site);
    let due: Vec<String> =
        of(&facts, "message_due").iter().filter(|f| f.text("route") == route).map(|f| f.stream.clone()).collect();
    facts.into_iter().filter(|fact| due.contains(&fact.stream)).collect()
}

#[test]
fn mail_web_address_and_command_get_the_message_and_a_failed_try_is_repeated_with_the_same_id() {
    let site = Site::bare();
    let server = mail(&site);
    let (port, taken) = hook(&[503, 200]);
    let smtp = match &server {
        Ok(mail) => format!("smtp: {{ host: 127.0.0.1, port: {}, from: ops@example.com, security: none }}\n", mail.1),
        Err(_) => String::new(),
    };
    let address = if server.is_ok() { "\n    smtp: [ada@example.com]" } else { "" };
    site.write(
        "seaworthy.yaml",
        &format!(
            "site: test\npublic_url: https://ops.example.com/sea\nteams:\n  ops: {{ people: [ada@example.com, grace@example.com] }}\n{smtp}secrets:\n  HOOK_KEY: {{ env: HOOK_KEY }}\nroutes:\n  everybody:\n    webhook: http://127.0.0.1:{port}/hook\n    secret: HOOK_KEY\n    command: cat >> told.txt; cp \"$SEAWORTHY_MESSAGE\" told.json{address}\n"
        ),
    );
    site.env("HOOK_KEY", KEY);
    lying(&site);
    let check = site.say(&["check"]);
    assert_ne!(check.code, 2, "{check:?}");
    let _server = site.server();
    let said = site.json(&["run", "dump"]);
    assert_eq!(said.code, 1, "{said:?}");
    let run = said.json["run_id"].as_str().unwrap();
    let facts = until("the message has ended", || {
        Some(messages(&site, "everybody")).filter(|facts| !of(facts, "message_ended").is_empty())
    });
    assert_eq!(of(&facts, "message_ended")[0].body["told"], true, "{facts:?}");
    let id = of(&facts, "message_due")[0].text("message").to_owned();
    tries_are_recorded(&facts, server.is_ok());
    // The command.
    let text = site.read("told.txt");
    let link = format!("https://ops.example.com/sea/runs/{run}");
    for part in
        ["NOT VERIFIED", "Expected:", "42 rows", "Seen:", "0 rows", "Tried:", "echo tried", "procedures/dump.md", &link]
    {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    let message: Value = serde_json::from_str(&site.read("told.json")).unwrap();
    assert_eq!((message["id"].as_str(), message["link"].as_str()), (Some(id.as_str()), Some(link.as_str())));
    // The web address, twice.
    let taken = taken.lock().unwrap().clone();
    assert_eq!(taken.len(), 2, "{taken:?}");
    for one in &taken {
        assert_eq!((one.header("seaworthy-message"), one.header("idempotency-key")), (id.as_str(), id.as_str()));
        let (time, mac) = one.header("seaworthy-signature").split_once(",v1=").unwrap();
        let time = time.strip_prefix("t=").unwrap();
        assert_eq!(mac, hmac(&site, &format!("{time}.{}", one.body)));
        assert!((now() / 1_000_000_000 - time.parse::<i64>().unwrap()).abs() < 120);
        let body: Value = serde_json::from_str(&one.body).unwrap();
        assert_eq!((body["id"].as_str(), body["procedure"].as_str()), (Some(id.as_str()), Some("procedures/dump.md")));
    }
    assert_eq!(taken[0].body, taken[1].body, "the same message");
    // The letter.
    match &server {
        Ok(mail) => {
            let letters = fs::read_to_string(&mail.2).unwrap();
            let letter: Value = serde_json::from_str(letters.lines().next().unwrap()).unwrap();
            assert_eq!((letters.lines().count(), &letter["to"][0]), (1, &Value::from("ada@example.com")));
            assert!(letter["id"].as_str().unwrap().contains(&id) && letter["body"].as_str().unwrap().contains(&link));
        }
        Err(reason) => skipped("mail_web_address_and_command_get_the_message: mail", reason),
    }
    let secret = history(&site).iter().any(|fact| fact.body.to_string().contains(KEY));
    assert!(!secret, "no secret in the journal");
    intact(&site);
}

/// The state change and the telling of it are two records, and every try is one.
fn tries_are_recorded(facts: &[Fact], mail: bool) {
    let tried = of(facts, "message_tried");
    assert_eq!(tried.len(), if mail { 4 } else { 3 }, "{tried:?}");
    let web: Vec<&&Fact> = tried.iter().filter(|f| f.text("outlet").starts_with("webhook")).collect();
    assert!(web[0].body["outcome"]["retry"]["reason"].as_str().unwrap().contains("503"), "{web:?}");
    assert!(web[1].body["outcome"]["sent"].is_object(), "{web:?}");
    assert!(web[1].at - web[0].at >= 5_000_000_000, "with patience: {web:?}");
    assert_eq!((web[0].number("attempt"), web[1].number("attempt")), (1, 2));
}

#[test]
fn a_message_survives_a_kill_and_a_hanging_route_does_not_hold_up_the_end() {
    let site = Site::bare();
    // Takes connections and never answers.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = hanging.local_addr().unwrap().port();
    site.write(
        "seaworthy.yaml",
        &format!("site: test\nteams:\n  ops: {{ people: [ada@example.com, grace@example.com] }}\nroutes:\n  everybody: {{ webhook: \"http://127.0.0.1:{port}/hook\" }}\n"),
    );
    lying(&site);
    let server = site.server();
    assert_eq!(site.json(&["run", "dump"]).code, 1);
    let (_held, _) = hanging.accept().unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(server.stop(), 0);
    assert!(begun.elapsed().as_secs() < 12, "{:?}", begun.elapsed());
    let facts = messages(&site, "everybody");
    assert_eq!((of(&facts, "message_due").len(), of(&facts, "message_ended").len()), (1, 0), "{facts:?}");
    let id = of(&facts, "message_due")[0].text("message").to_owned();
    // The route is mended while nobody is there: the same message goes out, by the command now.
    let command = "routes:\n  everybody: { command: 'cp \"$SEAWORTHY_MESSAGE\" told.json' }\n";
    let kept = site.read("seaworthy.yaml");
    site.write("seaworthy.yaml", &format!("{}{command}", kept.split("routes:").next().unwrap()));
    let server = site.server();
    let told = until("it is told", || serde_json::from_str::<Value>(&site.read("told.json")).ok());
    assert_eq!(told["id"].as_str(), Some(id.as_str()));
    until("and recorded", || {
        stream(&site, &format!("message/{id}")).iter().find(|f| f.kind == "message_ended").cloned()
    });
    assert_eq!(server.stop(), 0);
}

#[test]
fn of_verbs_that_run_at_once_without_a_server_each_tells_its_own_and_once() {
    let site = Site::bare();
    site.write(
        "seaworthy.yaml",
        "site: test\nteams:\n  ops: { people: [ada@example.com, grace@example.com] }\nroutes:\n  everybody: { command: 'cat > /dev/null; sleep 0.3; echo \"$SEAWORTHY_MESSAGE\" >> sent.txt' }\n",
    );
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        site.process(name, &format!("{LYING}tell: {{ when: [unverified], route: everybody }}\n"));
    }
    // So that the data folder is there: making it is another matter.
    site.process("first", LYING);
    assert_eq!(site.json(&["run", "first"]).code, 1);
    let run = |name: &&str| site.command(&["run", name]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut runs: Vec<Child> = names.iter().map(run).collect();
    for child in &mut runs {
        let code = ended(child, PATIENCE).and_then(|status| status.code());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(code, Some(1), "{said}");
    }
    assert_eq!(site.read("sent.txt").lines().count(), names.len());
    let facts = messages(&site, "everybody");
    let count = |kind| of(&facts, kind).len();
    assert_eq!((count("message_due"), count("message_tried"), count("message_ended")), (5, 5, 5), "{facts:?}");
    intact(&site);
}
