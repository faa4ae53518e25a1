//! The OCI bundle of a run: <https://github.com/opencontainers/runtime-spec>.

use super::{
    root::{self, Root},
    state::RunDir,
};
use serde_json::{Value, json};
use std::{fs, io, path::Path};

/// User and group of every program; not root.
const USER: u32 = 1001;

/// Writes the bundle's configuration.
pub(super) fn write(dir: &RunDir, root: &Root) -> io::Result<()> {
    let configuration = match root {
        Root::Host => configuration(&dir.root(), &dir.runner_dir(), &host_mounts()),
        Root::Image(path) => configuration(path, &dir.runner_dir(), &image_mounts()),
    };
    fs::create_dir_all(dir.bundle())?;
    fs::write(dir.bundle().join("config.json"), configuration.to_string())
}

fn configuration(root: &Path, runner: &Path, mounts: &[Value]) -> Value {
    let own_mounts = [
        json!({ "destination": "/proc", "type": "proc", "source": "proc" }),
        read_only(runner, Path::new(root::RUNNER_PATH).parent().unwrap_or(Path::new("/"))),
    ];
    let mounts = [own_mounts.as_slice(), mounts].concat();
    let namespaces = ["pid", "network", "ipc", "uts", "mount"].map(|kind| json!({ "type": kind }));
    json!({
        "ociVersion": "1.0.0",
        "process": {
            "user": { "uid": USER, "gid": USER },
            "args": [root::RUNNER_PATH],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/",
            "capabilities": {},
            "rlimits": [{ "type": "RLIMIT_NOFILE", "soft": 1024, "hard": 524_288 }],
            "noNewPrivileges": true,
        },
        "root": { "path": root, "readonly": true },
        "hostname": "sandbox",
        "mounts": mounts,
        "linux": { "namespaces": namespaces },
    })
}

fn host_mounts() -> Vec<Value> {
    ["/usr", "/etc/alternatives"]
        .map(Path::new)
        .into_iter()
        .filter(|folder| folder.is_dir())
        .map(|folder| read_only(folder, folder))
        .collect()
}

/// An image need not have the folders that the runner mounts on: a mount makes them.
fn image_mounts() -> Vec<Value> {
    ["/work", "/home/user", "/tmp"]
        .map(|folder| json!({ "destination": folder, "type": "tmpfs", "source": "tmpfs", "options": ["mode=0755"] }))
        .into()
}

fn read_only(from: &Path, to: &Path) -> Value {
    json!({ "destination": to, "type": "bind", "source": from, "options": ["rbind", "ro"] })
}
