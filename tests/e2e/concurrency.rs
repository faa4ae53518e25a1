//! Concurrent executions.

use cofferdam_tests::program::{TestDir, stderr, stdout};
use std::thread;

#[test]
fn twenty_concurrent_executions_succeed() {
    let dir = TestDir::new();
    dir.write("p.py", "import sys; print(sum(range(100_000)), sys.argv[1])");
    let outputs: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..20)
            .map(|number| {
                let dir = &dir;
                scope.spawn(move || dir.run(["run", "p.py", "--", &number.to_string()]))
            })
            .collect();
        runs.into_iter().map(|run| run.join().expect("a run")).collect()
    });
    for (number, output) in outputs.iter().enumerate() {
        assert_eq!((stdout(output), stderr(output)), (format!("4999950000 {number}\n"), String::new()));
    }
    super::cleanup::assert_no_leaks(&dir);
}
