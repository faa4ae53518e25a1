//! The shapes of images in `tests/images`: how an image is built, a program, and its outcome.

use super::{Compression, Layer, Layout, MediaTypes, push};
use crate::program::root;
use cofferdam::images::Platform;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{
    env::consts::ARCH,
    fs,
    path::{Path, PathBuf},
};

const TAG: &str = "1";
/// The language of the programs in [`Shape::settings`].
const LANGUAGE: &str = "shape";

/// A shape of images.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Shape {
    /// The name of its file, without the extension.
    #[serde(skip)]
    pub name: String,
    /// What is special about it.
    pub promise: String,
    #[serde(default)]
    source: Source,
    /// The program that is executed in the image.
    pub program: String,
    expected: Expected,
    /// What happens in a cluster, if the node's container runtime does not take the image.
    in_cluster: Option<Expected>,
    #[serde(default = "bash")]
    command: Vec<String>,
    #[serde(default)]
    media_types: MediaTypes,
    architecture: Option<String>,
    /// Members of the image's configuration.
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    layers: Vec<LayerShape>,
}

/// Where an image comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Source {
    /// A registry.
    #[default]
    Registry,
    /// A registry, which has images for several platforms under this name.
    RegistryIndex,
    /// An archive of `docker save` up to Docker 24.
    DockerArchive,
    /// An archive of `docker save` since Docker 25.
    OciArchive,
}

/// The outcome of an execution.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Expected {
    /// The program succeeds with this output.
    Success {
        /// The output.
        stdout: String,
    },
    /// There is no outcome.
    Failure {
        /// The error's code.
        code: String,
        /// What the message on one machine contains.
        #[serde(default)]
        message: Vec<String>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerShape {
    /// The layer has these packages of Debian instead of entries.
    #[serde(default)]
    debian: Vec<String>,
    #[serde(default)]
    compression: Compression,
    /// So many layers, in whose entries `{number}` is the number, from 1.
    #[serde(default = "one")]
    copies: usize,
    #[serde(default)]
    entries: Vec<Entry>,
}

/// An entry of a layer, in the order of the layer.
#[derive(Debug, Deserialize)]
#[serde(untagged, rename_all_fields = "kebab-case", deny_unknown_fields)]
enum Entry {
    File { file: String, content: String, mode: Option<u32>, owner: Option<u64> },
    Directory { directory: String, mode: u32 },
    Symlink { symlink: String, target: String },
    HardLink { hard_link: String, target: String },
    Fifo { fifo: String },
    Program { program: String, path: String, libraries: Option<String> },
    MuslProgram { musl_program: String, source: String },
}

fn bash() -> Vec<String> {
    vec!["bash".into()]
}

const fn one() -> usize {
    1
}

impl Shape {
    /// All shapes, by their names.
    ///
    /// # Panics
    ///
    /// A file is malformed.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let files = fs::read_dir(root().join("tests/images")).expect("the folder of shapes");
        let mut shapes: Vec<_> = files.flatten().map(|file| Self::read(&file.path())).collect();
        shapes.sort_by(|a, b| a.name.cmp(&b.name));
        shapes
    }

    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a shape");
        let text = text.replace("{arch}", ARCH).replace("{platform}", &Platform::of_machine().to_string());
        let shape: Result<Self, _> =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()));
        let shape = shape.expect("a shape");
        Self { name: path.file_stem().expect("a name").display().to_string(), ..shape }
    }

    /// Builds the image in a folder that is the storage of a registry at this host. Returns its name, and its archive
    /// if it is not in the registry.
    ///
    /// # Panics
    ///
    /// It cannot be built.
    #[must_use]
    pub fn provide(&self, folder: &Path, host: &str) -> (String, Option<PathBuf>) {
        let (layout, layout_folder) = (self.layout(), folder.join("layout"));
        let with_layout = match self.source {
            Source::Registry | Source::RegistryIndex => {
                layout.write(&layout_folder, TAG);
                push(&folder.join("registry"), &layout_folder, &self.name, TAG);
                return (format!("{host}/{}:{TAG}", self.name), None);
            }
            Source::DockerArchive => false,
            Source::OciArchive => true,
        };
        let (name, archive) = (format!("docker.io/library/{}:{TAG}", self.name), folder.join("archive.tar"));
        layout.save(&layout_folder, &name, with_layout, &archive);
        (name, Some(archive))
    }

    /// What is wrong with the outcome or error in JSON of its program on one machine, if anything.
    #[must_use]
    pub fn problem_on_machine(&self, json: &str) -> Option<String> {
        let parts = match &self.expected {
            Expected::Failure { message, .. } => &**message,
            Expected::Success { .. } => &[],
        };
        self.expected.problem(json, parts)
    }

    /// The same in a cluster, where messages are those of the node.
    #[must_use]
    pub fn problem_in_cluster(&self, json: &str) -> Option<String> {
        self.in_cluster.as_ref().unwrap_or(&self.expected).problem(json, &[])
    }

    /// Settings of its language, in TOML.
    #[must_use]
    pub fn settings(&self) -> String {
        format!("languages.{LANGUAGE} = {{ command = {}, file = \"main\" }}\n", json!(self.command))
    }

    /// Arguments that execute its program, which is in a file of this name.
    #[must_use]
    pub fn arguments<'a>(&self, image: &'a str, file: &'a str) -> [&'a str; 5] {
        ["--language", LANGUAGE, "--image", image, file]
    }

    /// How it is built.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let layers =
            self.layers.iter().flat_map(|layer| (1..=layer.copies).map(|number| layer.layer(number)));
        let layout = Layout::new(layers.collect()).media_types(self.media_types);
        let layout = match &self.architecture {
            Some(architecture) => layout.architecture(architecture),
            None => layout,
        };
        let members = self.config.iter();
        let layout = members.fold(layout, |layout, (name, value)| layout.config(name, value.clone()));
        if self.source == Source::RegistryIndex { layout.index() } else { layout }
    }
}

impl Expected {
    fn problem(&self, json: &str, parts: &[String]) -> Option<String> {
        let result: Value = serde_json::from_str(json).unwrap_or_default();
        let is_expected = match self {
            Self::Success { stdout } => result["exit_code"] == 0 && result["stdout"]["content"] == **stdout,
            Self::Failure { code, .. } => {
                let detail = result["detail"].as_str().unwrap_or_default();
                result["code"] == **code && parts.iter().all(|part| detail.contains(part))
            }
        };
        (!is_expected).then(|| format!("expected {self:?}, not {json}"))
    }
}

impl LayerShape {
    fn layer(&self, number: usize) -> Layer {
        let layer = if self.debian.is_empty() { Layer::default() } else { Layer::packages(&self.debian) };
        let layer = self.entries.iter().fold(layer, |layer, entry| entry.add_to(layer, number));
        layer.compressed(self.compression)
    }
}

impl Entry {
    fn add_to(&self, layer: Layer, number: usize) -> Layer {
        let numbered = |text: &str| text.replace("{number}", &number.to_string());
        match self {
            Self::File { file, content, mode, owner } => {
                let path = numbered(file);
                let layer = layer.file(&path, numbered(content));
                layer.owned(&path, mode.unwrap_or(0o755), owner.unwrap_or_default())
            }
            Self::Directory { directory, mode } => layer.directory(directory, *mode),
            Self::Symlink { symlink, target } => layer.symlink(&numbered(symlink), target),
            Self::HardLink { hard_link, target } => layer.hard_link(&numbered(hard_link), &numbered(target)),
            Self::Fifo { fifo } => layer.fifo(fifo),
            Self::Program { program, path, libraries } => match libraries {
                Some(folder) => layer.program_with_libraries(program, path, folder),
                None => layer.program(program, path),
            },
            Self::MuslProgram { musl_program, source } => layer.musl_program(musl_program, source),
        }
    }
}
