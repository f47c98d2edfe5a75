//! What answers say about themselves whatever is asked, and what is asked in vain: with wrong methods, twice, or of the disk.
//!
//! Items of docs/security.md name these tests.

mod fixture;

use fixture::{Answer, scene, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The directive of this name.
fn directive<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let policy = answer.header("content-security-policy")?;
    policy.split(';').find_map(|one| one.trim().strip_prefix(name)?.strip_prefix(' '))
}

#[tokio::test]
async fn every_answer_forbids_objects_other_bases_frames_and_other_origins() {
    let server = serve(&scene::night()).await;
    for page in ["/", "/help", "/nope", "/healthz", "/sign-in", "/api/v1/overview", "/favicon.ico"] {
        let answer = server.ask("GET", page, &[("Origin", "https://evil.example")]).await;
        for name in ["default-src", "object-src", "base-uri", "frame-ancestors"] {
            assert_eq!(directive(&answer, name), Some("'none'"), "{page}: {name}");
        }
        assert_eq!(directive(&answer, "script-src"), Some("'self'"), "{page}");
        assert!(!answer.head.to_lowercase().contains("access-control-"), "{page} lets others read: {}", answer.head);
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{page}");
    }
}

#[tokio::test]
async fn nothing_of_the_disk_is_served() {
    let server = serve(&scene::night()).await;
    for path in [
        "/.git/config",
        "/.seaworthy/checkpoint.key",
        "/assets/",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%252e%252e%252fCargo.toml",
        "/templates/layout.html",
        "/seaworthy.yaml",
        "/etc/passwd",
        "/..%2f..%2fetc/passwd",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(!answer.body.contains("[package]") && !answer.body.contains("root:"), "{path}");
    }
}

#[tokio::test]
async fn trace_is_no_method_here() {
    let server = serve(&scene::night()).await;
    let origin = format!("http://{}", server.address);
    for page in ["/", "/healthz", "/api/v1/overview"] {
        let headers = [("Origin", origin.as_str()), ("X-Mark", "come back to me")];
        let answer = server.ask("TRACE", page, &headers).await;
        assert_eq!(answer.status, 405, "{page}");
        assert!(!answer.body.contains("come back to me"), "{page}");
    }
}

#[tokio::test]
async fn a_field_that_is_given_twice_is_refused() {
    let server = serve(&scene::night()).await;
    assert_eq!(server.get("/processes?q=a").await.status, 200, "else what follows says nothing");
    assert_eq!(server.get("/processes?q=a&q=b").await.status, 400);
    let answer = server.post_form("/sign-in", "name=ada&name=eve&password=x&code=1").await;
    assert!(matches!(answer.status, 400 | 422), "{}: {}", answer.status, answer.body);
}

#[tokio::test]
async fn where_a_message_ends_is_not_argued_about() {
    let server = serve(&scene::night()).await;
    for (headers, body, allowed) in [
        // Pieces count and the length does not: else the server would wait for the rest of 900 bytes.
        ("Transfer-Encoding: chunked\r\nContent-Length: 900\r\n", "0\r\n\r\n", &[200, 400, 403, 404, 405][..]),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", "hello", &[400][..]),
        ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n", &[400, 501][..]),
    ] {
        let mut socket = tokio::net::TcpStream::connect(&server.address).await.expect("it listens");
        let head = format!("POST /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n", server.address);
        socket.write_all(format!("{head}{body}").as_bytes()).await.expect("it is taken");
        let mut said = Vec::new();
        socket.read_to_end(&mut said).await.expect("it answers and ends");
        let said = String::from_utf8_lossy(&said);
        let status = said.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok()).expect("an answer has a status");
        assert!(allowed.contains(&status), "{headers:?}: {said}");
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "one message has one answer: {said}");
    }
}
