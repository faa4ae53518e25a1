//! What the operator allows, and the limits of a request.

use super::{AllowedImages, Language, default_languages};
use cofferdam_types::{Error, ErrorCode, Limits, RequestedLimits};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What the operator allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Limits of a request that sets none.
    pub defaults: Limits,
    /// The highest limits that a request may set.
    pub ceilings: Limits,
    /// The languages, by name.
    pub languages: BTreeMap<String, Language>,
    /// Names of the network profiles that a request may use, beside `none`.
    pub networks: BTreeSet<String>,
    /// The images that a request may choose, instead of that of its language.
    pub allowed_images: Arc<AllowedImages>,
}

impl Default for Policy {
    /// Python and bash, no network, no choice of an image, and the default limits below [`Limits::DEFAULT_CEILINGS`].
    fn default() -> Self {
        Self {
            defaults: Limits::DEFAULT,
            ceilings: Limits::DEFAULT_CEILINGS,
            languages: default_languages(),
            networks: BTreeSet::new(),
            allowed_images: Arc::default(),
        }
    }
}

impl Policy {
    /// The limits of one execution: those of the request, below the ceilings, and the defaults for the rest.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Denied`] for a limit above its ceiling.
    pub fn limits(&self, requested: &RequestedLimits) -> Result<Limits, Error> {
        Limits::of_request(requested, &self.defaults, &self.ceilings).map_err(|exceeded| {
            let error = Error::new(ErrorCode::Denied, exceeded.to_string());
            Error { exceeded: Some(exceeded), ..error }
        })
    }
}
