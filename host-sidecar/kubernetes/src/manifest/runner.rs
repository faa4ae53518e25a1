//! The ConfigMap with the runner, which all Pods of a version in a namespace share.

use super::identity::MANAGED_BY_LABEL;
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, ConfigMapProjection, KeyToPath, VolumeProjection},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

const RUNNER: &[u8] = cofferdam_runner_artifact::RUNNER;
const KEY: &str = "cofferdam-runner";

/// The name of the ConfigMap. It contains a hash of the content.
pub(crate) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        // Half of the digest is unique enough, and keeps the name below 63 characters.
        let digest = format!("{:x}", Sha256::digest(RUNNER));
        format!("cofferdam-runner-{}-{}", env!("CARGO_PKG_VERSION"), &digest[..32])
    })
}

/// The ConfigMap. It belongs to no execution and does not expire.
pub(crate) fn config_map() -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name().to_owned()),
            labels: Some([(MANAGED_BY_LABEL.0.to_owned(), MANAGED_BY_LABEL.1.to_owned())].into()),
            ..ObjectMeta::default()
        },
        binary_data: Some([(KEY.to_owned(), ByteString(RUNNER.to_vec()))].into()),
        immutable: Some(true),
        ..ConfigMap::default()
    }
}

/// The runner as a file in a volume.
pub(super) fn projection(path: &str) -> VolumeProjection {
    VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: name().to_owned(),
            items: Some(vec![KeyToPath { key: KEY.into(), path: path.into(), mode: Some(0o555) }]),
            optional: None,
        }),
        ..VolumeProjection::default()
    }
}
