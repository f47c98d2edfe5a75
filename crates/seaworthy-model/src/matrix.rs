//! A step that is done once for each element of a list.
//!
//! This module must not know how a list becomes elements (core does) nor how they are done.

use serde::{Deserialize, Serialize};

/// Most elements of one list; more are refused. Each is a step of its own, with records and output of its own.
pub const ELEMENTS_MAX: usize = 256;

/// The variable in which a command finds its element.
pub const ELEMENT: &str = "ELEMENT";

/// The variable with what the element is called in ids and in the names of artifacts: safe as the name of a file.
pub const ELEMENT_NAME: &str = "ELEMENT_NAME";

/// Over what a step is done, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    pub over: Over,
    /// Elements under way at the same time, besides what the process allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    /// After one failed no other begins. Else they all have their turn, and the step has failed at their end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop: bool,
}

/// Where the list comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// It stands in the file.
    These(Vec<String>),
    /// An input of the process.
    Input(String),
    /// What a step hands on.
    Output { step: String, name: String },
}

/// One of them: the id of the step that does it, and what its command sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    pub id: String,
    pub value: String,
}

/// What a list came to when the step's turn came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expanded {
    pub step: String,
    pub elements: Vec<Element>,
}

/// Elements that a sentence names one by one.
const NAMED_MAX: usize = 10;

impl Expanded {
    /// `for 3 elements: orders, users, billing`.
    pub fn words(&self) -> String {
        let named: Vec<&str> = self.elements.iter().take(NAMED_MAX).map(|element| element.value.as_str()).collect();
        let (named, more) = (named.join(", "), self.elements.len().saturating_sub(NAMED_MAX));
        match self.elements.len() {
            0 => "for no element: there is nothing to do".to_owned(),
            1 => format!("for 1 element: {named}"),
            n if more > 0 => format!("for {n} elements: {named} and {more} more"),
            n => format!("for {n} elements: {named}"),
        }
    }
}
