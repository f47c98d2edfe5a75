//! What operators do with two values.
//!
//! This module must not know the tree nor the cost of a step.

use std::cmp::Ordering;

use super::{tree::Op, val::Val};

/// The value of `a op b`. Whole numbers never wrap: too large is an error, as in CEL.
///
/// # Errors
/// The end of a sentence about the operation.
pub(super) fn operate(op: Op, a: &Val, b: &Val) -> Result<Val, String> {
    match op {
        Op::Equal | Op::Unequal if !a.comparable(b) => Err(mismatch(a, b)),
        Op::Equal => Ok(Val::Bool(a.equals(b))),
        Op::Unequal => Ok(Val::Bool(!a.equals(b))),
        Op::Less => order(a, b).map(|order| Val::Bool(order == Ordering::Less)),
        Op::AtMost => order(a, b).map(|order| Val::Bool(order != Ordering::Greater)),
        Op::More => order(a, b).map(|order| Val::Bool(order == Ordering::Greater)),
        Op::AtLeast => order(a, b).map(|order| Val::Bool(order != Ordering::Less)),
        Op::In => contains(a, b).map(Val::Bool),
        Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Remainder => calculate(op, a, b),
    }
}

fn mismatch(a: &Val, b: &Val) -> String {
    format!("compares {} with {}", a.kind(), b.kind())
}

fn order(a: &Val, b: &Val) -> Result<Ordering, String> {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) | (Val::Duration(a), Val::Duration(b)) => Ok(a.cmp(b)),
        (Val::Text(a), Val::Text(b)) => Ok(a.cmp(b)),
        _ => match (a.number(), b.number()) {
            (Some(a), Some(b)) => a.partial_cmp(&b).ok_or_else(|| "compares something that is not a number".to_owned()),
            _ => Err(mismatch(a, b)),
        },
    }
}

fn contains(item: &Val, container: &Val) -> Result<bool, String> {
    match container {
        Val::List(items) => Ok(items.iter().any(|other| item.equals(other))),
        // As CEL has it: what is not a text is not among the field names.
        Val::Map(map) => Ok(matches!(item, Val::Text(key) if map.contains_key(key))),
        _ => Err(format!("looks into {}, which has no items", container.kind())),
    }
}

fn calculate(op: Op, a: &Val, b: &Val) -> Result<Val, String> {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => whole(op, *a, *b).map(Val::Int),
        (Val::Duration(a), Val::Duration(b)) => match op {
            Op::Add | Op::Subtract => whole(op, *a, *b).map(Val::Duration),
            Op::Divide if *b == 0 => Err("divides by zero".to_owned()),
            Op::Divide => Ok(Val::Decimal(*a as f64 / *b as f64)),
            _ => Err(format!("cannot use `{}` on two lengths of time", op.sign())),
        },
        (Val::Text(a), Val::Text(b)) if op == Op::Add => Ok(Val::Text(format!("{a}{b}").into())),
        (Val::List(a), Val::List(b)) if op == Op::Add => Val::list(a.iter().chain(b.iter()).cloned().collect()),
        (Val::Duration(a), b) if b.number().is_some() => scaled(op, *a, b),
        (a, Val::Duration(b)) if a.number().is_some() && op == Op::Multiply => scaled(op, *b, a),
        _ => match (a.number(), b.number()) {
            (Some(a), Some(b)) if op != Op::Remainder => Ok(Val::Decimal(decimal(op, a, b))),
            _ => Err(format!("uses `{}` on {} and {}", op.sign(), a.kind(), b.kind())),
        },
    }
}

fn whole(op: Op, a: i64, b: i64) -> Result<i64, String> {
    if b == 0 && matches!(op, Op::Divide | Op::Remainder) {
        return Err("divides by zero".to_owned());
    }
    let result = match op {
        Op::Add => a.checked_add(b),
        Op::Subtract => a.checked_sub(b),
        Op::Multiply => a.checked_mul(b),
        Op::Divide => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    result.ok_or_else(|| "is a number that does not fit into 64 bits".to_owned())
}

/// IEEE 754, as in CEL: a division by zero is an infinity.
fn decimal(op: Op, a: f64, b: f64) -> f64 {
    match op {
        Op::Add => a + b,
        Op::Subtract => a - b,
        Op::Multiply => a * b,
        _ => a / b,
    }
}

/// A length of time times or divided by a number, cut to whole nanoseconds.
fn scaled(op: Op, nanos: i64, by: &Val) -> Result<Val, String> {
    let result = match (op, by) {
        (Op::Multiply, Val::Int(n)) => return whole(op, nanos, *n).map(Val::Duration),
        (Op::Multiply | Op::Divide, _) => decimal(op, nanos as f64, by.number().unwrap_or(f64::NAN)),
        _ => return Err(format!("uses `{}` on a length of time and a number", op.sign())),
    };
    if result.abs() < i64::MAX as f64 {
        return Ok(Val::Duration(result as i64));
    }
    Err("is a length of time that does not fit into 292 years".to_owned())
}
