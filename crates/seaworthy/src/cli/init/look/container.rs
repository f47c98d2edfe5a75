//! Containers on this host: their names, asked of the socket of Docker or podman if this user may.
//!
//! This module must not change or start any.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    time::Duration,
};

use serde_json::Value;

use super::{Around, FOUND_MAX, Found, Host};

/// Sockets that speak Docker's own language.
const SOCKETS: [(&str, &str); 2] = [("Docker", "/run/docker.sock"), ("podman", "/run/podman/podman.sock")];
/// How long one answer is waited for, and how much of it is read.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

pub fn look(host: &Host, around: &mut Around) {
    for (tool, socket) in SOCKETS {
        let path = host.path(socket);
        if !path.exists() {
            continue;
        }
        match UnixStream::connect(&path).and_then(ask) {
            Ok(text) => {
                let names = names(&text);
                let shown = if names.is_empty() { "none runs".to_owned() } else { names.join(", ") };
                around.found.push(Found::only(format!("{tool} has containers: {shown}")));
            }
            Err(e) => around.remarks.push(format!("{tool} is here, and its containers are not for this user ({e})")),
        }
    }
}

fn ask(mut stream: UnixStream) -> std::io::Result<String> {
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    stream.write_all(b"GET /containers/json HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Names in an answer. Docker answers HTTP/1.0 whole, without pieces.
fn names(answer: &str) -> Vec<String> {
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let all: Vec<Value> = serde_json::from_str(body.trim()).unwrap_or_default();
    let name = |one: &Value| one["Names"][0].as_str().map(|name| name.trim_start_matches('/').to_owned());
    all.iter().filter_map(name).take(FOUND_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_an_answer_and_anything_else_is_none() {
        let answer =
            "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[{\"Names\":[\"/web\"]},{\"Names\":[\"/db\"]}]\n";
        assert_eq!(names(answer), ["web", "db"]);
        assert!(names("HTTP/1.0 500 x\r\n\r\nno").is_empty() && names("").is_empty());
    }
}
