//! The ConfigMaps that hold a program, in parts if it is too large for one.

use super::identity::Identity;
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, ConfigMapProjection, KeyToPath, VolumeProjection},
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};

/// Bytes in one ConfigMap. The limit of the API server is 1 MiB, including the metadata.
const PART_SIZE: usize = 1_000_000;
const KEY: &str = "program";

/// One ConfigMap for each part.
pub(crate) fn config_maps(identity: &Identity, program: &[u8], owner: &OwnerReference) -> Vec<ConfigMap> {
    let parts = program.chunks(PART_SIZE).enumerate();
    parts
        .map(|(part, bytes)| ConfigMap {
            metadata: identity.metadata(name(identity, part), Some(owner.clone())),
            binary_data: Some([(KEY.to_owned(), ByteString(bytes.to_vec()))].into()),
            immutable: Some(true),
            ..ConfigMap::default()
        })
        .collect()
}

/// The parts as files in a folder of a volume. Sorted by name, they are in order.
pub(super) fn projections(
    identity: &Identity,
    size: usize,
    folder: &str,
) -> impl Iterator<Item = VolumeProjection> {
    (0..size.div_ceil(PART_SIZE)).map(move |part| VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: name(identity, part),
            items: Some(vec![KeyToPath {
                key: KEY.into(),
                path: format!("{folder}/{part:03}"),
                mode: Some(0o444),
            }]),
            optional: None,
        }),
        ..VolumeProjection::default()
    })
}

fn name(identity: &Identity, part: usize) -> String {
    format!("{}-{part}", identity.id)
}
