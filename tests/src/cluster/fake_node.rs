//! A fake node for more Pods than the real node can run: `tests/cluster/fake-node`.

use crate::{
    conformance::Failure,
    program::{TestDir, root},
};
use cofferdam::config::{Settings, Toleration};
use std::{
    collections::{BTreeMap, HashMap},
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

/// Key of the label and the taint of a fake node.
const KEY: &str = "cofferdam.dev/fake-node";
/// Exit code of `fake-node.sh` on a machine that cannot run a fake node.
const UNSUPPORTED: i32 = 3;

/// The node's process. The node is removed when this is dropped.
#[derive(Debug)]
pub struct FakeNode {
    /// The node's name.
    pub name: String,
    dir: TestDir,
    child: Child,
    _stdout: BufReader<ChildStdout>,
}

impl FakeNode {
    /// Starts a node that rotates a container's log after `rotation` bytes. `None`, after a message, on a
    /// machine that cannot run one.
    ///
    /// # Errors
    ///
    /// The node does not start.
    pub fn start(rotation: usize) -> Result<Option<Self>, Failure> {
        let dir = TestDir::new();
        let mut command = Command::new(root().join("tests/cluster/fake-node.sh"));
        // The node's program is in the user's own cache.
        match env::var_os("CACHE_BESIDE_FAULTS") {
            Some(cache) if cache.is_empty() => drop(command.env_remove("XDG_CACHE_HOME")),
            Some(cache) => drop(command.env("XDG_CACHE_HOME", cache)),
            None => {}
        }
        let mut child = command
            .args(["--rotation", &rotation.to_string(), "--marks"])
            .arg(dir.path().join("marks"))
            // The node ends at the end of its standard input.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::options().create(true).append(true).open(root().join("target/fake-node.log"))?)
            .spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let mut name = String::new();
        if stdout.read_line(&mut name)? == 0 {
            let status = child.wait()?;
            if status.code() == Some(UNSUPPORTED) {
                return Ok(None);
            }
            return Err(format!("fake-node.sh: {status}; its log is target/fake-node.log").into());
        }
        Ok(Some(Self { name: name.trim_end().to_owned(), dir, child, _stdout: stdout }))
    }

    /// The settings, with a node selector and a toleration for this node.
    #[must_use]
    pub fn schedule_here(&self, settings: Settings) -> Settings {
        let toleration = Toleration {
            key: Some(KEY.into()),
            operator: Some("Equal".into()),
            value: Some(self.name.clone()),
            effect: Some("NoSchedule".into()),
            ..Toleration::default()
        };
        let node_selector = BTreeMap::from([(KEY.to_owned(), self.name.clone())]);
        Settings { tolerations: vec![toleration], node_selector, ..settings }
    }

    /// A settings file that schedules a namespace's Pods on this node.
    #[must_use]
    pub fn settings_file(&self, kubeconfig: &Path, namespace: &str, workload: &str) -> String {
        let name = &self.name;
        format!(
            "backend = \"kubernetes\"\nkubeconfig_path = {kubeconfig:?}\nnamespace = {namespace:?}\nworkload = {workload:?}\n\
             node_selector = {{ \"{KEY}\" = {name:?} }}\n\
             tolerations = [{{ key = \"{KEY}\", operator = \"Equal\", value = {name:?}, effect = \"NoSchedule\" }}]\n"
        )
    }

    /// How often the program with each mark has been started.
    ///
    /// # Errors
    ///
    /// The file of marks cannot be read.
    pub fn marks(&self) -> Result<HashMap<String, usize>, Failure> {
        let mut marks = HashMap::new();
        for mark in fs::read_to_string(self.dir.path().join("marks"))?.lines() {
            *marks.entry(mark.to_owned()).or_default() += 1;
        }
        Ok(marks)
    }
}

impl Drop for FakeNode {
    fn drop(&mut self) {
        // The process deletes its Node object before it ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
