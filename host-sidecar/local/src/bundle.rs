//! The OCI bundle of a run: <https://github.com/opencontainers/runtime-spec>.

use super::{
    root::{Bind, RUNNER_PATH},
    state::RunDir,
};
use serde_json::{Value, json};
use std::{fs, io, path::Path};

/// User and group of every program; not root.
const USER: u32 = 1001;

/// Writes the bundle's configuration. With `maps_users` the sandbox is in a user namespace that knows root alone: what
/// belongs to any other user of the machine, even to one with the program's number, is nobody's there.
pub(super) fn write(dir: &RunDir, binds: &[Bind], maps_users: bool) -> io::Result<()> {
    fs::create_dir_all(dir.bundle())?;
    let mut configuration = configuration(&dir.root(), binds);
    if maps_users {
        map_root_alone(&mut configuration["linux"]);
    }
    fs::write(dir.bundle().join("config.json"), configuration.to_string())
}

fn map_root_alone(linux: &mut Value) {
    let root = json!([{ "containerID": 0, "hostID": 0, "size": 1 }]);
    linux["uidMappings"] = root.clone();
    linux["gidMappings"] = root;
    if let Some(namespaces) = linux["namespaces"].as_array_mut() {
        namespaces.push(json!({ "type": "user" }));
    }
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
