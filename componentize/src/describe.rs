//! What a component says of itself: the compiler writes none of it, and hosts and registries ask for it.

use anyhow::{Context, Result};
use serde_json::json;
use std::path::Path;
use wasm_encoder::{ComponentSection, CustomSection};
use wasm_metadata::{AddMetadata, AddMetadataField::Set, Description, Licenses, Version};
use wit_parser::{Docs, Interface, PackageId, Resolve};

/// What `package-docs` has before its JSON.
const FORMAT: u8 = 1;

/// The contract's own words.
pub(crate) struct Descriptions {
    resolve: Resolve,
    package: PackageId,
}

impl Descriptions {
    /// Reads the contract's folder.
    pub(crate) fn read(wit: &Path) -> Result<Self> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(wit)?;
        Ok(Self { resolve, package })
    }

    /// A component with its name, what it is, its version and licence, and the documentation of what it exports.
    pub(crate) fn add(&self, name: &str, component: &[u8], world: &str, interfaces: &[&str]) -> Result<Vec<u8>> {
        let package = &self.resolve.packages[self.package];
        let about = text(&package.docs).context("the package has no documentation")?;
        let mut metadata = AddMetadata::default();
        metadata.name = Set(name.to_owned());
        metadata.description = Set(Description::new(about.to_owned()));
        metadata.licenses = Set(Licenses::new(env!("CARGO_PKG_LICENSE"))?);
        metadata.version = Set(Version::new(env!("CARGO_PKG_VERSION")));
        let mut component = metadata.to_wasm(component)?;

        let world = &self.resolve.worlds[*package.worlds.get(world).context("no such world")?];
        let mut docs: Vec<_> = text(&world.docs).map(str::to_owned).into_iter().collect();
        for interface in interfaces {
            let interface = package.interfaces.get(*interface).context("no such interface")?;
            docs.push(interface_text(&self.resolve.interfaces[*interface]));
        }
        let docs = docs.join("\n\n");
        // Tools call the world of any component `root`. Of the names in it they know only functions that the world itself
        // exports, and some read nothing at all where there are others: so the interfaces' text is the world's.
        let docs = json!({ "docs": about, "worlds": { "root": { "docs": docs } } });
        let data = [&[FORMAT], docs.to_string().as_bytes()].concat();
        // At the end, or writing the rest would take it for that of a WIT package.
        CustomSection { name: "package-docs".into(), data: data.into() }.append_to_component(&mut component);
        Ok(component)
    }
}

fn text(docs: &Docs) -> Option<&str> {
    docs.contents.as_deref()
}

/// An interface's documentation, and that of its functions below their names.
fn interface_text(interface: &Interface) -> String {
    let functions = interface.functions.iter();
    let functions = functions.filter_map(|(name, function)| Some(format!("`{name}`: {}", text(&function.docs)?)));
    text(&interface.docs).map(str::to_owned).into_iter().chain(functions).collect::<Vec<_>>().join("\n\n")
}
