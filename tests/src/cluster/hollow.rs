//! A node without containers, for more runs than there is room for: `tests/cluster/hollow`.

use crate::{
    conformance::Failure,
    program::{Place, root},
};
use cofferdam::config::{Settings, Toleration};
use std::{
    collections::{BTreeMap, HashMap},
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

/// Label and taint of such nodes.
const KEY: &str = "cofferdam.dev/hollow";
/// Of `hollow.sh` on a machine that cannot have one.
const CANNOT: i32 = 3;

/// The node. It goes when this is dropped.
#[derive(Debug)]
pub struct Hollow {
    /// Its name.
    pub name: String,
    place: Place,
    child: Child,
    _stdout: BufReader<ChildStdout>,
}

impl Hollow {
    /// Starts one whose containers' logs are put aside after so many bytes; none on a machine that cannot have one, which
    /// has been said.
    ///
    /// # Errors
    ///
    /// Where it does not come up.
    pub fn start(rotation: usize) -> Result<Option<Self>, Failure> {
        let place = Place::new();
        let mut command = Command::new(root().join("tests/cluster/hollow.sh"));
        // What was built is in the user's own cache.
        match env::var_os("CACHE_BESIDE_FAULTS") {
            Some(cache) if cache.is_empty() => drop(command.env_remove("XDG_CACHE_HOME")),
            Some(cache) => drop(command.env("XDG_CACHE_HOME", cache)),
            None => {}
        }
        let mut child = command
            .args(["--rotation", &rotation.to_string(), "--marks"])
            .arg(place.path().join("marks"))
            // Its end is the node's.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::options().create(true).append(true).open(root().join("target/hollow.log"))?)
            .spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let mut name = String::new();
        if stdout.read_line(&mut name)? == 0 {
            let status = child.wait()?;
            return if status.code() == Some(CANNOT) { Ok(None) } else { Err(format!("hollow.sh: {status}").into()) };
        }
        Ok(Some(Self { name: name.trim_end().to_owned(), place, child, _stdout: stdout }))
    }

    /// Settings by which runs are sent to it.
    #[must_use]
    pub fn chosen_by(&self, settings: Settings) -> Settings {
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

    /// A file of settings by which the runs of a namespace are sent to it.
    #[must_use]
    pub fn settings_file(&self, kubeconfig: &Path, namespace: &str, workload: &str) -> String {
        let name = &self.name;
        format!(
            "backend = \"kubernetes\"\nkubeconfig_path = {kubeconfig:?}\nnamespace = {namespace:?}\nworkload = {workload:?}\n\
             node_selector = {{ \"{KEY}\" = {name:?} }}\n\
             tolerations = [{{ key = \"{KEY}\", operator = \"Equal\", value = {name:?}, effect = \"NoSchedule\" }}]\n"
        )
    }

    /// How often programs have been started, by the marks that they name.
    ///
    /// # Errors
    ///
    /// Where that cannot be read.
    pub fn marks(&self) -> Result<HashMap<String, usize>, Failure> {
        let mut marks = HashMap::new();
        for mark in fs::read_to_string(self.place.path().join("marks"))?.lines() {
            *marks.entry(mark.to_owned()).or_default() += 1;
        }
        Ok(marks)
    }
}

impl Drop for Hollow {
    fn drop(&mut self) {
        // It takes its Node away.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
