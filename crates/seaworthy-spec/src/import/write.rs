//! A draft as the YAML text of a process file: the one writer of all tools.
//!
//! What it writes is read by this crate's own reader, and means there what the draft says. This module must not know
//! any tool.

use seaworthy_model::time::Span;

use super::Draft;

/// Longest text that is written on the line of its key.
const PLAIN_CHARS_MAX: usize = 100;

/// The whole file.
pub fn yaml(draft: &Draft) -> String {
    let mut text = String::new();
    for remark in &draft.remarks {
        text.push_str(&format!("# {}\n", one_line(remark)));
    }
    pair(&mut text, "", "process", &draft.name);
    if let Some(about) = &draft.about {
        pair(&mut text, "", "about", about);
    }
    if draft.pinged {
        text.push_str("pinged: true\n");
    }
    if let Some(timeout) = draft.timeout {
        text.push_str(&format!("timeout: {}\n", span(timeout)));
    }
    schedule(draft, &mut text);
    if !draft.env.is_empty() {
        text.push_str("env:\n");
        for (name, value) in &draft.env {
            pair(&mut text, "  ", name, value);
        }
    }
    if !draft.secrets.is_empty() {
        text.push_str(&format!("secrets: [{}]\n", draft.secrets.join(", ")));
    }
    steps(draft, &mut text);
    verify(draft, &mut text);
    if let Some((times, backoff)) = &draft.retry {
        let backoff = backoff.map(|wait| format!(", backoff: {}", span(wait))).unwrap_or_default();
        text.push_str(&format!("heal:\n  - retry: {{ times: {times}{backoff} }}\n"));
    }
    if draft.start_within.is_some() || draft.finish_within.is_some() {
        text.push_str("watch:\n");
        for (key, limit) in [("start_within", draft.start_within), ("finish_within", draft.finish_within)] {
            if let Some(limit) = limit {
                text.push_str(&format!("  {key}: {}\n", span(limit)));
            }
        }
    }
    text
}

fn schedule(draft: &Draft, text: &mut String) {
    let Some(schedule) = &draft.schedule else { return };
    text.push_str("schedule:\n");
    if schedule.more.is_empty() {
        pair(text, "  ", schedule.key, &schedule.when);
    } else {
        let all = [std::slice::from_ref(&schedule.when), &schedule.more].concat();
        text.push_str(&format!("  {}: {}\n", schedule.key, list(&all)));
    }
    if let Some(zone) = &schedule.timezone {
        pair(text, "  ", "timezone", zone);
    }
    if let Some(jitter) = schedule.jitter {
        text.push_str(&format!("  jitter: {}\n", span(jitter)));
    }
    if let Some(missed) = schedule.missed {
        pair(text, "  ", "missed", missed);
    }
    if let Some(within) = schedule.within {
        text.push_str(&format!("  within: {}\n", span(within)));
    }
    if let Some(overlap) = schedule.overlap {
        pair(text, "  ", "overlap", overlap);
    }
}

fn steps(draft: &Draft, text: &mut String) {
    if draft.steps.is_empty() {
        return;
    }
    text.push_str("steps:\n");
    for step in &draft.steps {
        let mut body = String::new();
        if let Some(id) = &step.id {
            pair(&mut body, "    ", "id", id);
        }
        if step.arguments.is_empty() {
            pair(&mut body, "    ", "run", &step.script);
        } else {
            body.push_str(&format!("    run: {}\n", list(&step.arguments)));
        }
        if !step.shell.is_empty() && step.arguments.is_empty() {
            body.push_str(&format!("    shell: {}\n", list(&step.shell)));
        }
        if !step.needs.is_empty() {
            body.push_str(&format!("    needs: {}\n", list(&step.needs)));
        }
        if let Some(timeout) = step.timeout {
            body.push_str(&format!("    timeout: {}\n", span(timeout)));
        }
        body.replace_range(..4, "  - ");
        text.push_str(&body);
    }
}

fn verify(draft: &Draft, text: &mut String) {
    if draft.verify.is_empty() {
        return;
    }
    text.push_str("verify:\n");
    for check in &draft.verify {
        let mut body = String::new();
        pair(&mut body, "    ", "http", &check.url);
        if let Some(method) = &check.method {
            pair(&mut body, "    ", "method", method);
        }
        pair(&mut body, "    ", "expect", &check.expect);
        if let Some(timeout) = check.timeout {
            body.push_str(&format!("    timeout: {}\n", span(timeout)));
        }
        body.replace_range(..4, "  - ");
        text.push_str(&body);
    }
}

/// `key: value`, in the way that is easiest to read and safe.
fn pair(text: &mut String, indent: &str, key: &str, value: &str) {
    let short = value.chars().count() <= PLAIN_CHARS_MAX;
    if short && is_plain(value) {
        text.push_str(&format!("{indent}{key}: {value}\n"));
    } else if fits_a_block(value) && (key == "run" || value.contains('\n')) {
        let chomp = if value.ends_with('\n') { "" } else { "-" };
        text.push_str(&format!("{indent}{key}: |{chomp}\n"));
        for line in value.trim_end_matches('\n').split('\n') {
            let line = if line.is_empty() { String::new() } else { format!("{indent}  {line}") };
            text.push_str(&format!("{line}\n"));
        }
    } else {
        text.push_str(&format!("{indent}{key}: {}\n", quoted(value)));
    }
}

fn list(items: &[String]) -> String {
    let safe = |item: &String| is_plain(item) && !item.contains([',', '[', ']', '{', '}']);
    let items: Vec<String> = items.iter().map(|item| if safe(item) { item.clone() } else { quoted(item) }).collect();
    format!("[{}]", items.join(", "))
}

/// Whether YAML reads it without quotes as this very text, on one line.
fn is_plain(value: &str) -> bool {
    let first = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '$' | '_' | '+' | '(');
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    value.starts_with(first)
        && value.chars().all(|c| !c.is_control() && c != '\u{feff}' && c != '\u{2028}' && c != '\u{2029}')
        && !value.contains(": ")
        && !value.contains(" #")
        && !value.ends_with([':', ' '])
        && !words.contains(&value.to_ascii_lowercase().as_str())
}

/// Whether a literal block says it: it knows no escapes, and its first line gives the indentation.
fn fits_a_block(value: &str) -> bool {
    let body = value.strip_suffix('\n').unwrap_or(value);
    !body.is_empty()
        && !body.starts_with([' ', '\n', '\t'])
        && !body.ends_with('\n')
        && value.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        && !value.contains(['\u{feff}', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// In double quotes; the escapes of JSON are escapes of YAML.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// A length of time as the reader takes it, without loss.
pub(super) fn span(span: Span) -> String {
    let units = [
        ("w", 604_800_000_000_000_u64),
        ("d", 86_400_000_000_000),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
    ];
    let whole = units.iter().find(|(_, size)| span.0 > 0 && span.0.is_multiple_of(*size));
    match whole {
        Some((unit, size)) => format!("{}{unit}", span.0 / size),
        None => format!("{}ns", span.0),
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
