//! Writes archives of `docker save`.

use serde_json::{Value, json};
use std::{
    fs::{self, File},
    path::Path,
};
use tar::{Builder, Header};

/// Writes a layout as an archive of `docker save`: with the files of the layout, or with those alone that Docker wrote
/// before it had one.
pub(super) fn save(folder: &Path, name: &str, with_layout: bool, file: &Path) {
    let read = |path: &str| fs::read(folder.join(path)).expect("a file of the layout");
    let document = |path: &str| serde_json::from_slice::<Value>(&read(path)).expect("JSON");
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().expect("a digest");
        format!("blobs/sha256/{}", digest.trim_start_matches("sha256:"))
    };
    let manifest = document(&blob(&document("index.json")["manifests"][0]));
    let layers: Vec<_> = manifest["layers"].as_array().expect("layers").iter().map(blob).collect();
    let config = blob(&manifest["config"]);
    let mut archive = Builder::new(File::create(file).expect("a file"));
    let mut add = |path: &str, content: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content).expect("a file");
    };
    if with_layout {
        let blobs = fs::read_dir(folder.join("blobs/sha256")).expect("blobs").flatten();
        for path in blobs.map(|blob| format!("blobs/sha256/{}", blob.file_name().display())) {
            add(&path, &read(&path));
        }
        ["index.json", "oci-layout"].iter().for_each(|path| add(path, &read(path)));
        let list = json!([{ "Config": config, "RepoTags": [name], "Layers": layers }]);
        add("manifest.json", list.to_string().as_bytes());
    } else {
        let hex = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
        let names: Vec<_> = layers.iter().map(|layer| format!("{}/layer.tar", hex(layer))).collect();
        names.iter().zip(&layers).for_each(|(name, layer)| add(name, &read(layer)));
        let config_name = format!("{}.json", hex(&config));
        add(&config_name, &read(&config));
        let list = json!([{ "Config": config_name, "RepoTags": [name], "Layers": names }]);
        add("manifest.json", list.to_string().as_bytes());
    }
    archive.finish().expect("an archive");
}
