//! The ids of sessions. Whoever of a tenant knows one may use the session, so logs and traces have a part of it.

/// Random digits of a second number in an id, which has more than 128 random bits so.
const MORE_DIGITS: usize = 12;
/// The characters of the part for logs: the prefix, and 8 of the random digits.
const SHORT: usize = PREFIX.len() + 8;
const PREFIX: &str = "session-";

/// A new id, which nobody can guess, and which is a DNS label.
pub(super) fn new_session_id() -> String {
    let number = || uuid::Uuid::new_v4().simple().to_string();
    let more: String = number().chars().take(MORE_DIGITS).collect();
    format!("{PREFIX}{}{more}", number())
}

/// The part of a session's id that logs and traces have. It tells sessions apart, and is the id of none.
#[must_use]
pub fn short_session_id(id: &str) -> &str {
    id.char_indices().nth(SHORT).map_or(id, |(end, _)| id.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_for_logs_leaves_more_than_128_random_bits_unknown() {
        let (one, other) = (new_session_id(), new_session_id());
        let short = short_session_id(&one);
        assert!(one.starts_with(short) && (one.len() - short.len()) * 4 > 128, "{one} {short}");
        assert_ne!(short, short_session_id(&other));
        assert_eq!((short_session_id("é"), short_session_id(&"é".repeat(99)).chars().count()), ("é", SHORT));
    }
}
