//! Style, script and icon, inside the binary, under names that hold the hash of their content.
//!
//! One more file: one more line in [`FILES`]. This module must not know pages.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use seaworthy_model::tree;

use crate::door::{Declared, Needs};

struct File {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

static FILES: [File; 4] = [
    File { name: "seaworthy.css", kind: "text/css; charset=utf-8", bytes: include_bytes!("../assets/seaworthy.css") },
    File {
        name: "seaworthy.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../assets/seaworthy.js"),
    },
    File { name: "door.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../assets/door.js") },
    File { name: "icon.svg", kind: "image/svg+xml", bytes: include_bytes!("../assets/icon.svg") },
];

/// First 16 hex digits of the hash of each file, in the order of [`FILES`].
static HASHES: LazyLock<Vec<String>> =
    LazyLock::new(|| FILES.iter().map(|file| tree::leaf(file.bytes).to_string()[..16].to_owned()).collect());

pub fn routes() -> Vec<Declared> {
    let open = Needs::Open("style and script say nothing of the site");
    vec![Declared::get("/assets/{name}", open, file), Declared::get("/favicon.ico", open, icon)]
}

/// Address of a file below the base path: `/assets/seaworthy.css-0123456789abcdef`.
pub fn address(name: &str) -> String {
    let found = FILES.iter().zip(HASHES.iter()).find(|(file, _)| file.name == name);
    found.map(|(file, hash)| format!("/assets/{}-{hash}", file.name)).unwrap_or_default()
}

async fn file(Path(asked): Path<String>, headers: HeaderMap) -> Response {
    let found = FILES.iter().zip(HASHES.iter()).find(|(file, hash)| asked == format!("{}-{hash}", file.name));
    let Some((file, hash)) = found else {
        return (StatusCode::NOT_FOUND, "no such file; reload the page\n").into_response();
    };
    let tag = format!("\"{hash}\"");
    let head = [
        (header::CONTENT_TYPE, file.kind.to_owned()),
        (header::ETAG, tag.clone()),
        // The name changes with the content, so it may be kept for ever.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
    ];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, file.bytes).into_response()
}

async fn icon() -> Response {
    let icon = &FILES[3];
    ([(header::CONTENT_TYPE, icon.kind), (header::CACHE_CONTROL, "public, max-age=86400")], icon.bytes).into_response()
}
