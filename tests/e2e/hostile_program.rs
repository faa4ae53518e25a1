//! Programs that attack the runner: the limits hold, and the status is correct.

use cofferdam_tests::program::{TestDir, stderr, stdout};

/// The status and the standard output of an execution.
fn run(program: &str, options: &[&str]) -> (serde_json::Value, String) {
    let dir = TestDir::new();
    dir.write("p.py", program);
    let output = dir.run(["run", "--json"].iter().chain(options).chain(&["p.py"]));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert!(json.is_object(), "{} {}", stdout(&output), stderr(&output));
    super::cleanup::assert_no_leaks(&dir);
    (json["status"].clone(), json["stdout"]["content"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_program_that_reads_its_own_output_still_times_out() {
    let program = "\
import os
mine = os.open('/proc/self/fd/1', os.O_RDONLY | os.O_NONBLOCK)
while True:
    os.write(1, b'x')
    try:
        os.read(mine, 1)
    except BlockingIOError:
        pass";
    assert_eq!(run(program, &["--timeout", "2"]).0, "timed-out");
}

#[test]
fn an_output_pipe_that_stays_open_does_not_block_the_result() {
    let program = "\
import array, socket
a, b = socket.socketpair()
fds = array.array('i', [b.fileno(), a.fileno(), 1])
a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
print('done')";
    assert_eq!(run(program, &["--timeout", "60"]), (serde_json::json!({ "exited": 0 }), "done\n".into()));
}

#[test]
fn memfd_contents_count_as_memory() {
    let program = "\
import os
f = os.memfd_create('m')
for _ in range(256):
    os.write(f, bytes(1 << 20))
print('held')";
    assert_eq!(run(program, &["--memory", "64Mi"]).0, "out-of-memory");
}

#[test]
fn a_tmpfs_mounted_by_the_program_counts_as_memory() {
    let program = "\
import ctypes, os, time
libc = ctypes.CDLL(None)
assert libc.unshare(0x10000000 | 0x00020000) == 0
assert libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0
with open('/tmp/f', 'wb') as f:
    for _ in range(256):
        f.write(bytes(1 << 20))
print('held')";
    assert_eq!(run(program, &["--memory", "64Mi", "--disk", "16Mi"]).0, "out-of-memory");
}

#[test]
fn output_buffered_by_the_runner_is_not_charged_to_the_program() {
    let program = "\
import os
for _ in range(50):
    os.write(1, bytes(1 << 20))
    os.write(2, bytes(1 << 20))";
    let options = ["--memory", "24Mi", "--output-limit", "24Mi"];
    assert_eq!(run(program, &options).0, serde_json::json!({ "exited": 0 }));
}

#[test]
fn many_hard_links_do_not_change_the_exit_status() {
    let program = "\
import os
open('f', 'w').close()
for name in range(120_000):
    os.link('f', f'l{name}')";
    let options = ["--collect", "**", "--timeout", "60"];
    assert_eq!(run(program, &options).0, serde_json::json!({ "exited": 0 }));
}
