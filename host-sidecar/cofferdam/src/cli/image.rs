//! `cofferdam image`: the images of sandboxes on this machine.

use super::{Failure, load, pull_progress::PullProgress, standard_output};
use crate::{ImageStore, config::Overrides};
use cofferdam_images::{DEFAULT_IMAGE, Reference, Store};
use cofferdam_types::quoted;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::SystemTime,
};

const ABOUT: &str = "\
Examples:
  cofferdam image pull python:3.12-slim
  cofferdam image load python.tar
  cofferdam run --image python:3.12-slim program.py

An image is the root file system of a sandbox, read-only. Of its configuration only the variables apply: a
program has its own user, working directory and command. Owners, modes and times of files are kept; setuid and
setgid bits, extended attributes and file capabilities are not, and devices cannot be opened.";

/// Manages the images of sandboxes on this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = ABOUT)]
pub(super) struct ImageArgs {
    #[command(subcommand)]
    command: ImageCommand,
    #[command(flatten)]
    settings: StoreArgs,
}

/// The settings of the store are in the configuration alone.
#[derive(Debug, clap::Args, Serialize)]
struct StoreArgs {
    /// The configuration file [default: ./cofferdam.toml over the user's over /etc/cofferdam/cofferdam.toml]
    #[arg(long, value_name = "FILE", global = true)]
    #[serde(skip)]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum ImageCommand {
    /// Add the images of an OCI layout, an OCI archive, or an archive of `docker save`.
    Load {
        /// The folder of a layout, or an uncompressed archive
        path: PathBuf,
        /// The name of the image [default: that in the file]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Pull an image from its registry. Credentials are those of `docker login` and `podman login`.
    Pull {
        /// The image
        name: String,
    },
    /// List the images.
    List {
        /// Print an array of {name, digest, platform, size} as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the details of an image as JSON.
    Inspect {
        /// The image
        name: String,
    },
    /// Remove a name, and the image if it has no other.
    Remove {
        /// The image
        name: String,
    },
    /// Remove what no image needs, such as parts of an image that was not added to its end.
    Prune {
        /// Remove all images that no sandbox uses
        #[arg(long)]
        all: bool,
    },
}

impl Overrides for StoreArgs {
    fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

pub(super) fn image(args: &ImageArgs) -> Result<ExitCode, Failure> {
    let ImageStore { store, registries, .. } = load(&args.settings)?.image_store()?;
    let has_default = || store.images().is_ok_and(|images| images.default_image().is_some());
    let may_remove = matches!(args.command, ImageCommand::Remove { .. } | ImageCommand::Prune { .. });
    let had_default = may_remove && has_default();
    match &args.command {
        ImageCommand::Load { path, name } => {
            let name = name.as_deref().map(reference).transpose()?;
            for name in cofferdam_images::load(&store, path, name.as_ref())? {
                standard_output::print_line(&format!("loaded {name}"))?;
                if name.to_string() == DEFAULT_IMAGE {
                    standard_output::print_line(
                        "sandboxes on this machine have it, unless a setting names another root file system",
                    )?;
                }
            }
        }
        ImageCommand::Pull { name } => {
            let (name, progress) = (reference(name)?, PullProgress::new());
            cofferdam_images::pull(&store, &registries, &name, &|now| progress.show(now))?;
            drop(progress);
            standard_output::print_line(&format!("pulled {name}"))?;
        }
        ImageCommand::List { json: true } => {
            let text = serde_json::to_string_pretty(&list(&store)?).map_err(Failure::internal)?;
            standard_output::print_line(&text)?;
        }
        ImageCommand::List { json: false } => print_table(&store)?,
        ImageCommand::Inspect { name } => {
            let text = serde_json::to_string_pretty(&details(&store, name)?).map_err(Failure::internal)?;
            standard_output::print_line(&text)?;
        }
        ImageCommand::Remove { name } => {
            store.remove(&reference(name)?)?;
            standard_output::print_line(&format!("removed {}", quoted(name)))?;
        }
        ImageCommand::Prune { all } => {
            let freed = store.prune(all.then(SystemTime::now))?;
            standard_output::print_line(&format!("freed {}", mebibytes(freed)))?;
        }
    }
    if had_default && !has_default() {
        standard_output::print_line(
            "the default image is removed: sandboxes have this machine's /usr now, unless a setting names another root file system",
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn reference(name: &str) -> Result<Reference, Failure> {
    Ok(name.parse::<Reference>()?)
}

fn list(store: &Store) -> Result<Vec<Value>, Failure> {
    let images = store.images()?;
    let rows = images.names.iter().filter_map(|(name, digest)| {
        let image = images.images.get(digest)?;
        let platform = image.platform.to_string();
        Some(json!({ "name": name, "digest": digest, "platform": platform, "size": image.size }))
    });
    Ok(rows.collect())
}

fn print_table(store: &Store) -> Result<(), Failure> {
    let images = store.images()?;
    let width = images.names.keys().map(|name| name.to_string().len()).max().unwrap_or_default();
    for (name, digest) in &images.names {
        if let Some(image) = images.images.get(digest) {
            let hex = digest.hex().get(..12).unwrap_or_default();
            let (platform, size) = (image.platform.to_string(), mebibytes(image.size));
            standard_output::print_line(&format!("{:width$}  {hex}  {platform}  {size}", name.to_string()))?;
        }
    }
    Ok(())
}

fn details(store: &Store, name: &str) -> Result<Value, Failure> {
    let reference = reference(name)?;
    let images = store.images()?;
    let found = images.find(&reference);
    let (digest, image) = found.ok_or(cofferdam_images::ImageError::NotFound(reference.clone().into()))?;
    let names: Vec<_> = images.names.iter().filter(|(_, of)| *of == digest).map(|(name, _)| name).collect();
    let of_repository = || image.indexes.iter().find(|(name, _)| name.name() == reference.name());
    let index = image.indexes.get(&reference).or_else(|| Some(of_repository()?.1));
    Ok(json!({
        "names": names,
        "digest": digest,
        "index": index,
        "platform": image.platform.to_string(),
        "created": image.created,
        "size": image.size,
        "env": image.env,
        "root": store.root(digest),
    }))
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}
