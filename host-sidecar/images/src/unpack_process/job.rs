//! What the process has to do, and the limits of its resources.

use crate::{Digest, ImageError, UnpackLimits};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, Read, Write},
};

/// Bytes of a job: it has some hundred for each layer.
const MAX_JOB: u64 = 1 << 20;
/// Memory of the program itself and of decompression.
const BASE_MEMORY: u64 = 512 << 20;
/// Memory of an entry, beside its name.
const ENTRY_MEMORY: u64 = 1 << 10;
/// Memory of a byte of names, which are copied when they are sorted.
const NAME_MEMORY: u64 = 4;
/// Seconds of processor time of any image.
const BASE_CPU_SECONDS: u64 = 60;
/// Bytes that even a slow machine decompresses, hashes and writes in a second.
const BYTES_PER_CPU_SECOND: u64 = 16 << 20;

/// A layer, from the lowest on.
#[derive(Debug)]
pub(crate) struct Layer {
    /// The layer as it was loaded, at its start.
    pub(crate) blob: File,
    /// The digest of what it unpacks to.
    pub(crate) diff_id: Digest,
}

/// What the process has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) limits: UnpackLimits,
    pub(super) layers: Vec<LayerJob>,
}

/// A layer whose bytes follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LayerJob {
    pub(super) size: u64,
    pub(super) diff_id: Digest,
}

impl Job {
    pub(super) fn new(limits: &UnpackLimits, layers: &[Layer]) -> Result<Self, ImageError> {
        let layer = |layer: &Layer| {
            let metadata = layer.blob.metadata().map_err(ImageError::io("read a layer of the image"))?;
            Ok(LayerJob { size: metadata.len(), diff_id: layer.diff_id.clone() })
        };
        let layers = layers.iter().map(layer).collect::<Result<_, ImageError>>()?;
        Ok(Self { limits: limits.clone(), layers })
    }

    /// Writes it with its length.
    pub(super) fn write(&self, mut to: impl Write) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        to.write_all(&(text.len() as u64).to_le_bytes())?;
        to.write_all(&text)
    }

    /// Reads one, and nothing of the layers behind it.
    pub(super) fn read(mut from: impl Read) -> io::Result<Self> {
        let mut length = [0; 8];
        from.read_exact(&mut length)?;
        let mut text = Vec::new();
        from.take(u64::from_le_bytes(length).min(MAX_JOB)).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Bytes of address space.
    pub(super) fn memory(&self) -> u64 {
        let UnpackLimits { entries, name_bytes, .. } = self.limits;
        BASE_MEMORY
            .saturating_add(entries.saturating_mul(ENTRY_MEMORY))
            .saturating_add(name_bytes.saturating_mul(NAME_MEMORY))
    }

    /// Seconds of processor time.
    pub(super) fn cpu_seconds(&self) -> u64 {
        BASE_CPU_SECONDS + self.limits.bytes / BYTES_PER_CPU_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_and_nothing_behind_it() {
        let layer = LayerJob { size: 3, diff_id: Digest::of(b"abc") };
        let job = Job { limits: UnpackLimits::default(), layers: vec![layer; 512] };
        let mut stream = Vec::new();
        job.write(&mut stream).expect("memory");
        stream.extend(b"abc");
        let mut stream = &*stream;
        assert_eq!(Job::read(&mut stream).expect("a job"), job);
        assert_eq!(stream, b"abc");
        assert!(Job::read(&b"\x09\0\0\0\0\0\0\0{}"[..]).is_err());
        assert!(Job::read(&b"\0"[..]).is_err());
    }
}
