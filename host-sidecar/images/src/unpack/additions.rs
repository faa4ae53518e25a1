//! What every sandbox needs and an image may lack.

use super::path::names;
use crate::{
    ImageError,
    erofs::ImageWriter,
    tree::{Metadata, Tree},
};
use std::io::{Seek, Write};

/// Permissions by which every user passes through a folder.
const PASSABLE: u16 = 0o555;

/// Those of sandboxes: folders on which they mount others, and files that every container runtime replaces.
pub(super) const IMAGE_ADDITIONS: Additions<'static> = Additions {
    mount_points: &["cofferdam", "dev", "home/user", "proc", "sys", "tmp", "var/tmp", "work"],
    files: &[("etc/hosts", "127.0.0.1\tlocalhost sandbox\n::1\tlocalhost\n"), ("etc/hostname", "sandbox\n")],
};

/// What every sandbox needs and an image may lack.
#[derive(Debug, Clone, Copy, Default)]
pub struct Additions<'a> {
    /// Paths of folders on which others are mounted. What is there and is no folder is replaced, and every
    /// user may pass through the folders above.
    pub mount_points: &'a [&'a str],
    /// Files that replace those of the image, by their paths, unless their folder is a link.
    pub files: &'a [(&'a str, &'a str)],
}

impl Additions<'_> {
    pub(super) fn add<W: Write + Seek>(
        &self,
        tree: &mut Tree,
        image: &mut ImageWriter<W>,
    ) -> Result<(), ImageError> {
        for path in self.mount_points {
            let path = names(path.as_bytes())?;
            for length in 0..=path.len() {
                let id = tree.require_directory(path.get(..length).unwrap_or_default());
                if let Some(metadata) = tree.inode(id).map(|inode| inode.metadata) {
                    tree.set_metadata(id, Metadata { mode: metadata.mode | PASSABLE, ..metadata });
                }
            }
        }
        for (path, content) in self.files {
            let path = names(path.as_bytes())?;
            let Some((name, folders)) = path.split_last() else { continue };
            if tree.find(folders).is_some_and(|id| tree.entries(id).is_none()) {
                continue;
            }
            let kind = image.add_file(&mut content.as_bytes(), content.len() as u64)?;
            let folder = tree.require_directory(folders);
            tree.add(folder, name, kind, Metadata { mode: 0o644, ..Metadata::IMPLIED });
        }
        Ok(())
    }
}
