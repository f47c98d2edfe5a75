//! Sentences as HTML: what stands in backticks becomes code, and everything is escaped.
//!
//! This module must not know what the sentence is about.

use std::fmt;

use askama::filters::HtmlSafe;

/// A sentence from a record, a file or a port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(pub String);

impl Words {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Words {
    fn from(text: String) -> Words {
        Words(text)
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> = self.0.split('`').collect();
        // An odd backtick at the end opens nothing and stays a backtick.
        let paired = parts.len() - (parts.len() + 1) % 2;
        for (i, part) in parts.iter().enumerate() {
            match (i % 2 == 1, i < paired) {
                (true, true) => {
                    f.write_str("<code>")?;
                    escape(part, f)?;
                    f.write_str("</code>")?;
                }
                (true, false) => {
                    f.write_str("`")?;
                    escape(part, f)?;
                }
                (false, _) => escape(part, f)?,
            }
        }
        Ok(())
    }
}

impl HtmlSafe for Words {}

fn escape(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write as _;
    for c in text.chars() {
        match c {
            '&' => f.write_str("&amp;")?,
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '"' => f.write_str("&quot;")?,
            '\'' => f.write_str("&#39;")?,
            c => f.write_char(c)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_become_code_and_everything_is_escaped() {
        for (text, html) in [
            ("plain", "plain"),
            ("run `a<b>` now", "run <code>a&lt;b&gt;</code> now"),
            ("`a` and `b`", "<code>a</code> and <code>b</code>"),
            ("odd ` <i>", "odd ` &lt;i&gt;"),
            ("`a` odd `'\"&", "<code>a</code> odd `&#39;&quot;&amp;"),
        ] {
            assert_eq!(Words(text.to_owned()).to_string(), html);
        }
    }
}
