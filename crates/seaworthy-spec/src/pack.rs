//! The header of a pack: what a folder of ready process files is for, what it needs and asks.
//!
//! Pure. This module must not know which packs there are nor how their files are filled in.

use crate::{
    Source, conform,
    diagnostic::Diagnostic,
    shape::{Kind, pack::PACK},
    source::{Mark, Place, Report},
    tree::{self, Node},
};

/// What `pack.yaml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    pub name: String,
    pub about: String,
    /// Programs.
    pub needs: Vec<String>,
    /// What it cannot prove.
    pub cannot: Vec<String>,
    /// In the order of the file.
    pub asks: Vec<Ask>,
}

/// One question of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub name: String,
    pub about: String,
    pub default: String,
}

/// Reads the header of a pack.
///
/// # Errors
/// Every problem of the file, with its place.
pub fn pack(source: &Source) -> Result<Pack, Vec<Diagnostic>> {
    let mut report = Report::new(&source.file, &source.text);
    let documents = tree::parse(&source.text, &mut report);
    let Some(document) = documents.first().filter(|_| !report.has_errors()) else {
        if !report.has_errors() {
            let place = Place::on_line(Mark { line: 1, column: 1 }, 1);
            report.error("missing-key", place, "the file says nothing of a pack", "begin it with `pack: NAME`");
        }
        return Err(report.finish());
    };
    conform::conform(document, &Kind::Object(&PACK), &mut report);
    let built = build(document);
    match built.filter(|_| !report.has_errors()) {
        Some(pack) => Ok(pack),
        None => Err(report.finish()),
    }
}

fn build(document: &Node) -> Option<Pack> {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
    let texts = |key: &str| -> Vec<String> {
        let items = document.get(key).map(Node::items).unwrap_or_default();
        items.iter().filter_map(Node::text).map(str::to_owned).collect()
    };
    let asks = document.get("asks").map(Node::entries).unwrap_or_default().iter().filter_map(|(name, ask)| {
        Some(Ask { name: name.text()?.to_owned(), about: text(ask, "about")?, default: text(ask, "default")? })
    });
    Some(Pack {
        name: text(document, "pack")?,
        about: text(document, "about")?,
        needs: texts("needs"),
        cannot: texts("cannot"),
        asks: asks.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Pack, Vec<Diagnostic>> {
        pack(&Source { file: "pack.yaml".into(), text: text.into() })
    }

    #[test]
    fn a_header_says_what_it_is_for_and_keeps_the_order_of_its_questions() {
        let read = read(
            "pack: p\nabout: x\nneeds: [tar]\nasks:\n  z: { about: last, default: \"\" }\n  a: { about: first, default: 1 }\n",
        );
        let read = read.expect("it is whole");
        let asks: Vec<_> = read.asks.iter().map(|ask| (ask.name.as_str(), ask.default.as_str())).collect();
        assert_eq!((read.name.as_str(), asks), ("p", vec![("z", ""), ("a", "1")]));
    }

    #[test]
    fn what_is_missing_or_mistyped_is_told_with_its_place() {
        let said =
            |text: &str| read(text).expect_err("it is wrong").iter().map(|d| (d.line, d.code)).collect::<Vec<_>>();
        assert_eq!(said("pack: p\nabot: x\n"), [(1, "missing-key"), (2, "unknown-key")]);
        assert_eq!(said("pack: p\nabout: x\nasks: { a: { about: b } }\n"), [(3, "missing-key")]);
        assert_eq!(said(""), [(1, "missing-key")]);
    }
}
