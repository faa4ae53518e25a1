//! Steps that concern files.

use super::{World, take_named};
use crate::{
    conformance::{Failure, contains, equal, same_bytes},
    sessions::{
        compare::{has_in_order, success},
        path::{path_bytes, path_text},
        steps::{
            BeginRead, BeginWrite, Changes, EndRead, EndWrite, ListFiles, MakeDirectory, MoveFile, OfPath,
            ReadFile, ReadTree, SessionName, StatFile, TreeEntry, WatchFiles, WriteFile, WriteTree,
        },
    },
};
use bytes::Bytes;
use cofferdam::{
    core::session::{
        ChangeKind, EntryKind, FileChange, FileEntry, FileKind, FileReader, FileWriter, Files, InputEntry,
        TreePart,
    },
    types::Error,
};

/// Bytes that are written at once: no multiple of any unit that the way to the file has.
const CHUNK: usize = 100_001;

impl World<'_> {
    fn files(&self, session: &SessionName) -> Result<Files, Failure> {
        Ok(self.session(&session.0)?.files())
    }

    pub(super) async fn read(&self, step: &ReadFile) -> Result<(), Failure> {
        let read = read(&self.files(&step.session)?, &path_bytes(&step.path)?).await;
        let Some((entry, content)) = success(read, step.error.as_ref())? else { return Ok(()) };
        equal("size", entry.size, content.len() as u64)?;
        equal("kind", entry.kind, FileKind::File)?;
        equal("mode", entry.mode, step.mode.unwrap_or(entry.mode))?;
        contains("content", &content, &step.contains)?;
        if step.uniform && content.iter().any(|byte| Some(byte) != content.first()) {
            return Err("the content is a mixture".into());
        }
        if step.content.is_set() {
            same_bytes("content", &content, &step.content.bytes(self.case)?)?;
        }
        Ok(())
    }

    pub(super) async fn begin_read(&mut self, step: &BeginRead) -> Result<(), Failure> {
        let opened = self.files(&step.session)?.read(&path_bytes(&step.path)?).await;
        if let Some((_, reader)) = success(opened, None)? {
            self.reads.insert(step.name.clone(), reader);
        }
        Ok(())
    }

    pub(super) async fn end_read(&mut self, step: &EndRead) -> Result<(), Failure> {
        let mut reader = take_named(&mut self.reads, "file that is read", &step.of)?;
        match success(read_rest(&mut reader).await, step.error.as_ref())? {
            Some(content) => same_bytes("content", &content, &step.content.bytes(self.case)?),
            None => Ok(()),
        }
    }

    pub(super) async fn write(&self, step: &WriteFile) -> Result<(), Failure> {
        let (files, content) = (self.files(&step.session)?, step.content.bytes(self.case)?);
        let path = path_bytes(&step.path)?;
        let written = async {
            let mut writer = files.write(&path, step.mode).await?;
            write(&mut writer, &content).await?;
            writer.finish().await
        };
        success(written.await, step.error.as_ref()).map(drop)
    }

    pub(super) async fn begin_write(&mut self, step: &BeginWrite) -> Result<(), Failure> {
        let opened = self.files(&step.session)?.write(&path_bytes(&step.path)?, None).await;
        if let Some(mut writer) = success(opened, None)? {
            success(write(&mut writer, &step.content.bytes(self.case)?).await, None)?;
            self.writes.insert(step.name.clone(), writer);
        }
        Ok(())
    }

    pub(super) async fn end_write(&mut self, step: &EndWrite) -> Result<(), Failure> {
        let writer = take_named(&mut self.writes, "file that is written", &step.of)?;
        if step.drop {
            return Ok(());
        }
        success(writer.finish().await, step.error.as_ref()).map(drop)
    }

    pub(super) async fn list(&self, step: &ListFiles) -> Result<(), Failure> {
        let listed = self.files(&step.session)?.list(&path_bytes(&step.path)?, step.depth).await;
        let Some(entries) = success(listed, step.error.as_ref())? else { return Ok(()) };
        equal("number of entries", entries.len(), step.number.unwrap_or(entries.len()))?;
        let mut found: Vec<_> = entries.iter().map(entry_text).collect();
        found.sort();
        // In a directory that changes meanwhile, an entry may be listed twice.
        if step.number.is_some() && found.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("an entry is listed twice".into());
        }
        let Some(mut expected) = step.entries.clone() else { return Ok(()) };
        expected.sort();
        equal("entries", found, expected)
    }

    pub(super) async fn stat(&self, step: &StatFile) -> Result<(), Failure> {
        let stat = self.files(&step.session)?.stat(&path_bytes(&step.path)?).await;
        let Some(entry) = success(stat, step.error.as_ref())? else { return Ok(()) };
        let text = entry_text(&entry);
        equal("entry", &text, step.is.as_ref().unwrap_or(&text))?;
        equal("size", entry.size, step.size.unwrap_or(entry.size))?;
        equal("mode", entry.mode, step.mode.unwrap_or(entry.mode))?;
        let modified = entry.modified.as_secs();
        equal("seconds of the last change", modified, step.modified.unwrap_or(modified))
    }

    pub(super) async fn make_directory(&self, step: &MakeDirectory) -> Result<(), Failure> {
        let made = self.files(&step.session)?.make_directory(&path_bytes(&step.path)?, step.mode).await;
        success(made, step.error.as_ref()).map(drop)
    }

    pub(super) async fn move_file(&self, step: &MoveFile) -> Result<(), Failure> {
        let (from, to) = (path_bytes(&step.from)?, path_bytes(&step.to)?);
        success(self.files(&step.session)?.move_file(&from, &to).await, step.error.as_ref()).map(drop)
    }

    pub(super) async fn remove(&self, step: &OfPath) -> Result<(), Failure> {
        let removed = self.files(&step.session)?.remove(&path_bytes(&step.path)?).await;
        success(removed, step.error.as_ref()).map(drop)
    }

    pub(super) async fn read_tree(&self, step: &ReadTree) -> Result<(), Failure> {
        let read = read_tree(&self.files(&step.session)?, &path_bytes(&step.path)?).await;
        let Some(mut found) = success(read, step.error.as_ref())? else { return Ok(()) };
        let mut expected = step.entries.clone();
        found.sort();
        expected.sort();
        equal("entries", found, expected)
    }

    pub(super) async fn write_tree(&self, step: &WriteTree) -> Result<(), Failure> {
        let written = write_tree(&self.files(&step.session)?, &path_bytes(&step.path)?, &step.entries).await;
        success(written, step.error.as_ref()).map(drop)
    }

    pub(super) async fn watch(&mut self, step: &WatchFiles) -> Result<(), Failure> {
        let watched = self.files(&step.session)?.watch(&path_bytes(&step.path)?, step.recursive).await;
        if let Some(watch) = success(watched, step.error.as_ref())? {
            self.watches.insert(step.name.clone(), watch);
        }
        Ok(())
    }

    pub(super) async fn changes(&mut self, step: &Changes) -> Result<(), Failure> {
        let watch = self.watches.get_mut(&step.of).ok_or("the case has no such watch")?;
        let (mut found, mut is_lost) = (Vec::new(), false);
        while step.error.is_some() || !has_in_order(&found, &step.seen) || (step.overflow && !is_lost) {
            match watch.next().await.ok_or_else(|| format!("the watch ended after {found:?}"))? {
                Ok(FileChange::Changed { kind, path }) => found.push(change_text(kind, &path)),
                Ok(FileChange::Overflow) => is_lost = true,
                Err(error) => return success(Err::<(), _>(error), step.error.as_ref()).map(drop),
            }
        }
        equal("whether changes were lost", is_lost, step.overflow)
    }
}

async fn read(files: &Files, path: &[u8]) -> Result<(FileEntry, Vec<u8>), Error> {
    let (entry, mut reader) = files.read(path).await?;
    Ok((entry, read_rest(&mut reader).await?))
}

async fn read_rest(reader: &mut FileReader) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    while let Some(bytes) = reader.next().await? {
        content.extend_from_slice(&bytes);
    }
    Ok(content)
}

async fn write(writer: &mut FileWriter, content: &[u8]) -> Result<(), Error> {
    for chunk in content.chunks(CHUNK) {
        writer.write(Bytes::copy_from_slice(chunk)).await?;
    }
    Ok(())
}

async fn read_tree(files: &Files, path: &[u8]) -> Result<Vec<TreeEntry>, Error> {
    let (mut reader, mut entries, mut content) =
        (files.read_tree(path).await?, Vec::<TreeEntry>::new(), Vec::new());
    let finish = |entries: &mut Vec<TreeEntry>, content: &mut Vec<u8>| {
        if let Some(entry) = entries.last_mut() {
            entry.content = String::from_utf8_lossy(&std::mem::take(content)).into_owned();
        }
    };
    while let Some(part) = reader.next().await? {
        match part {
            TreePart::Content(bytes) => content.extend_from_slice(&bytes),
            TreePart::Entry(entry) => {
                finish(&mut entries, &mut content);
                entries.push(tree_entry(&entry));
            }
        }
    }
    finish(&mut entries, &mut content);
    Ok(entries)
}

/// The entry without its content. The permission bits of a link mean nothing.
fn tree_entry(entry: &FileEntry) -> TreeEntry {
    let (path, directory) = (path_text(&entry.path), entry.kind == FileKind::Directory);
    let entry_with = |mode| TreeEntry { path: path.clone(), directory, mode, ..TreeEntry::default() };
    match entry.kind {
        FileKind::Link => TreeEntry { path, target: Some(path_text(&entry.target)), ..TreeEntry::default() },
        _ => entry_with(entry.mode),
    }
}

async fn write_tree(files: &Files, path: &[u8], entries: &[TreeEntry]) -> Result<(), Error> {
    let mut writer = files.write_tree(path).await?;
    for entry in entries {
        let kind = match &entry.target {
            Some(target) => EntryKind::Link(target.clone()),
            None if entry.directory => EntryKind::Directory(entry.mode),
            None => EntryKind::File(entry.mode),
        };
        writer.entry(InputEntry { path: entry.path.clone(), kind }).await?;
        if !entry.content.is_empty() {
            writer.content(Bytes::copy_from_slice(entry.content.as_bytes())).await?;
        }
    }
    writer.finish().await
}

fn entry_text(entry: &FileEntry) -> String {
    let path = path_text(&entry.path);
    match entry.kind {
        FileKind::File => path,
        FileKind::Directory => format!("{path}/"),
        FileKind::Link => format!("{path} -> {}", path_text(&entry.target)),
        FileKind::Other => format!("{path}?"),
    }
}

fn change_text(kind: ChangeKind, path: &[u8]) -> String {
    let kind = match kind {
        ChangeKind::Created => "created",
        ChangeKind::Modified => "modified",
        ChangeKind::Removed => "removed",
    };
    format!("{kind} {}", path_text(path))
}
