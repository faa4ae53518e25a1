//! `cofferdam session cp`: copies files and folders, as `docker cp` does.

mod download;
mod endpoint;
mod local_tree;
mod upload;

use super::SidecarArgs;
use crate::cli::Failure;
use endpoint::Endpoint;
use std::{ffi::OsString, process::ExitCode};

const NOTES: &str = "\
Either SOURCE or DESTINATION is ID:PATH, a path in a session; a relative one begins at /work. If the
destination is an existing folder, the source is copied into it under its own name, else to that path.
'SOURCE/.' copies what is in a folder. Files are replaced. Symbolic links are copied as links; from a
session, only those that stay within the copied folder. A local path with a colon begins with ./ or /.";

/// Copies a file or a folder to or from a session.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct CpArgs {
    /// What is copied
    #[arg(value_name = "[ID:]SOURCE")]
    source: OsString,
    /// Where to
    #[arg(value_name = "[ID:]DESTINATION")]
    destination: OsString,
    #[command(flatten)]
    sidecar: SidecarArgs,
}

pub(super) async fn cp(args: CpArgs) -> Result<ExitCode, Failure> {
    let (source, destination) = (Endpoint::of(&args.source)?, Endpoint::of(&args.destination)?);
    let client = args.sidecar.client()?;
    match (source, destination) {
        (Endpoint::Local(source), Endpoint::Session { id, path }) => {
            upload::upload(&client, source, &id, &path).await
        }
        (Endpoint::Session { id, path }, Endpoint::Local(destination)) => {
            download::download(&client, &id, &path, destination).await
        }
        _ => {
            Err("one of the two paths must be ID:PATH, a path in a session, and the other a local one".into())
        }
    }
}
