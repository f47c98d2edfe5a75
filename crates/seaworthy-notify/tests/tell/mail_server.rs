//! A real mail server (aiosmtpd) on a free port, ended by its process id.
//!
//! This module must not know letters. Where aiosmtpd cannot be had, [`MailServer::start`] says `SKIPPED` and
//! gives nothing.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use seaworthy_model::site::{SmtpSecurity, SmtpServer};

use crate::kit::Folder;

const PACKAGE: &str = "aiosmtpd==1.4.6";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tell/parts/mail_server.py");

pub struct MailServer {
    child: Child,
    pub port: u16,
    pub folder: Folder,
}

impl MailServer {
    pub fn start(modes: &[&str]) -> Option<Self> {
        let python = python()?;
        let folder = Folder::new();
        if modes.contains(&"tls") || modes.contains(&"starttls") {
            certificate(&folder.0);
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(python);
        command.arg(SCRIPT).arg(port.to_string()).arg("kept").args(modes).current_dir(&folder.0);
        let log = fs::File::create(folder.0.join("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let server = Self { child, port, folder };
        let log = fs::read_to_string(server.folder.0.join("log")).unwrap();
        assert_eq!(first, "ready\n", "the mail server ended while starting: {log}");
        Some(server)
    }

    /// What the site file would say about it.
    pub fn settings(&self, security: SmtpSecurity) -> SmtpServer {
        SmtpServer {
            host: "localhost".into(),
            port: self.port,
            from: "Seaworthy <ops@example.com>".into(),
            security,
            user: None,
            password: None,
            ca_file: (security != SmtpSecurity::None).then(|| "ca.pem".into()),
        }
    }

    /// The letters that it took, oldest first.
    pub fn kept(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.folder.0.join("kept")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python of an environment beside the build's other output, made once and kept.
fn python() -> Option<&'static Path> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match MADE.get_or_init(make_python) {
        Ok(python) => Some(python),
        Err(reason) => {
            println!("SKIPPED: mail server: {reason}");
            None
        }
    }
}

fn make_python() -> Result<PathBuf, String> {
    // …/debug/deps/tell-HASH
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = program.ancestors().nth(3).ok_or("the build's folder is not known")?;
    let place = target.join("test-parts").join("venv");
    let python = place.join("bin").join("python");
    let run = |command: &mut Command| match command.stdin(Stdio::null()).output() {
        Ok(said) if said.status.success() => Ok(()),
        Ok(said) => Err(String::from_utf8_lossy(&said.stderr).trim().replace('\n', " ")),
        Err(error) => Err(error.to_string()),
    };
    if run(Command::new(&python).args(["-c", "import aiosmtpd"])).is_ok() {
        return Ok(python);
    }
    fs::create_dir_all(target.join("test-parts")).map_err(|error| error.to_string())?;
    run(Command::new("python3").args(["-m", "venv"]).arg(&place)).map_err(|why| format!("no python3 venv: {why}"))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE];
    run(Command::new(&python).args(pip)).map_err(|why| format!("{PACKAGE} cannot be installed: {why}"))?;
    Ok(python)
}

/// A root of the tests' own (`ca.pem`), and a certificate for `localhost` from it (`cert.pem`).
fn certificate(folder: &Path) {
    let openssl = |args: &str| {
        let made = Command::new("openssl").args(args.split(' ')).current_dir(folder).stderr(Stdio::null()).status();
        assert!(made.unwrap().success(), "openssl {args}");
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=tests");
    openssl(
        "req -x509 -CA ca.pem -CAkey ca.key -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
         -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE",
    );
}
