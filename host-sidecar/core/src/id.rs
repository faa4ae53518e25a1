//! IDs of executions and sandboxes.

const ID_PREFIX: &str = "run-";
/// Enough random digits that no two IDs of a cluster are equal.
const ID_DIGITS: usize = 20;

/// A new, unique ID, which is a valid DNS label.
pub fn new_id() -> String {
    let number = uuid::Uuid::new_v4().simple().to_string();
    ID_PREFIX.chars().chain(number.chars().take(ID_DIGITS)).collect()
}

/// The ID in the name of an object, which is the ID itself or the ID with a suffix after a hyphen.
pub fn id_in(name: &str) -> Option<&str> {
    let id = name.get(..ID_PREFIX.len() + ID_DIGITS)?;
    (is_id(id) && (name.len() == id.len() || name[id.len()..].starts_with('-'))).then_some(id)
}

/// Whether this text is an ID.
pub fn is_id(name: &str) -> bool {
    let digits = name.strip_prefix(ID_PREFIX);
    digits.is_some_and(|digits| {
        digits.len() == ID_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_in_the_name_of_an_object() {
        let id = new_id();
        assert_eq!(id_in(&id), Some(&*id));
        assert_eq!(id_in(&format!("{id}-x2z")), Some(&*id));
        for name in [String::new(), format!("{id}0"), format!("x{id}"), "run-é".repeat(9)] {
            assert_eq!(id_in(&name), None, "{name}");
        }
    }
}
