//! The OCI bundle of a sandbox: <https://github.com/opencontainers/runtime-spec>.

use super::{
    root::{Bind, RUNNER_PATH},
    state::RunDir,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, io, path::Path};

/// UID and GID of every program; not root.
const PROGRAM_ID: u32 = 1001;

/// The search path of the runner, and so for interpreters, unless the image has one.
const PATH: (&str, &str) = ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

/// Writes the bundle's configuration. gVisor mounts an EROFS file in place of the root folder. `env` are the
/// variables of the image. With `maps_users` the sandbox has a user namespace that maps only root: files of any
/// other user of the machine, even one with the program's UID, belong to `nobody` in it.
pub(super) fn write(
    dir: &RunDir,
    binds: &[Bind],
    erofs: Option<&Path>,
    env: &[(String, String)],
    maps_users: bool,
) -> io::Result<()> {
    fs::create_dir_all(dir.bundle())?;
    let mut config = config(&dir.root(), binds, env);
    if let Some(file) = erofs {
        // gVisor's own: `runsc/boot/mount_hints.go`.
        config["annotations"] =
            json!({ "dev.gvisor.spec.rootfs.source": file, "dev.gvisor.spec.rootfs.type": "erofs" });
    }
    if maps_users {
        map_only_root(&mut config["linux"]);
    }
    fs::write(dir.bundle().join("config.json"), config.to_string())
}

fn map_only_root(linux: &mut Value) {
    let root = json!([{ "containerID": 0, "hostID": 0, "size": 1 }]);
    linux["uidMappings"] = root.clone();
    linux["gidMappings"] = root;
    if let Some(namespaces) = linux["namespaces"].as_array_mut() {
        namespaces.push(json!({ "type": "user" }));
    }
}

fn config(root: &Path, binds: &[Bind], env: &[(String, String)]) -> Value {
    let image = env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let env: BTreeMap<_, _> = [PATH].into_iter().chain(image).collect();
    let env: Vec<_> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let proc = json!({ "destination": "/proc", "type": "proc", "source": "proc" });
    let binds = binds.iter().map(|Bind { source, destination }| {
        json!({ "destination": destination, "type": "bind", "source": source, "options": ["rbind", "ro"] })
    });
    let mounts: Vec<Value> = [proc].into_iter().chain(binds).collect();
    let namespaces = ["pid", "network", "ipc", "uts", "mount"].map(|kind| json!({ "type": kind }));
    json!({
        "ociVersion": "1.0.0",
        "process": {
            "user": { "uid": PROGRAM_ID, "gid": PROGRAM_ID },
            "args": [RUNNER_PATH],
            "env": env,
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
