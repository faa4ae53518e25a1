//! Adds metadata to a component for hosts and registries: name, description, version, licence and
//! documentation.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::path::Path;
use wasm_encoder::{ComponentSection, CustomSection};
use wasm_metadata::{AddMetadata, AddMetadataField::Set, Description, Licenses, Version};
use wit_parser::{Docs, Interface, PackageId, Resolve, WorldItem, WorldKey};

/// The version of the `package-docs` format, which precedes the JSON.
const FORMAT_VERSION: u8 = 1;

/// The documentation of the contract.
pub(crate) struct Descriptions {
    resolve: Resolve,
    package: PackageId,
}

impl Descriptions {
    /// Reads the contract from a directory.
    pub(crate) fn read(wit: &Path) -> Result<Self> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(wit)?;
        Ok(Self { resolve, package })
    }

    /// Adds name, description, version, licence and the documentation of the exports to a component.
    pub(crate) fn add(
        &self,
        name: &str,
        component: &[u8],
        world: &str,
        interfaces: &[&str],
    ) -> Result<Vec<u8>> {
        let package = &self.resolve.packages[self.package];
        let description = text(&package.docs).context("the contract's package has no documentation")?;
        let mut metadata = AddMetadata::default();
        metadata.name = Set(name.to_owned());
        metadata.description = Set(Description::new(description.to_owned()));
        metadata.licenses = Set(Licenses::new(env!("CARGO_PKG_LICENSE"))?);
        metadata.version = Set(Version::new(env!("CARGO_PKG_VERSION")));
        let mut component = metadata.to_wasm(component)?;

        let world =
            package.worlds.get(world).with_context(|| format!("the contract has no world {world}"))?;
        let world = &self.resolve.worlds[*world];
        let mut docs: Vec<_> = text(&world.docs).map(str::to_owned).into_iter().collect();
        for interface in interfaces {
            let id = package.interfaces.get(*interface);
            let id = id.with_context(|| format!("the contract has no interface {interface}"))?;
            docs.push(interface_text(&self.resolve.interfaces[*id]));
        }
        let docs = docs.join("\n\n");
        let functions: Map<_, _> =
            world.exports.iter().filter_map(|(name, item)| own_function(name, item)).collect();
        // Tools name the world of every component `root`. They read the documentation of the world and of
        // functions that the world itself exports. Some fail on other names. So the documentation of the
        // interfaces is part of the world's.
        let docs =
            json!({ "docs": description, "worlds": { "root": { "docs": docs, "func_exports": functions } } });
        let data = [&[FORMAT_VERSION], docs.to_string().as_bytes()].concat();
        // Last, since the encoder of the other metadata would take this section for that of a WIT package.
        CustomSection { name: "package-docs".into(), data: data.into() }.append_to_component(&mut component);
        Ok(component)
    }
}

fn text(docs: &Docs) -> Option<&str> {
    docs.contents.as_deref()
}

/// The name and the documentation of a function that the world itself exports.
fn own_function(name: &WorldKey, item: &WorldItem) -> Option<(String, Value)> {
    match (name, item) {
        (WorldKey::Name(name), WorldItem::Function(function)) => {
            Some((name.clone(), json!({ "docs": text(&function.docs)? })))
        }
        _ => None,
    }
}

/// The documentation of an interface and of its functions.
fn interface_text(interface: &Interface) -> String {
    let functions = interface.functions.iter();
    let functions =
        functions.filter_map(|(name, function)| Some(format!("`{name}`: {}", text(&function.docs)?)));
    text(&interface.docs).map(str::to_owned).into_iter().chain(functions).collect::<Vec<_>>().join("\n\n")
}
