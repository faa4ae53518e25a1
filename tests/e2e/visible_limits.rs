//! Runtimes and libraries see the limits of a sandbox, each through its own interface.

use cofferdam_tests::{
    program::{TestDir, root, stderr, stdout},
    sidecar::Sidecar,
};
use rustix::process::geteuid;
use serde_json::json;
use std::{process::Command, sync::LazyLock, thread};

/// Prints the processors and the memory that each runtime sees, one line each.
const COUNTS: &str = r#"
echo nproc $(nproc) $(getconf _NPROCESSORS_ONLN) $(getconf _NPROCESSORS_CONF)
java -XshowSettings:system -version 2>&1 | sed -n 's/^ *Effective CPU Count: /java processors /p; s/^ *Memory Limit: /java memory /p'
java -XX:+PrintFlagsFinal -version 2>/dev/null | awk -v most=$(cat /sys/fs/cgroup/memory.max) '$2 == "MaxHeapSize" { print "java heap", ($4 <= most / 2 ? "fits" : $4) }'
node -e 'const os = require("os"); console.log("node", os.cpus().length, os.availableParallelism(), os.totalmem(), process.constrainedMemory())'
python3 - <<'PYTHON'
import ctypes, psutil
memory = psutil.virtual_memory()
assert 0 < memory.available <= memory.total, memory
print("psutil", psutil.cpu_count(), len(psutil.cpu_times(percpu=True)), memory.total)
print("openblas", ctypes.CDLL("libopenblas.so.0").openblas_get_num_threads())
PYTHON
"#;

/// Installs the runtimes into this machine's /usr, which sandboxes use. All tests wait for the first one to
/// do so.
static RUNTIMES: LazyLock<()> = LazyLock::new(|| {
    assert!(Command::new(root().join("scripts/runtimes.sh")).status().expect("bash").success());
});

/// The lines that `COUNTS` prints with these options.
fn counts(options: &[&str]) -> Vec<String> {
    LazyLock::force(&RUNTIMES);
    let dir = TestDir::new();
    dir.write("p.sh", COUNTS);
    let output = dir.run([&["run", "--language", "bash", "--timeout", "120"], options, &["p.sh"]].concat());
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    stdout(&output).lines().map(str::to_owned).collect()
}

#[test]
fn every_runtime_sees_the_cpu_and_memory_limits() {
    if !geteuid().is_root() {
        return;
    }
    let expected = [
        "nproc 1 1 1",
        "java processors 1",
        "java memory 200.00M",
        "java heap fits",
        "node 1 1 209715200 209715200",
        "psutil 1 1 209715200",
        "openblas 1",
    ];
    assert_eq!(counts(&["--cpu", "1", "--memory", "200Mi"]), expected);
}

#[test]
fn without_a_cpu_limit_every_runtime_sees_the_processors_of_the_machine() {
    let here = thread::available_parallelism().expect("a number");
    let expected = [
        format!("nproc {here} {here} {here}"),
        format!("java processors {here}"),
        "java memory 300.00M".to_owned(),
        "java heap fits".to_owned(),
        format!("node {here} {here} 314572800 314572800"),
        format!("psutil {here} {here} 314572800"),
        format!("openblas {here}"),
    ];
    assert_eq!(counts(&["--memory", "300Mi"]), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prewarmed_interpreter_sees_the_cpu_limit() {
    if !geteuid().is_root() {
        return;
    }
    let dir = TestDir::new();
    // It counts before it opens the program, for which a prewarmed interpreter waits.
    let command = r#"["python3", "-c", "import os, sys; early = os.cpu_count(), os.sched_getaffinity(0), open('/proc/meminfo').readline(); exec(open(sys.argv[1]).read())"]"#;
    let settings = [("COFFERDAM_POOL__MAXIMUM", "1"), ("COFFERDAM_LANGUAGES__PYTHON__COMMAND", command)];
    let mut sidecar = Sidecar::start(&dir, &[], &settings);
    let limits = json!({ "cpu_millis": 1000, "memory_bytes": 209_715_200 });
    let request = json!({ "code": "print(early)", "limits": limits });
    for warm in [false, true] {
        let response = sidecar.client().run(&request, &[]).await;
        let expected = "(1, {0}, 'MemTotal:         204800 kB\\n')\n";
        assert_eq!(
            (&response.json["stdout"]["content"], &response.json["warm"]),
            (&json!(expected), &json!(warm)),
            "{}",
            response.text
        );
        sidecar.wait_for("a sandbox waits");
    }
}
