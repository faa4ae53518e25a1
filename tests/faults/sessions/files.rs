//! Operations on files.

use super::{
    client::{Content, OperationError, Reading, expect},
    session::Session,
};
use cofferdam_http_api::session::FileList;
use cofferdam_tests::sessions::numbered;
use flate2::Crc;
use hyper::Method;
use serde_json::json;
use std::collections::BTreeSet;

const CHECKSUM: &str = "import sys, zlib\nprint(zlib.crc32(open(sys.argv[1], 'rb').read()))";

impl Session {
    pub(super) async fn copy(&mut self, length: usize, cut: usize) -> Result<(), OperationError> {
        let (name, content) = (self.new_name(), numbered(length));
        let path = format!("/files?path={name}");
        self.send(Method::PUT, &path, Content::Bytes(content.clone())).await?.expect(204)?;
        let outcome = self.run(json!({ "code": CHECKSUM, "args": [name] })).await?;
        let mut checksum = Crc::new();
        checksum.update(&content);
        let (found, expected) = (outcome.stdout.content.0, format!("{}\n", checksum.sum()));
        expect(found == expected.as_bytes(), || {
            format!("the checksum is {:?} and not {expected:?}", String::from_utf8_lossy(&found))
        })?;
        let part = self.read(&path, Reading::Bytes(cut)).await?.body;
        expect(content.starts_with(&part), || format!("{} other bytes were read", part.len()))?;
        let whole = self.read(&path, Reading::All).await?.bytes()?;
        expect(content == whole, || format!("{} other bytes were read", whole.len()))?;
        self.remove(&name).await
    }

    pub(super) async fn list(&mut self, files: usize) -> Result<(), OperationError> {
        let name = self.new_name();
        let names: BTreeSet<_> = (1..=files).map(|number| number.to_string()).collect();
        let shell = format!("mkdir {name}; cd {name}; for n in $(seq {files}); do : >$n; done");
        self.run(json!({ "shell": shell })).await?;
        let listed = self.send(Method::GET, &format!("/files/list?path={name}"), Content::Empty).await?;
        let entries = listed.expect(200)?.json::<FileList>()?.entries;
        let (count, found) = (entries.len(), entries.into_iter().map(|entry| entry.path).collect());
        expect(count == files && names == found, || format!("{found:?} instead of {files} files"))?;
        self.remove(&name).await
    }

    /// Removes a file or a directory.
    pub(super) async fn remove(&self, name: &str) -> Result<(), OperationError> {
        let path = format!("/files?path={name}");
        self.send(Method::DELETE, &path, Content::Empty).await?.expect(204).map(drop)
    }
}
