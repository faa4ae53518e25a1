use super::*;
use crate::inputs::{CHUNK, EntryKind, InputEntry, InputPart, Inputs};
use cofferdam_types::{Error, ErrorCode};
use std::{
    env, fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    process,
};

/// A folder of one test, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("cofferdam-local-input-{}-{name}", process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, content: &str, mode: u32) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }

    /// The parts, or the message of the error.
    async fn parts(&self, path: &str) -> Result<Vec<InputPart>, String> {
        parts_of(stream([Ok(LocalInput::open(&self.0, path).expect("a folder"))].into_iter())).await
    }
}

async fn parts_of(mut inputs: Inputs) -> Result<Vec<InputPart>, String> {
    let mut parts = Vec::new();
    loop {
        match inputs.next().await.map_err(|error| error.message)? {
            InputPart::End => return Ok(parts),
            part => parts.push(part),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn entry(path: &str, kind: EntryKind) -> InputPart {
    InputPart::Entry(InputEntry { path: path.into(), kind })
}

#[tokio::test]
async fn a_folder_has_its_files_modes_links_and_empty_folders() {
    let folder = Folder::new("whole");
    folder.write("b/run.sh", "12", 0o4750);
    folder.write("a", "", 0o400);
    fs::create_dir(folder.0.join("empty")).expect("a folder");
    for (name, mode) in [("", 0o755), ("b", 0o700), ("empty", 0o755)] {
        fs::set_permissions(folder.0.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    symlink("../a", folder.0.join("b/link")).expect("a link");
    let expected = |path: &dyn Fn(&str) -> String| {
        vec![
            entry(&path("a"), EntryKind::File(0o400)),
            entry(&path("b"), EntryKind::Directory(0o700)),
            entry(&path("b/link"), EntryKind::Link("../a".into())),
            entry(&path("b/run.sh"), EntryKind::File(0o750)),
            InputPart::Content(b"12".to_vec()),
            entry(&path("empty"), EntryKind::Directory(0o755)),
        ]
    };
    assert_eq!(folder.parts("").await, Ok(expected(&str::to_owned)));
    let mut below = vec![entry("x/y", EntryKind::Directory(0o755))];
    below.extend(expected(&|path| format!("x/y/{path}")));
    assert_eq!(folder.parts("x/y").await, Ok(below));
}

#[tokio::test]
async fn what_is_no_file_or_leads_out_is_refused_by_its_name() {
    let link = |target: &'static str| move |path: &Path| symlink(target, path).expect("a link");
    let fifo = |path: &Path| rustix::fs::mkfifoat(CWD, path, Mode::RUSR).expect("a FIFO");
    let socket = |path: &Path| drop(UnixListener::bind(path).expect("a socket"));
    type Make<'a> = &'a dyn Fn(&Path);
    let makes: [(&str, Make<'_>, &str); 5] = [
        ("fifo", &fifo, "is a FIFO"),
        ("socket", &socket, "is a socket"),
        ("absolute", &link("/etc/passwd"), "leads out of the folder"),
        ("outside", &link("../../x"), "leads out of the folder"),
        ("loop", &link("../.."), "leads out of the folder"),
    ];
    for (name, make, part) in makes {
        let folder = Folder::new(name);
        fs::create_dir(folder.0.join("sub")).expect("a folder");
        make(&folder.0.join("sub").join(name));
        let error = folder.parts("d").await.expect_err("refused");
        assert!(error.contains(&format!("sub/{name}` ")) && error.contains(part), "{error}");
    }
    assert!(
        LocalInput::open(Path::new("/dev/null"), "n")
            .is_err_and(|error| error.to_string().contains("device"))
    );
}

#[tokio::test]
async fn a_name_that_cannot_be_sent_is_refused() {
    let folder = Folder::new("names");
    let odd = folder.0.join(std::ffi::OsStr::from_bytes(b"a\xff"));
    fs::write(&odd, "").expect("a file");
    assert!(folder.parts("").await.is_err_and(|error| error.contains("not UTF-8")));
    fs::remove_file(odd).expect("removed");
    folder.write(&"n".repeat(255), "", 0o644);
    assert!(folder.parts("").await.is_ok());
    assert!(folder.parts("d").await.is_err_and(|error| error.contains("longer than 255 bytes")));
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_refused() {
    for length in [0, 3 * CHUNK as u64, 100 * CHUNK as u64] {
        let folder = Folder::new(&format!("changes-{length}"));
        folder.write("f", "", 0o644);
        let file = fs::OpenOptions::new().write(true).open(folder.0.join("f")).expect("a file");
        file.set_len(50 * CHUNK as u64).expect("a length");
        let source = LocalInput::open(&folder.0.join("f"), "f").expect("a file");
        let mut inputs = stream([Ok(source)].into_iter());
        assert_eq!(inputs.next().await, Ok(entry("f", EntryKind::File(0o644))));
        // The thread has read no more than waits in the channel.
        file.set_len(length).expect("a length");
        let error = loop {
            match inputs.next().await {
                Ok(InputPart::Content(_)) => {}
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert!(error.message.contains("changed while it was read"), "{error}");
    }
}

#[tokio::test]
async fn a_file_without_a_length_is_refused_by_that_reason() {
    let source = LocalInput::open(Path::new("/proc/self/status"), "f").expect("a file");
    let error = parts_of(stream([Ok(source)].into_iter())).await.expect_err("refused");
    assert!(error.starts_with("`/proc/self/status` has another length"), "{error}");
}

#[tokio::test]
async fn what_is_opened_below_a_folder_is_below_it() {
    let folder = Folder::new("beneath");
    folder.write("in/a", "1", 0o644);
    folder.write("in/sub/b", "22", 0o644);
    folder.write("outside", "secret", 0o644);
    symlink("sub/../a", folder.0.join("in/inside")).expect("a link");
    symlink("../outside", folder.0.join("in/out")).expect("a link");
    symlink("..", folder.0.join("in/sub/up")).expect("a link");
    rustix::fs::mkfifoat(CWD, folder.0.join("in/fifo"), Mode::RUSR).expect("a FIFO");
    let directory = folder.0.join("in");
    let open = |local: &str| LocalInput::open_beneath(&directory, local, "x");
    for (local, bytes) in [("a", 1), ("sub/b", 2), ("./sub/../a", 1), ("inside", 1), ("sub/up/a", 1)] {
        let parts = parts_of(stream([Ok(open(local).expect(local))].into_iter())).await.expect("parts");
        let content = InputPart::Content(vec![b'0' + bytes; usize::from(bytes)]);
        assert_eq!(parts, [entry("x", EntryKind::File(0o644)), content], "{local}");
    }
    assert!(open("sub").is_ok_and(|input| input.length().is_none()));
    let absolute = folder.0.join("in/a");
    for local in
        ["../outside", "sub/../../outside", "out", "sub/up/../outside", absolute.to_str().expect("UTF-8")]
    {
        assert!(open(local).is_err_and(|error| error.to_string() == "leads out of the folder"), "{local}");
    }
    for (local, part) in
        [("none", "No such file"), ("a/b", "Not a directory"), ("fifo", "is a FIFO"), ("a\0", "")]
    {
        assert!(open(local).is_err_and(|error| error.to_string().contains(part)), "{local}");
    }
}

#[test]
fn nothing_is_read_before_it_is_wanted() {
    // One thread, so that what comes later waits for what was started before.
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.max_blocking_threads(1).build().expect("a runtime");
    runtime.block_on(async {
        let (sender, is_taken) = std::sync::mpsc::channel();
        let mut inputs = stream(std::iter::once_with(move || {
            sender.send(()).expect("a test");
            Err(Error::new(ErrorCode::InvalidRequest, "none"))
        }));
        tokio::task::yield_now().await;
        tokio::task::spawn_blocking(|| ()).await.expect("a thread");
        assert!(is_taken.try_recv().is_err());
        assert!(inputs.next().await.is_err());
        assert!(is_taken.try_recv().is_ok());
    });
}
