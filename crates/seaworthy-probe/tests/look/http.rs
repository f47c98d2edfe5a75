//! Looking at a real HTTP server on loopback.

use std::{collections::BTreeMap, convert::Infallible};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{any, get as route},
};
use seaworthy_model::{process::Look, value::Value};
use tokio::{io::AsyncWriteExt as _, net::TcpListener, task::JoinHandle};

use crate::kit::{Folder, get, int, look, order, secret, text};

/// A server on a free port; ends with its value.
pub struct Server {
    pub port: u16,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        let router = Router::new()
            .route("/echo", any(echo))
            .route("/never", any(|| async { std::future::pending::<Result<Response, Infallible>>().await }))
            .route("/moved", route(|| async { (StatusCode::FOUND, [("location", "/echo")], "elsewhere") }))
            .route("/sick", route(|| async { (StatusCode::SERVICE_UNAVAILABLE, "down") }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, task }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Says what it was asked, then 100,000 bytes more.
async fn echo(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let auth = head.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let said = format!("{} {} [{auth}] {}\n", head.method, head.uri, String::from_utf8_lossy(&body));
    let mut headers = HeaderMap::new();
    headers.append("x-twice", "a".parse().unwrap());
    headers.append("x-twice", "b".parse().unwrap());
    (headers, Body::from(said + &"x".repeat(100_000))).into_response()
}

#[tokio::test]
async fn status_headers_and_body_are_seen() {
    let (server, folder) = (Server::start().await, Folder::new());
    let seen = look(&order(&folder, get(&server.url("/sick")))).await.unwrap();
    assert_eq!(seen.source, "probe/http");
    assert_eq!(int(&seen.facts, "status"), 503);
    assert_eq!(text(&seen.facts, "body"), "down");
    let seen = look(&order(&folder, get(&server.url("/echo")))).await.unwrap();
    let Value::Map(headers) = &seen.facts["headers"] else { panic!("headers is a map") };
    assert_eq!(headers["x-twice"], Value::Text("a, b".into()));
}

#[tokio::test]
async fn method_headers_and_body_are_sent_and_secrets_are_not_shown() {
    let (server, folder) = (Server::start().await, Folder::new());
    let headers = BTreeMap::from([("Authorization".to_owned(), "Bearer $TOKEN".to_owned())]);
    let (url, body) = (server.url("/echo?id=$ID"), Some("{\"price\": \"$5 $TOKEN\"}".to_owned()));
    let mut order = order(&folder, Look::Http { url, method: "POST".into(), headers, body });
    order.env = vec![("ID".into(), "7".into())];
    order.secrets = vec![secret("TOKEN", "tops3cret\n")];
    let seen = look(&order).await.unwrap();
    let first = text(&seen.facts, "body").lines().next().unwrap();
    assert_eq!(first, "POST /echo?id=7 [Bearer ***] {\"price\": \"$5 $TOKEN\"}", "the body goes as written");
}

#[tokio::test]
async fn a_redirect_is_seen_and_not_followed() {
    let (server, folder) = (Server::start().await, Folder::new());
    let seen = look(&order(&folder, get(&server.url("/moved")))).await.unwrap();
    assert_eq!(int(&seen.facts, "status"), 302);
    let Value::Map(headers) = &seen.facts["headers"] else { panic!("headers is a map") };
    assert_eq!(headers["location"], Value::Text("/echo".into()));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_answer() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 1024];
        tokio::io::AsyncReadExt::read(&mut stream, &mut asked).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await.unwrap();
    });
    let error = look(&order(&folder, get(&url))).await.unwrap_err();
    server.await.unwrap();
    assert!(error.contains("status 200") && error.contains("broke off after 4 bytes"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_an_error_that_names_the_address() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = look(&order(&folder, get(&format!("http://u:geheim@127.0.0.1:{port}/x")))).await.unwrap_err();
    assert!(error.contains(&format!("127.0.0.1:{port}")) && error.contains("refused"), "{error}");
    assert!(!error.contains("geheim"), "{error}");
}
