//! Why an overlay cannot be applied.

/// Why an overlay cannot be applied. The message names the field of the overlay, and the caller the setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OverlayError {
    /// The overlay is not an object.
    #[error("it is not a Pod template, a table with `metadata` and `spec`")]
    NotATemplate,
    /// A directive of a strategic merge patch.
    #[error("`{path}` is a directive of a patch, and directives are not supported: an overlay can only add")]
    Directive {
        /// The directive.
        path: String,
    },
    /// A field that Kubernetes does not have, perhaps a misspelt one.
    #[error("`{path}` is not a field of a Pod")]
    UnknownField {
        /// The field.
        path: String,
    },
    /// A field that Kubernetes requires.
    #[error("`{path}` is missing")]
    MissingField {
        /// The field.
        path: String,
    },
    /// A value of another type than the field's.
    #[error("`{path}` has a value of the wrong type: {problem}")]
    WrongType {
        /// The field.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A field of the generated Pod would be changed or removed.
    #[error("`{path}` is set by Cofferdam and may not be changed")]
    Changed {
        /// The field.
        path: String,
    },
    /// A field that an overlay may not add.
    #[error("`{path}` may not be set: {reason}")]
    NotAllowed {
        /// The field.
        path: String,
        /// Why not.
        reason: String,
    },
}
