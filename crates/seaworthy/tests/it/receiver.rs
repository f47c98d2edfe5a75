//! A server on loopback that keeps what it is asked and answers, or does not, as the test says.
//!
//! Must not know any theme: what it answers stands in the test.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Where it listens, and all that it was asked so far.
pub struct Receiver {
    /// Without a slash at the end.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// `answer` is given the request (head and body) and the connection, which is closed when it returns.
    pub fn start(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, answer) = (asked.clone(), Arc::new(answer));
        // Ends with the program of the tests.
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (kept, answer) = (kept.clone(), answer.clone());
                thread::spawn(move || {
                    let request = request(&mut stream);
                    kept.lock().expect("nobody panics with it").push(request.clone());
                    answer(&request, &mut stream);
                });
            }
        });
        Receiver { url, asked }
    }

    /// Answers everything with this status and body.
    pub fn saying(status: &'static str, body: &'static str) -> Receiver {
        Receiver::start(move |_, stream| reply(stream, status, body))
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics with it").clone()
    }
}

/// A whole answer.
pub fn reply(stream: &mut TcpStream, status: &str, body: &str) {
    // Whoever asked may be gone.
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
}

fn request(stream: &mut TcpStream) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_lowercase()
                .split("content-length: ")
                .nth(1)
                .map_or(0, |rest| rest.split("\r\n").next().and_then(|n| n.parse().ok()).unwrap_or(0));
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return text,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}
