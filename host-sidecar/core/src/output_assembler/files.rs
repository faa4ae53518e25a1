//! Checks the collected files against the limits of the execution and the patterns of the caller.

use super::{MAX_NUMBER, corrupt::Corrupt};
use crate::policy::Limits;
use cofferdam_protocol::MAX_SKIPPED;
use cofferdam_types::{File, PERMISSIONS, SkippedFile};

/// Maximum bytes of the path of a skipped file: a name (NAME_MAX) in a directory with the longest path that
/// Linux opens (PATH_MAX). A byte that is not UTF-8 is replaced by three.
const MAX_SKIPPED_PATH: usize = 3 * (4096 + 256);
/// Maximum bytes of the reason for skipping a file.
const MAX_REASON: usize = 1 << 10;

/// Assembles the collected and the skipped files.
#[derive(Debug)]
pub(super) struct FileAssembler {
    /// The glob patterns of the caller.
    patterns: Vec<String>,
    remaining_files: u32,
    remaining_bytes: u64,
    pub(super) files: Vec<File>,
    pub(super) skipped: Vec<SkippedFile>,
}

impl FileAssembler {
    pub(super) fn new(limits: &Limits, patterns: &[String]) -> Self {
        Self {
            patterns: patterns.to_owned(),
            remaining_files: limits.collected_files,
            remaining_bytes: limits.collected_bytes,
            files: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// The maximum body of a frame with a file, in bytes.
    pub(super) fn max_body(&self) -> u64 {
        let rest_of_file = (MAX_NUMBER + cofferdam_types::validation::MAX_PATH + 2 * MAX_NUMBER) as u64;
        let skipped = (MAX_NUMBER + MAX_SKIPPED_PATH + MAX_NUMBER + MAX_REASON) as u64;
        self.remaining_bytes.saturating_add(rest_of_file).max(skipped)
    }

    /// Accepts a collected file.
    pub(super) fn file(&mut self, path: String, mode: u32, content: Vec<u8>) -> Result<(), Corrupt> {
        if cofferdam_types::validation::relative_path(&path).is_err() {
            return Err(Corrupt(
                "the path of a file is not normalised or leads out of the working directory",
            ));
        }
        if !self.patterns.iter().any(|pattern| fast_glob::glob_match(pattern, &path)) {
            return Err(Corrupt("a file matches no pattern"));
        }
        if self.files.last().is_some_and(|last| last.path >= path) {
            return Err(Corrupt("it sent a file twice or out of order"));
        }
        if mode & !PERMISSIONS != 0 {
            return Err(Corrupt("the mode of a file has more than permission bits"));
        }
        let exceeded = Corrupt("the files exceed the limits");
        self.remaining_files = self.remaining_files.checked_sub(1).ok_or(exceeded)?;
        self.remaining_bytes = self.remaining_bytes.checked_sub(content.len() as u64).ok_or(exceeded)?;
        self.files.push(File { path, mode, content });
        Ok(())
    }

    /// Accepts a skipped file.
    pub(super) fn skipped(&mut self, path: String, reason: String) -> Result<(), Corrupt> {
        let is_inside = !path.starts_with('/') && path.split('/').all(|part| part != "..");
        if self.patterns.is_empty() || path.is_empty() || path.contains('\0') || !is_inside {
            return Err(Corrupt("the path of a skipped file can match no pattern"));
        }
        if path.len() > MAX_SKIPPED_PATH || reason.len() > MAX_REASON || self.skipped.len() > MAX_SKIPPED {
            return Err(Corrupt("the list of skipped files, or an entry of it, is too long"));
        }
        self.skipped.push(SkippedFile { path, reason });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    fn assembler(files: u32, bytes: u64, patterns: &[&str]) -> FileAssembler {
        let limits = Policy::default().defaults;
        let limits = Limits { collected_files: files, collected_bytes: bytes, ..limits };
        FileAssembler::new(&limits, &patterns.iter().map(|&pattern| pattern.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn files_within_the_limits_are_accepted() {
        let mut files = assembler(2, 3, &["*.csv", "a/*"]);
        assert_eq!(files.file("a/b".into(), 0o644, vec![0]), Ok(()));
        assert_eq!(files.file("b.csv".into(), 0o644, vec![0; 2]), Ok(()));
        assert_eq!(files.skipped("…".into(), "3 more files were not brought back".into()), Ok(()));
        assert_eq!((files.files.len(), files.skipped.len()), (2, 1));
    }

    #[test]
    fn files_over_either_limit_are_refused() {
        let mut many = assembler(1, 9, &["*"]);
        assert_eq!(many.file("a".into(), 0o644, vec![]), Ok(()));
        assert!(many.file("b".into(), 0o644, vec![]).is_err());
        let mut large = assembler(9, 3, &["*"]);
        assert_eq!(large.file("a".into(), 0o644, vec![0; 2]), Ok(()));
        assert!(large.file("b".into(), 0o644, vec![0; 2]).is_err());
        assert_eq!((many.files.len(), large.files.len()), (1, 1));
    }

    #[test]
    fn invalid_paths_are_refused() {
        let long = "a".repeat(256);
        for path in ["", "/etc/passwd", "../a", "a/../b", "a//b", "./a", "a/.", "a/", "a\0b", &long] {
            assert!(assembler(9, 9, &["**"]).file(path.into(), 0o644, vec![]).is_err(), "{path:?}");
        }
        let long = "a".repeat(MAX_SKIPPED_PATH + 1);
        for path in ["", "/etc/passwd", "../a", "a/..", "a\0b", &long] {
            assert!(assembler(9, 9, &["**"]).skipped(path.into(), String::new()).is_err(), "{path:?}");
        }
    }

    #[test]
    fn the_longest_possible_path_is_accepted() {
        let names = [255; 15].into_iter().chain([240, 255]).map(|length| "\u{fffd}".repeat(length));
        let path = names.collect::<Vec<_>>().join("/");
        let mut files = assembler(9, 9, &["**"]);
        assert!(files.max_body() >= path.len() as u64);
        assert_eq!(files.skipped(path, "its path is too long".into()), Ok(()));
    }

    #[test]
    fn files_that_match_no_pattern_or_are_repeated_are_refused() {
        assert!(assembler(9, 9, &["*.csv"]).file(".bashrc".into(), 0o644, vec![]).is_err());
        assert!(assembler(9, 9, &[]).file("a".into(), 0o644, vec![]).is_err());
        assert!(assembler(9, 9, &[]).skipped("a".into(), String::new()).is_err());
        let mut files = assembler(9, 9, &["*"]);
        assert_eq!(files.file("b".into(), 0o644, vec![]), Ok(()));
        assert!(
            files.file("b".into(), 0o644, vec![]).is_err() && files.file("a".into(), 0o644, vec![]).is_err()
        );
    }

    #[test]
    fn the_list_of_skipped_files_is_limited() {
        let mut files = assembler(9, 9, &["*"]);
        for number in 0..=MAX_SKIPPED {
            assert_eq!(files.skipped(format!("f{number}"), "is a symbolic link".into()), Ok(()));
        }
        assert!(files.skipped("one more".into(), String::new()).is_err());
        assert!(assembler(9, 9, &["*"]).skipped("a".into(), "x".repeat(MAX_REASON + 1)).is_err());
    }
}
