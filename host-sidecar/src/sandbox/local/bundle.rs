//! The OCI bundle of a run: <https://github.com/opencontainers/runtime-spec>.

use super::{
    root::{Bind, RUNNER_PATH},
    state::RunDir,
};
use serde_json::{Value, json};
use std::{fs, io, path::Path};

/// User and group of every program; not root.
const USER: u32 = 1001;

/// Writes the bundle's configuration.
pub(super) fn write(dir: &RunDir, binds: &[Bind]) -> io::Result<()> {
    fs::create_dir_all(dir.bundle())?;
    fs::write(dir.bundle().join("config.json"), configuration(&dir.root(), binds).to_string())
}

fn configuration(root: &Path, binds: &[Bind]) -> Value {
    let proc = json!({ "destination": "/proc", "type": "proc", "source": "proc" });
    let read_only = binds.iter().map(
        |Bind { from, to }| json!({ "destination": to, "type": "bind", "source": from, "options": ["rbind", "ro"] }),
    );
    let mounts: Vec<Value> = [proc].into_iter().chain(read_only).collect();
    let namespaces = ["pid", "network", "ipc", "uts", "mount"].map(|kind| json!({ "type": kind }));
    json!({
        "ociVersion": "1.0.0",
        "process": {
            "user": { "uid": USER, "gid": USER },
            "args": [RUNNER_PATH],
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
