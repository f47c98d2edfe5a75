//! The condition language `expect`: a typed subset of CEL with units, checked at load, bounded in evaluation.
//!
//! Where CEL accepts a text that this module accepts, both give the same answer; the tests prove it with the crate
//! `cel` as an oracle. Added to CEL: unit literals (`10KiB` is a number of bytes, `1h30m` a length of time), whole
//! and decimal numbers mix, `trim()`, `lines()` and `json(text)`. Stricter than CEL: two values of different kinds
//! that are only known when the condition is evaluated (`value`, `json(…)`) are not quietly unequal, they are an
//! error, so that a check cannot pass because a number arrived as text.
//!
//! | part | what there is |
//! |---|---|
//! | operators | `== != < <= > >= in`, `&& \|\| !`, `+ - * / %`, `? :`; they bind as in CEL |
//! | literals | `42 0x2A 2.5 1e3 true false null "text" 'text' r"raw" [1, 2]`, `512B 10KiB 1.5MB`, `250ms 1h30m 7d` |
//! | text | `contains startsWith endsWith matches size trim lines`, `+`; a pattern of `matches` is a literal |
//! | lists | `[0]`, `in`, `size`, `+`, `all exists exists_one filter map` |
//! | JSON and rows | `json(text)`, `.field`, `["field"]`, `[0]`, `has(x.field)`, `"field" in x`, `size` |
//! | conversions | `int(x)`, `double(x)`, `duration(text)` |
//! | time | time ± time, time * number, time / number, time / time is a number |
//! | usual | `usual.size`, `usual.duration`, `usual.value`, `usual.rows`: the names that [`Scope::of`] lists |
//!
//! `||` and `&&` absorb the error of one side if the other decides, and `exists` and `all` do so for their items.
//! Whole numbers divide to whole ones (`7 / 2 == 3`) and never wrap: too large is an error. `matches` finds a pattern
//! anywhere in the text; its classes such as `\d` mean ASCII (as in RE2, which CEL names).
//!
//! This module must not know where facts come from, what a verdict leads to, nor a clock.

mod always;
mod call;
mod check;
mod eval;
mod explain;
mod lex;
mod looser;
mod near;
mod operand;
mod operate;
mod parse;
mod scope;
mod text;
mod tree;
mod unit;
mod val;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use seaworthy_model::value::Facts;

pub use explain::{Explained, LINE_CHARS_MAX};
pub use looser::looser;
pub use scope::{Scope, Type};
pub use unit::size;

use tree::{Kind, Node};

/// Longest source, in bytes. A longer one is refused at load.
pub const SOURCE_BYTES_MAX: usize = 4 * 1024;
/// Deepest nesting of parentheses, calls and operators. A deeper source is refused at load.
pub const NESTING_MAX: usize = 64;
/// Most macros (`all`, `exists`, `exists_one`, `filter`, `map`) inside one another. More are refused at load.
pub const MACROS_NESTED_MAX: usize = 2;
/// Most items of a list. A longer one ends the evaluation with an error.
pub const LIST_MAX: usize = 10_000;
/// Most steps of one evaluation; a step is one node, 64 bytes of text, or 4 bytes that a pattern
/// is looked for in. More end it with an error.
pub const FUEL_STEPS_MAX: u64 = 100_000;
/// Most problems reported of one source; the rest are not shown.
pub const PROBLEMS_MAX: usize = 20;
/// Largest compiled regular expression, in bytes: bounds the work per byte of text. A larger one is refused at load.
pub const PATTERN_BYTES_MAX: usize = 16 * 1024;

/// What is wrong with a source, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Byte offset into the source.
    pub at: usize,
    /// Bytes that are wrong; 0 where something is missing.
    pub len: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// A compiled condition. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Expect {
    compiled: Arc<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    source: String,
    tree: Node,
}

/// Reads and type-checks a condition against the names of `scope`.
///
/// # Errors
/// All problems that could be told apart in one pass, in the order of the source, at most [`PROBLEMS_MAX`].
pub fn compile(source: &str, scope: &Scope) -> Result<Expect, Vec<Problem>> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(vec![Problem {
            at: 0,
            len: 0,
            message: format!("the condition is {} bytes long; at most {SOURCE_BYTES_MAX} are read", source.len()),
            help: "split it into several checks".to_owned(),
        }]);
    }
    let (tree, mut problems) = parse::parse(source);
    check::check(&tree, source, scope, &mut problems);
    if problems.is_empty() {
        return Ok(Expect { compiled: Arc::new(Compiled { source: source.to_owned(), tree }) });
    }
    problems.sort();
    problems.dedup();
    problems.truncate(PROBLEMS_MAX);
    Err(problems)
}

impl Expect {
    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.compiled.source
    }

    /// The names after `usual.` that it uses, sorted, such as `["size"]`; empty if `usual` is not used.
    pub fn usual_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.compiled.tree.visit(&mut |node| {
            if let Kind::Usual(name) = &node.kind {
                names.push(name.clone());
            }
        });
        names.sort();
        names.dedup();
        names
    }

    /// Whether a yes proves data (contracts, section 3): it reads content (`stdout value rows body`, so also `json`
    /// of them) or compares `sha256`. Of alternatives (`||`, `?:`) each must, since either alone can say yes.
    pub fn reads_data(&self) -> bool {
        self.compiled.tree.reads_data(true)
    }

    /// Whether the condition holds. `usual` is keyed by the name after `usual.`, such as `size`.
    ///
    /// # Errors
    /// A sentence, if the facts do not allow an answer (a missing fact, a field that is not there, kinds that cannot
    /// be compared, a division by zero) or a limit of this module is reached. The verdict is then *unknown*.
    pub fn evaluate(&self, facts: &Facts, usual: &Facts) -> Result<bool, String> {
        eval::holds(&self.compiled.tree, &self.compiled.source, facts, usual)
    }

    /// What was expected and what was seen, for people, each on one line of at most
    /// [`LINE_CHARS_MAX`] characters. If the condition is false, only the first part (of those joined by
    /// `&&`) that is false is named.
    pub fn explain(&self, facts: &Facts, usual: &Facts) -> Explained {
        explain::explain(&self.compiled.tree, &self.compiled.source, facts, usual)
    }
}
