//! The files of a runner in memory.

use cofferdam_protocol::{
    ChangeKind, Decoder, EntryKind, FileEntry, FileErrorKind, FileFailure, FileKind, FileReply, FileRequest,
    Message,
};
use std::{collections::BTreeMap, time::Duration};

/// A file of which nothing follows after its first half.
pub(super) const HALF: &[u8] = b"/half";
/// A directory with a file that becomes shorter while it is read.
pub(super) const SHRINKS: &[u8] = b"/shrinks";

/// Contents by path. A path that begins with another one and a slash is in that directory.
#[derive(Debug, Default)]
pub(super) struct FileStore(BTreeMap<Vec<u8>, Vec<u8>>);

impl FileStore {
    /// Whether a call has standard input.
    pub(super) fn reads_content(request: &FileRequest) -> bool {
        matches!(request, FileRequest::Write(..) | FileRequest::WriteTree(_))
    }

    /// Whether a call goes on after its first replies.
    pub(super) fn goes_on(request: &FileRequest) -> bool {
        matches!(request, FileRequest::Watch(..)) || *request == FileRequest::Read(HALF.into())
    }

    pub(super) fn call(&mut self, request: &FileRequest, content: &[u8]) -> Vec<FileReply> {
        match request {
            FileRequest::Write(path, _) => {
                self.0.insert(path.clone(), content.into());
                vec![FileReply::Done]
            }
            FileRequest::Read(path) if path == HALF => vec![entry(HALF, 4), FileReply::Content(b"ha".into())],
            FileRequest::Read(path) => match self.0.get(path) {
                Some(content) => {
                    [self.entry(path)].into_iter().chain(pieces(content)).chain([FileReply::Done]).collect()
                }
                None => vec![not_found(path)],
            },
            FileRequest::Stat(path) if self.0.contains_key(path) => vec![self.entry(path), FileReply::Done],
            FileRequest::Remove(path) if self.0.remove(path).is_some() => vec![FileReply::Done],
            FileRequest::Stat(path) | FileRequest::Remove(path) => vec![not_found(path)],
            FileRequest::Move(from, to) => match self.0.remove(from) {
                Some(content) => {
                    self.0.insert(to.clone(), content);
                    vec![FileReply::Done]
                }
                None => vec![not_found(from)],
            },
            FileRequest::MakeDirectory(..) => vec![FileReply::Done],
            FileRequest::List(path, _) => {
                let mut replies: Vec<_> = self.below(path).map(|(name, _)| self.entry(&name)).collect();
                replies.push(FileReply::Done);
                replies
            }
            FileRequest::ReadTree(path) if path == SHRINKS => {
                let content = FileReply::Content(b"sh".into());
                vec![entry(b"a", 4), content, failed(FileErrorKind::Other, b"/shrinks/a")]
            }
            FileRequest::ReadTree(path) => {
                let file = |(name, content): (Vec<u8>, Vec<u8>)| {
                    let size = content.len() as u64;
                    [entry(&name, size)].into_iter().chain(pieces(&content)).collect::<Vec<_>>()
                };
                self.below(path).flat_map(file).chain([FileReply::Done]).collect()
            }
            FileRequest::WriteTree(path) => {
                self.write_tree(path, content);
                vec![FileReply::Done]
            }
            FileRequest::Watch(..) => {
                vec![
                    FileReply::Done,
                    FileReply::Change(ChangeKind::Created, b"a\xff".into()),
                    FileReply::Overflow,
                ]
            }
        }
    }

    /// The files in a directory, with their paths there.
    fn below(&self, path: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        let prefix = [path, b"/"].concat();
        self.0.iter().filter_map(move |(name, content)| {
            Some((name.strip_prefix(&prefix[..])?.into(), content.clone()))
        })
    }

    fn entry(&self, path: &[u8]) -> FileReply {
        entry(path, self.0.get(path).map_or(0, |content| content.len() as u64))
    }

    fn write_tree(&mut self, path: &[u8], content: &[u8]) {
        let (mut decoder, mut last) = (Decoder::default(), Vec::new());
        decoder.push(content);
        while let Some((_, message)) = decoder.next().expect("entries") {
            match message {
                Message::Entry(entry) if matches!(entry.kind, EntryKind::File(_)) => {
                    last = [path, b"/", entry.path.as_bytes()].concat();
                    self.0.insert(last.clone(), Vec::new());
                }
                Message::Content(bytes) => self.0.entry(last.clone()).or_default().extend(bytes),
                _ => {}
            }
        }
    }
}

fn entry(path: &[u8], size: u64) -> FileReply {
    let modified = Duration::from_millis(1500);
    FileReply::Entry(FileEntry {
        path: path.into(),
        kind: FileKind::File,
        size,
        mode: 0o640,
        modified,
        target: vec![],
    })
}

fn pieces(content: &[u8]) -> impl Iterator<Item = FileReply> {
    content.chunks(64 << 10).map(|piece| FileReply::Content(piece.into()))
}

fn not_found(path: &[u8]) -> FileReply {
    failed(FileErrorKind::NotFound, path)
}

fn failed(error: FileErrorKind, path: &[u8]) -> FileReply {
    FileReply::Failed(FileFailure { error, path: path.into(), reason: String::new() })
}
