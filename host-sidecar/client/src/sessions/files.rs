//! Files of a session of a sidecar. Paths are bytes; relative ones begin at `/work`.

use super::call::file_path;
use crate::{
    Client,
    body_channel::BodyChannel,
    connection::{Response, SENDING_TIMEOUT},
    error::ClientError,
};
use cofferdam_http_api::{
    MODE_HEADER, Mode,
    session::{FileEntry, TAR},
};
use cofferdam_types::{Error, ErrorCode};
use http::Method;
use hyper::body::Bytes;

/// Bytes that are being received. Dropping it disconnects.
#[derive(Debug)]
pub struct Download {
    response: Response,
    client: Client,
    session: String,
}

impl Client {
    /// What has a path. A symbolic link is not followed.
    ///
    /// # Errors
    ///
    /// Those of the sidecar, or [`cofferdam_types::ErrorCode::Unreachable`].
    pub async fn stat(&self, session: &str, path: &[u8]) -> Result<FileEntry, Error> {
        self.get_json(&file_path(session, "/stat", path)).await
    }

    /// Reads a regular file.
    ///
    /// # Errors
    ///
    /// As for [`Client::stat`].
    pub async fn read_file(&self, session: &str, path: &[u8]) -> Result<Download, Error> {
        self.download(session, &file_path(session, "", path), "application/octet-stream").await
    }

    /// Writes a regular file with these permission bits.
    ///
    /// # Errors
    ///
    /// As for [`Client::stat`], and those of what supplies the body.
    pub async fn write_file(
        &self,
        session: &str,
        path: &[u8],
        mode: u32,
        body: BodyChannel,
    ) -> Result<(), Error> {
        let path = format!("{}&mode={}", file_path(session, "", path), Mode(mode));
        Ok(self.send_bytes(Method::PUT, &path, body, Some(SENDING_TIMEOUT)).await?)
    }

    /// Reads a directory as a tar archive, with paths relative to it.
    ///
    /// # Errors
    ///
    /// As for [`Client::stat`].
    pub async fn read_tree(&self, session: &str, path: &[u8]) -> Result<Download, Error> {
        self.download(session, &file_path(session, "/tar", path), TAR).await
    }

    async fn download(&self, session: &str, path: &str, accept: &str) -> Result<Download, Error> {
        match self.get(path, accept).await {
            Ok(response) => Ok(Download { response, client: self.clone(), session: session.to_owned() }),
            // An early failure cuts the head too.
            Err(ClientError::ConnectionLost) => Err(self.why_cut(session).await),
            Err(error) => Err(error.into()),
        }
    }

    /// Why a download ended early, which its response cannot say.
    async fn why_cut(&self, session: &str) -> Error {
        match self.session(session).await {
            Err(error) => error,
            Ok(_) => Error::new(
                ErrorCode::Conflict,
                "the sidecar could not read it to its end: a file has changed meanwhile, or the call took longer than \
                 it may; read it again, or in parts",
            )
            .retryable(),
        }
    }

    /// Writes the entries of a tar archive into a directory.
    ///
    /// # Errors
    ///
    /// As for [`Client::write_file`].
    pub async fn write_tree(&self, session: &str, path: &[u8], body: BodyChannel) -> Result<(), Error> {
        let path = file_path(session, "/tar", path);
        Ok(self.send_bytes(Method::PUT, &path, body, Some(SENDING_TIMEOUT)).await?)
    }
}

impl Download {
    /// The permission bits of a regular file.
    #[must_use]
    pub fn mode(&self) -> Option<u32> {
        let mode: Mode = self.response.headers.get(MODE_HEADER)?.to_str().ok()?.parse().ok()?;
        Some(mode.0)
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    ///
    /// The response ended before that: the sidecar cannot be reached, the session has ended, or it could not be read
    /// to its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self.response.next().await {
            Err(ClientError::ConnectionLost) => Err(self.client.why_cut(&self.session).await),
            result => Ok(result?),
        }
    }
}
