//! A section of `docs/performance.md` that a measurement writes.

use crate::samples::Samples;
use cofferdam_tests::program::root;
use std::{fmt::Write, fs, io};

/// The results of a measurement. Each line is printed at once; [`Report::write`] writes them between the
/// section's markers.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    text: String,
}

impl Report {
    /// An empty report for the section of this name.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, text: String::new() }
    }

    /// Adds and prints a line.
    pub fn line(&mut self, line: &str) {
        println!("{line}");
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Starts a table with these columns.
    pub fn table(&mut self, columns: &[&str]) {
        self.line("");
        self.line(&format!("| {} |", columns.join(" | ")));
        self.line(&"|---".repeat(columns.len()).chars().chain(['|']).collect::<String>());
    }

    /// Adds a bar chart of medians, in milliseconds.
    pub fn plot(&mut self, title: &str, bars: &[(&str, &Samples)]) {
        let names: Vec<String> = bars.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let medians: Vec<String> =
            bars.iter().map(|(_, samples)| format!("{:.0}", samples.percentile(50))).collect();
        let mut plot = String::new();
        let _ = write!(
            plot,
            "\n```mermaid\nxychart-beta horizontal\n    title \"{title}\"\n    x-axis [{}]\n    y-axis \"ms\"\n    bar [{}]\n```",
            names.join(", "),
            medians.join(", ")
        );
        self.line(&plot);
    }

    /// Replaces the section's content in the document.
    ///
    /// # Errors
    ///
    /// The document cannot be written or has no such section.
    pub fn write(&self) -> io::Result<()> {
        let path = root().join("docs/performance.md");
        let document = fs::read_to_string(&path)?;
        let (begin, end) = (format!("<!-- {} -->\n", self.name), format!("<!-- /{} -->\n", self.name));
        let parts =
            document.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
        let (before, after) =
            parts.ok_or_else(|| io::Error::other(format!("{} has no {begin}", path.display())))?;
        fs::write(path, format!("{before}{begin}{}{end}{after}", self.text))
    }
}
