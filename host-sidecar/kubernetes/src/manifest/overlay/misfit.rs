//! Where in an overlay a value is that does not fit: what cannot be read as a Pod says why, but not where.

use super::{element, field, merge, read};
use serde_json::Value;

/// What becomes of the Pod with a part of the overlay.
enum Outcome {
    Fits,
    Misfits,
    /// An element has lost what identifies it, which says nothing of its values.
    Unclear,
}

/// The path of the first value that does not fit.
pub(super) fn find(base: &Value, overlay: &Value) -> String {
    find_in(overlay, "", &|part| match merge::merge(base, &part) {
        Ok(merged) if read(&merged).is_ok() => Outcome::Fits,
        Ok(_) => Outcome::Misfits,
        Err(_) => Outcome::Unclear,
    })
}

/// Leaves out one child after the other, the last one first; when the rest fits, it was that one.
fn find_in(value: &Value, path: &str, outcome: &dyn Fn(Value) -> Outcome) -> String {
    match value {
        Value::Object(fields) => {
            let mut rest = fields.clone();
            for (name, child) in fields.iter().rev() {
                rest.remove(name);
                match outcome(rest.clone().into()) {
                    Outcome::Misfits => {}
                    Outcome::Unclear => drop(rest.insert(name.clone(), child.clone())),
                    Outcome::Fits => {
                        return find_in(child, &field(path, name), &|child| {
                            let mut fields = rest.clone();
                            fields.insert(name.clone(), child);
                            outcome(fields.into())
                        });
                    }
                }
            }
        }
        Value::Array(elements) => {
            for (index, child) in elements.iter().enumerate().rev() {
                let rest = elements.iter().take(index).cloned();
                if let Outcome::Fits = outcome(rest.clone().collect()) {
                    let with = |child| outcome(rest.clone().chain([child]).collect());
                    return find_in(child, &element(path, index, child), &with);
                }
            }
        }
        _ => {}
    }
    path.to_owned()
}
