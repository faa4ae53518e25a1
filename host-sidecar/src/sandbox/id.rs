//! Names of runs.

const ID_PREFIX: &str = "run-";
/// Enough of a random number that no two runs of a cluster's life share it.
const ID_DIGITS: usize = 20;

/// A DNS label that no other run has.
pub(crate) fn new_id() -> String {
    let number = uuid::Uuid::new_v4().simple().to_string();
    ID_PREFIX.chars().chain(number.chars().take(ID_DIGITS)).collect()
}

/// Whether a name is one that a run may have.
pub(crate) fn is_id(name: &str) -> bool {
    let digits = name.strip_prefix(ID_PREFIX);
    digits.is_some_and(|digits| digits.len() == ID_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
