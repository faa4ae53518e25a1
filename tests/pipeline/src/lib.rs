//! Tests of the pipeline and the pool of `cofferdam-core` with a runner in memory and a paused clock.
#![cfg(test)]

mod fake;
mod sessions;
mod streamed_files;
mod tests;
