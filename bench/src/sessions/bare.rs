//! A sandbox that is kept by bare `runsc run --detach`, and `runsc exec` in it. Its bundle is that of gVisor's own
//! Python package.

use super::{FILE_SIZE, kept::KeptSandbox};
use crate::interactive::Failure;
use cofferdam_tests::program::TestDir;
use serde_json::json;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Folders of this machine that the sandbox has.
const FOLDERS: [&str; 5] = ["/bin", "/usr", "/lib", "/lib64", "/etc/alternatives"];
/// The only command of the sandbox that is not executed by `runsc exec`.
const COMMAND: [&str; 2] = ["sleep", "infinity"];
const FILE: &str = "/data/file";

/// A bundle, and the state of the sandboxes of it.
#[derive(Debug, Clone)]
pub(super) struct BareBundle {
    runsc: PathBuf,
    /// Below the state folder of the directory, so that the processes of its sandboxes can be found.
    folder: PathBuf,
}

/// A sandbox of the bundle. Deleted when dropped.
#[derive(Debug)]
pub(super) struct BareSandbox {
    bundle: BareBundle,
    id: String,
}

impl BareBundle {
    /// Writes a bundle.
    pub(super) fn new(dir: &TestDir, runsc: &Path) -> Result<Self, Failure> {
        let folder = dir.state().join("bare");
        fs::create_dir_all(folder.join("rootfs"))?;
        fs::write(folder.join("config.json"), config().to_string())?;
        Ok(Self { runsc: runsc.to_owned(), folder })
    }

    /// Starts the sandbox of this number.
    pub(super) fn start(&self, number: u32) -> Result<BareSandbox, Failure> {
        // runsc takes the beginning of an id for the id, so no id is the beginning of another one.
        let id = format!("bare-{number:06}");
        let mut command = self.runsc();
        // The sandbox keeps its standard streams, so they are no pipes.
        let streams = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = streams.args(["run", "--detach", "--bundle"]).arg(&self.folder).arg(&id).status()?;
        if status.success() {
            Ok(BareSandbox { bundle: self.clone(), id })
        } else {
            Err(format!("runsc run: {status}").into())
        }
    }

    fn runsc(&self) -> Command {
        let mut command = Command::new(&self.runsc);
        command.arg("--root").arg(self.folder.join("runsc")).args(["--network=none", "--ignore-cgroups"]);
        command
    }
}

fn config() -> serde_json::Value {
    let tmpfs = ["/dev", "/data"]
        .map(|destination| json!({ "destination": destination, "type": "tmpfs", "source": "tmpfs" }));
    let binds = FOLDERS.into_iter().filter(|folder| Path::new(folder).exists()).map(|folder| {
        json!({ "destination": folder, "type": "bind", "source": folder, "options": ["rbind", "ro"] })
    });
    let proc = json!({ "destination": "/proc", "type": "proc", "source": "proc" });
    let mounts: Vec<_> = [proc].into_iter().chain(tmpfs).chain(binds).collect();
    let namespaces = ["pid", "mount", "uts", "ipc"].map(|kind| json!({ "type": kind }));
    json!({
        "ociVersion": "1.0.0",
        "root": { "path": "rootfs", "readonly": true },
        "process": {
            "user": { "uid": 0, "gid": 0 },
            "args": COMMAND,
            "cwd": "/",
            "env": ["PATH=/bin:/usr/bin"],
        },
        "mounts": mounts,
        "linux": { "namespaces": namespaces },
    })
}

impl BareSandbox {
    /// Executes a command with this standard input and returns its standard output.
    fn exec(&self, command: &[&str], stdin: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut process = self.bundle.runsc();
        process.arg("exec").arg(&self.id).args(command);
        let mut child = process.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        // Each command either reads or prints, so one thread suffices.
        child.stdin.take().ok_or("no pipe")?.write_all(stdin)?;
        let output = child.wait_with_output()?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(format!("runsc exec {command:?}: {}", output.status).into())
        }
    }
}

impl KeptSandbox for BareSandbox {
    fn command(&self) -> Result<(), Failure> {
        self.exec(&["true"], &[]).map(drop)
    }

    fn write(&self) -> Result<(), Failure> {
        self.exec(&["dd", "bs=128K", "status=none", &format!("of={FILE}")], &vec![b'x'; FILE_SIZE]).map(drop)
    }

    fn read(&self) -> Result<(), Failure> {
        let length = self.exec(&["cat", FILE], &[])?.len();
        if length == FILE_SIZE { Ok(()) } else { Err(format!("{length} bytes were read").into()) }
    }

    fn remove(&self) -> Result<(), Failure> {
        self.exec(&["rm", FILE], &[]).map(drop)
    }
}

impl Drop for BareSandbox {
    fn drop(&mut self) {
        // It is also deleted if it has ended.
        let mut delete = self.bundle.runsc();
        let _ = delete.args(["delete", "--force", &self.id]).stderr(Stdio::null()).status();
    }
}
