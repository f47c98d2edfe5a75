//! PostgreSQL, MySQL and MariaDB that listen on this host, by the kernel's own lists. Nobody connects to them.
//!
//! This module must not know files of databases without a server.

use std::{collections::BTreeSet, fs};

use super::{Around, Found, Host};

/// Processes whose command line is read.
const PROCESSES_MAX: usize = 20_000;

pub fn look(host: &Host, around: &mut Around) {
    let (unix, ports) = (sockets(host), listening(host));
    let mut seen = BTreeSet::new();
    for socket in &unix {
        let Some((folder, port)) = socket.split_once("/.s.PGSQL.") else { continue };
        let Ok(number) = port.parse::<u16>() else { continue };
        if seen.insert(number) {
            let address = if ports.contains(&number) { "127.0.0.1" } else { folder };
            let version = version(host, "postgresql/").map(|v| format!(" {v}")).unwrap_or_default();
            let answers = vec![("host", address.to_owned()), ("port", port.to_owned())];
            around.found.push(Found::pack(format!("PostgreSQL{version} listens on {number}"), "postgres", answers));
        }
    }
    let mariadb = host.has("mariadb-dump");
    let socket = unix.iter().find(|path| path.ends_with("/mysqld.sock") || path.ends_with("/mysql.sock"));
    if socket.is_some() || ports.contains(&3306) {
        let mut answers = vec![("host", "127.0.0.1".to_owned()), ("port", "3306".to_owned())];
        if !mariadb {
            answers.extend([("client", "mysql".to_owned()), ("dump", "mysqldump".to_owned())]);
        }
        let name = if mariadb { "MariaDB" } else { "MySQL" };
        let place = if ports.contains(&3306) { "3306".to_owned() } else { socket.cloned().unwrap_or_default() };
        around.found.push(Found::pack(format!("{name} listens on {place}"), "mysql", answers));
    }
}

/// Paths of the unix sockets that somebody holds.
fn sockets(host: &Host) -> BTreeSet<String> {
    let text = host.text("/proc/net/unix");
    text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(7)).map(str::to_owned).collect()
}

/// Ports on which somebody listens on loopback or on every address.
fn listening(host: &Host) -> BTreeSet<u16> {
    let mut ports = BTreeSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in host.text(table).lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().take(4).collect();
            let [_, local, _, "0A"] = fields.as_slice() else { continue };
            ports.extend(local.rsplit_once(':').and_then(|(_, port)| u16::from_str_radix(port, 16).ok()));
        }
    }
    ports
}

/// The number behind `below` in the path of a program that runs, such as `/usr/lib/postgresql/15/bin/postgres`.
fn version(host: &Host, below: &str) -> Option<String> {
    let processes = host.folder("/proc").into_iter().filter(|path| super::name_of(path).parse::<u32>().is_ok());
    for process in processes.take(PROCESSES_MAX) {
        if host.is_over() {
            return None;
        }
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        let program = String::from_utf8_lossy(line.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned();
        if let Some((_, rest)) = program.split_once(below) {
            return rest.split('/').next().filter(|v| !v.is_empty()).map(str::to_owned);
        }
    }
    None
}
