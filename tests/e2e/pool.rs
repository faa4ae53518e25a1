//! Prewarmed sandboxes are used once, and differ from others only in their speed.

use cofferdam_tests::{
    leaks::{assert_no_leaks, leaked_resources},
    processes::sandbox_processes,
    program::{TestDir, stdout},
    sidecar::{HttpResponse, Sidecar},
};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use std::{env, thread};

/// The number of executions that look for traces of earlier ones, unless `WARM_RUNS` sets another one.
fn executions() -> usize {
    env::var("WARM_RUNS").map_or(40, |number| number.parse().expect("a number"))
}

const POOL: &[(&str, &str)] = &[("COFFERDAM_POOL__MAXIMUM", "1")];
const PRELOAD_MODULES: &str = "COFFERDAM_LANGUAGES__PYTHON__PRELOAD_MODULES";
const SANDBOX_WAITS: &str = "a sandbox waits";

/// Leaves traces everywhere a program can write, and prints the traces of earlier programs.
const TRACES: &str = "
import os, sys, pathlib, builtins
found = []
for folder in ['/work', '/tmp', '/dev/shm', '/var/tmp', os.environ['HOME']]:
    if os.path.isdir(folder):
        found += [f'{folder}/{name}' for name in os.listdir(folder) if name != 'main.py']
        pathlib.Path(folder, 'trace').write_text('trace')
found += [process for process in os.listdir('/proc') if process.isdigit() and b'trace' in open(f'/proc/{process}/cmdline', 'rb').read()]
found += ['environment'] if 'TRACE' in os.environ else []
found += ['module'] if hasattr(builtins, 'trace') else []
os.environ['TRACE'] = builtins.trace = 'trace'
if os.fork() == 0:
    os.setsid()
    for stream in (0, 1, 2):
        os.close(stream)
    os.execlp('sleep', 'trace', '600')
print(found)
";

/// Prints what a program can observe of its interpreter.
const INTERPRETER: &str = "
import os, sys, inspect, signal, resource
def trace(): raise ValueError('é')
print(sys.argv, sys.orig_argv, sys.flags, sys.path, sys.executable, sys.prefix, sorted(sys.modules))
print(__file__, __name__, __spec__, __doc__, __loader__.__class__, sorted(globals()))
print(open('/proc/self/cmdline').read(), sorted(os.environ.items()), open('/proc/self/environ').read())
print(os.getcwd(), sorted(os.listdir('.')), sorted(os.listdir('/proc/self/fd')), os.stat('main.py').st_mode)
print(sys.stdin.read(), sys.stdin, sys.stdout, sys.stderr, os.isatty(0), os.getuid(), os.getpgid(0) == os.getpid(), os.umask(0))
print([signal.getsignal(number) for number in range(1, 32)], signal.pthread_sigmask(signal.SIG_BLOCK, []))
print(resource.getrlimit(resource.RLIMIT_NPROC), resource.getrlimit(resource.RLIMIT_CORE))
print(inspect.getsource(trace))
trace()
";

async fn run(sidecar: &Sidecar, code: &str) -> HttpResponse {
    sidecar.client().run(&json!({ "code": code }), &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_execution_with_the_same_spec_is_warm() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], POOL);
    let first = run(&sidecar, "print(1)").await;
    assert_eq!((&first.json["stdout"]["content"], &first.json["warm"]), (&json!("1\n"), &json!(false)));
    sidecar.wait_for(SANDBOX_WAITS);
    let second = run(&sidecar, "print(2)").await;
    assert_eq!((&second.json["stdout"]["content"], &second.json["warm"]), (&json!("2\n"), &json!(true)));
    sidecar.wait_for(SANDBOX_WAITS);
    let metrics = sidecar.client().send("GET", "/metrics", &[], "").await.text;
    for line in ["cofferdam_pool_hits_total 1", "cofferdam_pool_misses_total 1", "cofferdam_pool_waiting 1"] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    sidecar.signal(Signal::TERM);
    assert!(sidecar.end().0.success());
    assert_no_leaks(&dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_minimum_prewarms_a_sandbox_at_startup() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[POOL[0], ("COFFERDAM_POOL__MINIMUM", "1")]);
    assert_eq!(sidecar.client().send("GET", "/readyz", &[], "").await.status, 200);
    sidecar.wait_for(SANDBOX_WAITS);
    assert_eq!(run(&sidecar, "print(1)").await.json["warm"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_finds_no_traces_of_the_previous_one() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], POOL);
    for number in 0..executions() {
        let response = run(&sidecar, TRACES).await;
        assert_eq!(
            (&response.json["stdout"]["content"], &response.json["warm"]),
            (&json!("[]\n"), &json!(number > 0)),
            "{}",
            response.text
        );
        sidecar.wait_for(SANDBOX_WAITS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_cannot_detect_a_prewarmed_sandbox() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], POOL);
    let cold = run(&sidecar, INTERPRETER).await.json;
    sidecar.wait_for(SANDBOX_WAITS);
    let warm = run(&sidecar, INTERPRETER).await.json;
    assert_eq!(warm["warm"], true);
    for what in ["status", "stdout", "stderr"] {
        assert_eq!(warm[what], cold[what]);
    }
    assert_eq!(cold["status"], json!({ "exited": 1 }), "{cold}");
    assert!(
        cold["stderr"]["content"].as_str().is_some_and(|text| text.contains("line 3, in trace")),
        "{cold}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prewarmed_interpreter_receives_the_whole_request() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], POOL);
    let probe = "import os, sys\nprint(sys.argv[1:], os.environ.get('A'), sys.stdin.read())";
    let latin = "# -*- coding: latin-1 -*-\nprint(len('\u{e9}'))";
    for (request, expected) in [
        (json!({ "code": probe, "args": ["x"] }), "['x'] None \n"),
        (json!({ "code": probe, "env": { "A": "1" } }), "[] 1 \n"),
        (json!({ "code": probe, "stdin": "in" }), "[] None in\n"),
        (json!({ "code": latin }), "2\n"),
        (json!({ "code": format!("print(1)\n#{}", "x".repeat(200_000)) }), "1\n"),
        (
            json!({ "code": "print(open('a').read())", "files": [{ "path": "a", "content": "file" }] }),
            "file\n",
        ),
    ] {
        let _ = run(&sidecar, "print()").await;
        sidecar.wait_for(SANDBOX_WAITS);
        let response = sidecar.client().run(&request, &[]).await;
        assert_eq!(
            (&response.json["stdout"]["content"], &response.json["warm"]),
            (&json!(expected), &json!(true)),
            "{request}"
        );
        sidecar.wait_for(SANDBOX_WAITS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_preloaded_modules_reveal_a_prewarmed_sandbox() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[POOL[0], (PRELOAD_MODULES, "[decimal, xml.dom.minidom]")]);
    let imports =
        format!("import decimal, os, xml.dom.minidom\nprint(os.listdir(os.environ['HOME'])){INTERPRETER}");
    let asks = "import sys\nprint('decimal' in sys.modules, 'xml.dom.minidom' in sys.modules)";
    let mut responses = Vec::new();
    for code in [&imports, asks, &imports] {
        responses.push(run(&sidecar, code).await.json);
        sidecar.wait_for(SANDBOX_WAITS);
    }
    let [cold, asked, warm] = &responses[..] else { panic!("{responses:?}") };
    assert_eq!([cold, asked, warm].map(|response| &response["warm"]), [false, true, true]);
    assert_eq!(asked["stdout"]["content"], "True True\n");
    for what in ["status", "stdout", "stderr"] {
        assert_eq!(warm[what], cold[what]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_module_takes_precedence_over_a_preloaded_one() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[POOL[0], (PRELOAD_MODULES, "[decimal]")]);
    run(&sidecar, "print()").await;
    sidecar.wait_for(SANDBOX_WAITS);
    let files = json!([{ "path": "decimal.py", "content": "print('mine')" }]);
    let response = sidecar.client().run(&json!({ "code": "import decimal", "files": files }), &[]).await;
    assert_eq!(
        (&response.json["stdout"]["content"], &response.json["warm"]),
        (&json!("mine\n"), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_cannot_be_preloaded_is_logged_and_programs_still_run() {
    let dir = TestDir::new();
    for (module, reason) in
        [("no_such_module", "No module named 'no_such_module'"), ("this", "The Zen of Python")]
    {
        let mut sidecar = Sidecar::start(&dir, &[], &[POOL[0], (PRELOAD_MODULES, &format!("[{module}]"))]);
        for _ in 0..2 {
            let response = run(&sidecar, "print(1)").await;
            assert_eq!(
                (&response.json["stdout"]["content"], &response.json["warm"]),
                (&json!("1\n"), &json!(false))
            );
        }
        let warning = sidecar.wait_for("no sandbox could be started ahead");
        assert!(warning.contains(reason), "{warning}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_prewarmed_sandbox_is_not_used() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], POOL);
    run(&sidecar, "print(1)").await;
    sidecar.wait_for(SANDBOX_WAITS);
    for process in sandbox_processes(&dir) {
        // Killing one may end others.
        let _ = kill_process(process, Signal::KILL);
    }
    let response = run(&sidecar, "print(2)").await;
    assert_eq!((&response.json["stdout"]["content"], &response.json["warm"]), (&json!("2\n"), &json!(false)));
    let metrics = sidecar.client().send("GET", "/metrics", &[], "").await.text;
    assert!(metrics.contains("cofferdam_pool_unusable_total 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn prewarmed_sandboxes_of_a_killed_sidecar_end() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], POOL);
    run(&sidecar, "print(1)").await;
    sidecar.wait_for(SANDBOX_WAITS);
    sidecar.signal(Signal::KILL);
    sidecar.end();
    // They have to end by themselves. The test's own time limit bounds the wait.
    while leaked_resources(&dir).iter().any(|left| left.starts_with("process")) {
        thread::yield_now();
    }
    assert_eq!(stdout(&dir.run(["gc"])), "deleted the leftovers of 1 execution\n");
    assert_no_leaks(&dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_execution_is_limited_and_cancelled_like_a_cold_one() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], POOL);
    let limits =
        json!({ "wall_time_ms": 500, "memory_bytes": 64 << 20, "disk_bytes": 1 << 20, "processes": 8 });
    for (code, status) in [
        ("while True: pass", json!("timed-out")),
        ("x = bytearray(1 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1", json!("out-of-memory")),
        ("open('f', 'wb').write(bytes(1 << 22))", json!({ "out-of-disk": 1 })),
        (
            "import threading, time\nfor _ in range(50): threading.Thread(target=time.sleep, args=(9,)).start()",
            json!("out-of-processes"),
        ),
    ] {
        let request = |code: &str| json!({ "code": code, "limits": limits });
        let _: Value = sidecar.client().run(&request("print()"), &[]).await.json;
        sidecar.wait_for(SANDBOX_WAITS);
        let response = sidecar.client().run(&request(code), &[]).await;
        assert_eq!(
            (&response.json["status"], &response.json["warm"]),
            (&status, &json!(true)),
            "{}",
            response.text
        );
        sidecar.wait_for(SANDBOX_WAITS);
    }
    let stream = ("accept", "text/event-stream");
    let code = "import time\nprint('now')\ntime.sleep(600)";
    let mut open = sidecar.client().start(&json!({ "code": code, "limits": limits }), &[stream]).await;
    open.read_until("now").await;
    drop(open);
    assert!(sidecar.wait_for("ran id=").contains("status=Cancelled"));
}
