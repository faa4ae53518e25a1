//! Shows how far the pull of an image is.

use super::{Failure, status_line::StatusLine};
use crate::config::Settings;
use cofferdam_core::policy::Language;
use cofferdam_images::Progress;
use std::cell::Cell;

/// Bytes after which the line changes.
const STEP: u64 = 1 << 20;

/// A line that disappears at the end.
#[derive(Debug)]
pub(super) struct PullProgress {
    line: StatusLine,
    shown: Cell<Option<(usize, u64)>>,
}

/// Pulls the images of these languages, and shows the progress.
pub(super) fn pull_images<'a>(
    settings: &Settings,
    languages: impl Iterator<Item = &'a Language>,
) -> Result<(), Failure> {
    let named = settings.named_image();
    let images = languages.filter_map(|language| language.image.as_deref().or(named)).collect();
    let progress = PullProgress::new();
    Ok(settings.pull_images(&images, &|now| progress.show(now))?)
}

impl PullProgress {
    pub(super) fn new() -> Self {
        Self { line: StatusLine::new(false), shown: Cell::new(None) }
    }

    pub(super) fn show(&self, progress: Progress) {
        let Progress { layer, layers, received, size } = progress;
        let step = Some((layer, received / STEP));
        if self.shown.replace(step) != step {
            let (received, size) = (received / STEP, size.div_ceil(STEP));
            self.line.show(&format!("pulling layer {layer} of {layers}: {received} of {size} MiB"));
        }
    }
}

impl Drop for PullProgress {
    fn drop(&mut self) {
        self.line.clear();
    }
}
