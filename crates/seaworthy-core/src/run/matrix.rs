//! A step over a list: what the list comes to when its turn comes, and the step that does each element.
//!
//! What it came to is an entry, so a run that is taken up later goes on with the same steps under the same names. This
//! module must not know when a step may start.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_model::{
    event::Event,
    matrix::{ELEMENT, ELEMENT_NAME, ELEMENTS_MAX, Element, Expanded, Over},
    process::Step,
    value::{Facts, Value},
};

use super::{Next, Plan, State, condition::failed, state::Requested};
use crate::input::plain;

/// Longest part of a step's id that comes from an element, in characters.
const NAME_CHARS_MAX: usize = 60;

/// Where the name of the element goes in the name of an artifact.
pub const PLACE: &str = "{element}";

/// A step each for these, in this order. What is not fit for a name becomes a dash, with the place in the list behind
/// it, so that two of them never share one.
///
/// # Errors
/// Why they cannot be: too many, one twice, one that is empty or not one line.
pub fn elements(step: &str, values: Vec<String>) -> Result<Vec<Element>, String> {
    if values.len() > ELEMENTS_MAX {
        return Err(format!("its list has {} elements, {ELEMENTS_MAX} are the limit", values.len()));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = values.iter().find(|value| !seen.insert(value.as_str())) {
        return Err(format!("its list has `{}` twice", shown(twice)));
    }
    if values.iter().any(String::is_empty) {
        return Err("an element of its list is empty".into());
    }
    if let Some(broken) = values.iter().find(|value| value.chars().any(char::is_control)) {
        return Err(format!("the element `{}` of its list is not one line of text", shown(broken)));
    }
    let named = |(value, place): (String, usize)| Element { id: format!("{step}[{}]", name(&value, place)), value };
    Ok(values.into_iter().zip(1..).map(named).collect())
}

fn name(value: &str, place: usize) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let plain: String = value.chars().map(safe).take(NAME_CHARS_MAX).collect();
    if plain == value { plain } else { format!("{plain}~{place}") }
}

fn shown(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(NAME_CHARS_MAX).collect()
}

/// The step that does one element.
pub(super) fn instance(step: &Step, element: &Element) -> Step {
    let mut env = step.env.clone();
    env.insert(ELEMENT.to_owned(), element.value.clone());
    env.insert(ELEMENT_NAME.to_owned(), inner(&element.id).to_owned());
    Step {
        id: element.id.clone(),
        makes: step.makes.iter().map(|name| name.replace(PLACE, inner(&element.id))).collect(),
        env,
        when: None,
        despite_skipped: true,
        matrix: None,
        ..step.clone()
    }
}

/// What stands between the brackets.
fn inner(id: &str) -> &str {
    id.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']')).unwrap_or(id)
}

/// The artifacts of a step, of all its elements if they stand in the file.
pub fn makes(step: &Step) -> Vec<String> {
    let Some(matrix) = &step.matrix else { return step.makes.clone() };
    let Over::These(values) = &matrix.over else { return Vec::new() };
    let all = elements(&step.id, values.clone()).unwrap_or_default();
    all.iter().flat_map(|element| instance(step, element).makes).collect()
}

/// What a step over a list begins with: the list.
pub(super) fn expand(plan: &Plan, state: &State, requested: &Requested, step: &Step, over: &Over) -> Next {
    match list(plan, state, requested, over).and_then(|values| elements(&step.id, values)) {
        Ok(elements) => Next::Record(vec![Event::StepExpanded(Expanded { step: step.id.clone(), elements })]),
        Err(why) => {
            Next::Record(failed(state, step, format!("for which elements it is to be done cannot be said: {why}")))
        }
    }
}

fn list(plan: &Plan, state: &State, requested: &Requested, over: &Over) -> Result<Vec<String>, String> {
    let (what, value) = match over {
        Over::These(values) => return Ok(values.clone()),
        Over::Input(name) => (format!("the input `{name}`"), requested.inputs.get(name).cloned()),
        Over::Output { step, name } => {
            let handed = handed(plan, state).remove(step).and_then(|mut outputs| outputs.remove(name));
            (format!("the output `{name}` of step {step}"), handed)
        }
    };
    match value {
        Some(Value::List(items)) => Ok(items.iter().map(plain).collect()),
        Some(_) => Err(format!("{what} is no list")),
        None => Err(format!("there is no {}", what.trim_start_matches("the "))),
    }
}

/// What steps hand on, by their names in the file: what is done over a list hands on a list, in the same order.
pub fn handed(plan: &Plan, state: &State) -> BTreeMap<String, Facts> {
    let of = |step: &Step| {
        let Some(elements) = state.expanded.get(&step.id) else { return state.outputs.get(&step.id).cloned() };
        let each = |name: &String| {
            let said = elements.iter().filter_map(|element| state.outputs.get(&element.id)?.get(name));
            Value::List(said.map(|value| Value::Text(plain(value))).collect())
        };
        Some(step.outputs.keys().map(|name| (name.clone(), each(name))).collect())
    };
    plan.defined.iter().filter_map(|step| Some((step.id.clone(), of(step)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(values: &[&str]) -> Result<Vec<String>, String> {
        let made = elements("dump", values.iter().map(|value| (*value).to_owned()).collect())?;
        Ok(made.into_iter().map(|element| element.id).collect())
    }

    #[test]
    fn an_element_is_a_safe_name_that_no_other_has() {
        assert_eq!(ids(&["orders", "db1.eu"]), Ok(vec!["dump[orders]".into(), "dump[db1.eu]".into()]));
        assert_eq!(
            ids(&["a/b", "a b", "a-b"]),
            Ok(vec!["dump[a-b~1]".into(), "dump[a-b~2]".into(), "dump[a-b]".into()])
        );
        assert_eq!(ids(&["../../etc"]), Ok(vec!["dump[..-..-etc~1]".into()]));
        assert!(ids(&["ü".repeat(500).as_str()]).unwrap()[0].len() < 80);
        assert_eq!(ids(&[]), Ok(vec![]));
    }

    #[test]
    fn what_is_no_list_of_elements_is_refused_by_name() {
        assert_eq!(ids(&["a", "b", "a"]), Err("its list has `a` twice".into()));
        assert_eq!(ids(&["a", ""]), Err("an element of its list is empty".into()));
        assert_eq!(ids(&["a\nb"]), Err("the element `a b` of its list is not one line of text".into()));
        let many: Vec<String> = (0..3_000).map(|n| n.to_string()).collect();
        assert_eq!(elements("dump", many), Err("its list has 3000 elements, 256 are the limit".into()));
    }
}
