//! Certificates that nginx, Apache or Let's Encrypt name on this host.
//!
//! This module must not read a key, nor connect.

use std::collections::BTreeMap;

use super::{Around, FOUND_MAX, Found, Host, name_of};

/// Folders with files of web servers.
const CONFIGURED: [&str; 6] = [
    "/etc/nginx/sites-enabled",
    "/etc/nginx/conf.d",
    "/etc/apache2/sites-enabled",
    "/etc/httpd/conf.d",
    "/etc/caddy",
    "/etc/haproxy",
];

/// Words before the path of a certificate, and before the name that it is for.
const FILE_WORDS: [&str; 2] = ["ssl_certificate", "SSLCertificateFile"];
const NAME_WORDS: [&str; 2] = ["server_name", "ServerName"];

pub fn look(host: &Host, around: &mut Around) {
    // By name; the file, if one was named.
    let mut certificates: BTreeMap<String, String> = BTreeMap::new();
    for folder in host.folder("/etc/letsencrypt/live") {
        if folder.is_dir() {
            certificates.insert(name_of(&folder), format!("{}/fullchain.pem", host.own(&folder)));
        }
    }
    for file in CONFIGURED.iter().flat_map(|folder| host.folder(folder)) {
        let text = host.text(&host.own(&file));
        let value = |words: &[&str]| {
            let lines = text.lines().map(str::trim).filter_map(|line| line.split_once(char::is_whitespace));
            let mut values =
                lines.filter(|(word, _)| words.contains(word)).map(|(_, rest)| rest.trim_end_matches(';').trim());
            values.find_map(|value| value.split_whitespace().next().map(str::to_owned))
        };
        if let Some(path) = value(&FILE_WORDS) {
            let name = value(&NAME_WORDS).filter(|name| name != "_").unwrap_or_else(|| "localhost".to_owned());
            certificates.entry(name).or_insert(path);
        }
    }
    let renew = if host.has("certbot") { "certbot renew" } else { "false" };
    for (name, file) in certificates.into_iter().take(FOUND_MAX) {
        let answers = vec![
            ("process", format!("certificate-{}", name.trim_start_matches("*."))),
            ("name", name.clone()),
            ("file", file.clone()),
            ("renew", renew.to_owned()),
        ];
        around.found.push(Found::pack(format!("a certificate for {name} is in {file}"), "certificate", answers));
    }
}
