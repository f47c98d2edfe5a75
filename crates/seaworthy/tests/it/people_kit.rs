//! A browser without script and an authenticator program, for tests of the door.
//!
//! Must not know what a test is about. The authenticator is written after RFC 6238, apart from the product's.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{SystemTime, UNIX_EPOCH},
};

use ring::hmac;

use crate::kit::{PATIENCE, Server, Site, until};

pub const PASSWORD: &str = "mauve saddle orbit crate";

/// What one answer said.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Page {
    /// Where a redirect leads.
    pub fn to(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The value of a hidden field.
    pub fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let rest = self.body.split_once(&start).map(|(_, rest)| rest);
        let value = rest.and_then(|rest| rest.split('"').next());
        value.unwrap_or_else(|| panic!("no field `{name}` on the page: {}", self.body)).to_owned()
    }
}

/// Keeps cookies, follows nothing.
pub struct Browser {
    host: String,
    pub cookies: BTreeMap<String, String>,
    /// More headers of each request.
    pub headers: Vec<(String, String)>,
}

impl Browser {
    pub fn of(server: &Server) -> Browser {
        let host = server.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Browser { host, cookies: BTreeMap::new(), headers: vec![] }
    }

    /// The name of the session's cookie.
    pub fn cookie(&self) -> String {
        format!("seaworthy-{}", self.host.rsplit(':').next().unwrap_or_default())
    }

    pub fn get(&mut self, path: &str) -> Page {
        self.ask("GET", path, "")
    }

    /// A form of a page of ours: the secret of the session's forms is taken from the page that is loaded first.
    pub fn press(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let secret = self.get(page).field("form");
        self.post(action, &[fields, &[("form", secret.as_str())]].concat())
    }

    /// A form as it is given.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.ask("POST", path, &body.join("&"))
    }

    /// JSON, with these headers.
    pub fn json(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> Page {
        let own = self.headers.clone();
        self.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.headers.push(("Content-Type".into(), "application/json".into()));
        let page = self.ask("POST", path, body);
        self.headers = own;
        page
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Page {
        let mut stream = TcpStream::connect(&self.host).expect("the server is up");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\n", self.host);
        if !self.headers.iter().any(|(name, _)| name == "Content-Type") {
            head += "Content-Type: application/x-www-form-urlencoded\r\n";
        }
        head += &format!("Content-Length: {}\r\n", body.len());
        head += &format!("Cookie: {}\r\nConnection: close\r\n", cookies.join("; "));
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        write!(stream, "{head}\r\n{body}").expect("the server listens");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the server answers");
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("an answer has a status");
        let page = Page { status, head: head.to_owned(), body: body.to_owned() };
        if let Some((name, value)) =
            page.header("set-cookie").and_then(|cookie| cookie.split(';').next()?.split_once('='))
        {
            match value {
                "" => drop(self.cookies.remove(name)),
                _ => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        page
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// Shows codes, each once.
pub struct Phone {
    secret: Vec<u8>,
    last: u64,
}

impl Phone {
    /// Types the secret in from a set-up page.
    pub fn of(page: &Page) -> Phone {
        let rest = page.body.split_once("secret=").map(|(_, rest)| rest).expect("the page has the secret");
        let letters: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        let mut bits = 0_u64;
        let (mut count, mut secret) = (0, Vec::new());
        for letter in letters.bytes() {
            let value = if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' };
            (bits, count) = (bits << 5 | u64::from(value), count + 5);
            if count >= 8 {
                count -= 8;
                secret.push((bits >> count) as u8);
            }
        }
        Phone { secret, last: 0 }
    }

    /// A code that was not used yet and is taken now. The one before counts still, so nobody has to wait for the next.
    pub fn code(&mut self) -> String {
        let seconds = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        // The one before is not taken if it is about to go.
        let now = seconds();
        let oldest = if now % 30 > 20 { now / 30 } else { now / 30 - 1 };
        self.last = (self.last + 1).max(oldest);
        until("the code counts", || (self.last <= seconds() / 30 + 1).then_some(()));
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &self.last.to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag[19] & 15);
        let four = u32::from_be_bytes([tag[at] & 127, tag[at + 1], tag[at + 2], tag[at + 3]]);
        format!("{:06}", four % 1_000_000)
    }
}

/// The link for the first owner of a server without a terminal, without what stands before the path.
pub fn owner_link(site: &Site) -> String {
    let text = site.read(".seaworthy/owner-link");
    text.trim().find("/set-up/").map(|at| text.trim()[at..].to_owned()).expect("a server without an owner keeps a link")
}

/// Sets an account up by a link.
pub fn set_up(browser: &mut Browser, link: &str, name: &str) -> (Phone, Page) {
    let page = browser.get(link);
    assert_eq!(page.status, 200, "{}", page.body);
    let mut phone = Phone::of(&page);
    let code = phone.code();
    let fields = [
        ("name", name),
        ("password", PASSWORD),
        ("again", PASSWORD),
        ("sealed", &page.field("sealed")),
        ("code", &code),
    ];
    let done = browser.post(link, &fields);
    (phone, done)
}

/// Claims a site and invites a second owner: her browser, and his with his link.
pub fn two(site: &Site, server: &Server) -> (Browser, Phone, String) {
    let mut ada = Browser::of(server);
    let (phone, _) = set_up(&mut ada, &owner_link(site), "ada");
    let page = ada.press("/people", "/people", &[("what", "invite"), ("name", "grace"), ("role", "owner")]);
    let link = page.body.split_once("/set-up/").expect("a link is shown").1[..64].to_owned();
    (ada, phone, format!("/set-up/{link}"))
}

/// Two owners who are in: the first one claimed the site, so the user of the host is hers.
pub fn owners(site: &Site, server: &Server) -> (Browser, Browser) {
    let (ada, _, link) = two(site, server);
    let mut grace = Browser::of(server);
    set_up(&mut grace, &link, "");
    (ada, grace)
}

impl Browser {
    /// The id as which the journal has this person.
    pub fn actor(&mut self) -> String {
        let account = self.get("/account").body;
        format!("actor_{}", &account.split("actor_").nth(1).expect("an actor")[..32])
    }
}
