//! Telling web addresses: a real HTTP server on loopback.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use seaworthy_model::{
    port::{Address, Message},
    site::Outlet,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::kit::{Folder, message, secret, send, send_briefly, to};

type Kept = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// Keeps what it gets and answers with the status in the path; ends with its value.
struct Server {
    port: u16,
    kept: Kept,
    task: JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        let kept = Kept::default();
        let router = Router::new()
            .route("/status/{code}", post(answer))
            .route("/never", post(|| async { std::future::pending::<StatusCode>().await }))
            .with_state(Arc::clone(&kept));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, kept, task }
    }

    fn hook(&self, folder: &Folder, path: &str, key: Option<&str>) -> Address {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        to(folder, Outlet::Webhook { url, secret: key.map(Into::into) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(kept): State<Kept>, Path(code): Path<u16>, headers: HeaderMap, body: Bytes) -> Response {
    kept.lock().unwrap().push((headers, body));
    (StatusCode::from_u16(code).unwrap(), [("location", "/status/200")], "said tops3cret").into_response()
}

/// HMAC by somebody else: the openssl program.
fn openssl_hmac(key: &str, data: &[u8]) -> String {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(data).unwrap();
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    said.trim().rsplit_once("= ").unwrap().1.to_owned()
}

#[tokio::test]
async fn the_message_arrives_whole_with_its_id() {
    let (server, folder) = (Server::start().await, Folder::new());
    let receipt = send(&server.hook(&folder, "/status/202", None), &message()).await.unwrap();
    assert!(receipt.contains("202"), "{receipt}");
    let kept = server.kept.lock().unwrap();
    let (headers, body) = &kept[0];
    let id = message().id.to_string();
    assert_eq!(headers["seaworthy-message"], id.as_str());
    assert_eq!(headers["idempotency-key"], id.as_str());
    assert_eq!(headers["content-type"], "application/json");
    assert!(!headers.contains_key("seaworthy-signature"));
    let json: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(json["v"], 1);
    assert_eq!(serde_json::from_value::<Message>(json).unwrap(), message());
}

#[tokio::test]
async fn a_signature_is_what_another_program_computes() {
    let (server, folder) = (Server::start().await, Folder::new());
    let mut hook = server.hook(&folder, "/status/200", Some("HOOK_KEY"));
    let error = send(&hook, &message()).await.unwrap_err();
    assert!(!error.retry && error.reason.contains("HOOK_KEY"), "{error:?}");
    hook.secrets = vec![secret("HOOK_KEY", "tops3cret\n")];
    send(&hook, &message()).await.unwrap();
    let kept = server.kept.lock().unwrap();
    let (headers, body) = &kept[0];
    let signature = headers["seaworthy-signature"].to_str().unwrap();
    let (time, mac) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert!(now - time.parse::<u64>().unwrap() < 60);
    assert_eq!(mac, openssl_hmac("tops3cret", &[time.as_bytes(), b".", body].concat()));
}

#[tokio::test]
async fn the_answer_says_whether_to_try_again() {
    let (server, folder) = (Server::start().await, Folder::new());
    for (status, retry) in [
        (302, false),
        (400, false),
        (401, false),
        (404, false),
        (410, false),
        (408, true),
        (425, true),
        (429, true),
        (500, true),
        (503, true),
    ] {
        let mut hook = server.hook(&folder, &format!("/status/{status}"), None);
        hook.secrets = vec![secret("ANY", "tops3cret")];
        let error = send(&hook, &message()).await.unwrap_err();
        assert_eq!(error.retry, retry, "{status}");
        assert!(error.reason.contains(&status.to_string()) && error.reason.contains("said ***"), "{}", error.reason);
    }
    assert_eq!(server.kept.lock().unwrap().len(), 10, "a redirect was not followed");
}

#[tokio::test]
async fn nobody_there_and_nobody_answering_are_worth_another_try() {
    let (server, folder) = (Server::start().await, Folder::new());
    let error = send_briefly(server.hook(&folder, "/never", None)).await;
    assert!(error.reason.contains(&format!("127.0.0.1:{}", server.port)), "{}", error.reason);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("http://127.0.0.1:{port}/token-in-path");
    let error = send(&to(&folder, Outlet::Webhook { url, secret: None }), &message()).await.unwrap_err();
    assert!(error.retry && error.reason.contains(&format!("127.0.0.1:{port}")), "{error:?}");
    assert!(!error.reason.contains("token-in-path"), "{}", error.reason);
}

#[tokio::test]
async fn a_url_can_come_from_a_secret_and_a_wrong_one_is_not_shown() {
    let (server, folder) = (Server::start().await, Folder::new());
    let mut hook = to(&folder, Outlet::Webhook { url: "$HOOK_URL".into(), secret: None });
    hook.secrets = vec![secret("HOOK_URL", &format!("http://127.0.0.1:{}/status/200\n", server.port))];
    send(&hook, &message()).await.unwrap();
    hook.secrets = vec![secret("HOOK_URL", "ftp://tops3cret/")];
    let error = send(&hook, &message()).await.unwrap_err();
    assert!(!error.retry && !error.reason.contains("tops3cret"), "{error:?}");
}
