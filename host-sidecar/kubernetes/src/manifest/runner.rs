//! The one ConfigMap that all Pods of a namespace and version share: the runner.

use super::identity::MANAGED_BY;
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, ConfigMapProjection, KeyToPath, VolumeProjection},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

const RUNNER: &[u8] = cofferdam_runner_artifact::RUNNER;
const KEY: &str = "cofferdam-runner";

/// The name of the ConfigMap, which no other content has.
pub(in super::super) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        // Half of the digest: as many digits as tell all runners apart, in a name of at most 63 characters.
        let digest = format!("{:x}", Sha256::digest(RUNNER));
        format!("cofferdam-runner-{}-{}", env!("CARGO_PKG_VERSION"), &digest[..32])
    })
}

/// The ConfigMap. It has no run's labels: it belongs to none and expires with none.
pub(in super::super) fn config_map() -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name().to_owned()),
            labels: Some([(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned())].into()),
            ..ObjectMeta::default()
        },
        binary_data: Some([(KEY.to_owned(), ByteString(RUNNER.to_vec()))].into()),
        immutable: Some(true),
        ..ConfigMap::default()
    }
}

/// The runner in a volume, under this name.
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
