//! Writes EROFS images as gVisor reads them: uncompressed, without extended attributes, contents of files in
//! whole blocks of their own. The same tree gives the same bytes.
//!
//! Source: Linux, `Documentation/filesystems/erofs.rst` and `fs/erofs/erofs_fs.h`; gVisor, `pkg/erofs`.

mod directory;
mod format;
mod placement;
mod writer;

pub(crate) use writer::ImageWriter;

#[cfg(test)]
pub(crate) mod reader;
#[cfg(test)]
mod tests;
