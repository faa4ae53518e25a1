//! Images are loaded onto a file system that is too small, in a mount namespace of the test.

use super::{
    command,
    hostile::{
        archive::{Archive, gzip},
        image::Image,
    },
};
use cofferdam_tests::program::{TestDir, executed_by, stderr, stdout};
use rustix::process::geteuid;
use tar::EntryType;

/// Loads the images onto 8 MiB, lists what is left, and loads them again when there is more space. Standard error
/// follows the output of each.
const SCRIPT: &str = r#"
mount -t tmpfs -o size=8m,mode=700 images images || exit
for image in large compressed; do
    "$@" image load $image 2>&1
    echo "$?"
    find images -type f ! -name lock ! -name index.lock
done
mount -o remount,size=256m images || exit
for image in large compressed; do
    "$@" image load $image 2>&1
done
"#;

#[test]
fn a_full_disk_is_an_error_that_leaves_nothing_and_the_load_works_with_space() {
    let dir = TestDir::new();
    let layer = Archive::default().raw(EntryType::Regular, b"large", &vec![0; 20 << 20], |_| {}).bytes();
    Image::new([layer.clone()]).write(&dir.path().join("large"));
    // Its size is not known before.
    Image::new([]).stored(gzip(&layer), &layer).write(&dir.path().join("compressed"));
    std::fs::create_dir(dir.path().join("images")).expect("a folder");
    let namespace: &[&str] = if geteuid().is_root() { &["--mount"] } else { &["--mount", "--map-root-user"] };
    let mut shell = dir.command("unshare", namespace);
    shell.args(["bash", "-c", SCRIPT, "bash"]);
    let output = executed_by(shell, &command(&dir, &[])).output().expect("unshare");
    let text = stdout(&output);
    let lines: Vec<_> = text.lines().collect();
    let [large, failed, compressed, failed_too, loaded, loaded_too] = *lines else {
        panic!("{text}{}", stderr(&output))
    };
    assert!(large.contains("the image needs at least 21 MiB in the store"), "{text}");
    // The layer has 20 MiB, and its root file system had what was free before it was full.
    assert!(compressed.contains("the image needs at least 8 MiB in the store"), "{text}");
    for (message, free) in [(large, 8), (compressed, 7)] {
        let hint =
            format!("has {free} MiB; free some space, remove images with `cofferdam image prune --all`");
        assert!(message.contains(&hint), "{text}");
    }
    assert_eq!([failed, failed_too], ["125"; 2], "{text}");
    assert_eq!([loaded, loaded_too], ["loaded docker.io/library/hostile:1"; 2], "{text}");
}
