use super::*;
use proptest::prelude::*;
use tar::Builder;

/// Decodes a whole archive that comes in pieces of this size.
fn decode(archive: &[u8], size: usize) -> Result<WholeEntries, String> {
    let entries = decode_archive(archive, size).map_err(|error| error.to_string())?;
    entries.ok_or_else(|| "incomplete".into())
}

fn header(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o100_750);
    header.set_size(size);
    header
}

fn archive(add: impl FnOnce(&mut Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    add(&mut builder);
    builder.into_inner().expect("an archive")
}

fn file(path: &str) -> InputEntry {
    InputEntry { path: path.into(), kind: EntryKind::File(0o750) }
}

#[test]
fn every_kind_of_entry_is_decoded() {
    let long = format!("d/{}/f", "x".repeat(150));
    let bytes = archive(|builder| {
        builder.append_data(&mut header(EntryType::Directory, 0), "./", &b""[..]).expect("an entry");
        builder.append_data(&mut header(EntryType::Directory, 0), "d/", &b""[..]).expect("an entry");
        builder.append_data(&mut header(EntryType::Regular, 3), &long, &b"abc"[..]).expect("an entry");
        builder.append_link(&mut header(EntryType::Symlink, 0), "l", "t".repeat(150)).expect("an entry");
        builder.append_pax_extensions([("path", &b"p\xc3\xb6"[..]), ("size", b"600")]).expect("an extension");
        builder.append_data(&mut header(EntryType::Regular, 600), "short", &[1; 600][..]).expect("an entry");
    });
    let expected = vec![
        (InputEntry { path: "d".into(), kind: EntryKind::Directory(0o750) }, vec![]),
        (file(&long), b"abc".to_vec()),
        (InputEntry { path: "l".into(), kind: EntryKind::Link("t".repeat(150)) }, vec![]),
        (file("pö"), vec![1; 600]),
    ];
    for size in [1, 7, 512, 513, bytes.len()] {
        assert_eq!(decode(&bytes, size), Ok(expected.clone()), "{size}");
    }
    // Some programs write no end, or more after it.
    assert_eq!(decode(&bytes[..bytes.len() - 1024], 512), Ok(expected.clone()));
    assert_eq!(decode(&[&bytes[..], &[9; 5000]].concat(), 512), Ok(expected));
}

#[test]
fn what_cannot_be_written_is_refused_with_its_name() {
    let with = |kind, path: &'static [u8]| {
        archive(|builder| {
            let mut header = header(kind, 0);
            header.as_gnu_mut().expect("a header").name[..path.len()].copy_from_slice(path);
            header.set_cksum();
            builder.append(&header, &b""[..]).expect("an entry");
        })
    };
    for (bytes, part) in [
        (with(EntryType::Regular, b"/etc/passwd"), "has the path `/etc/passwd`, which leads out"),
        (with(EntryType::Regular, b"a/../../b"), "has the path `a/../../b`, which leads out"),
        (with(EntryType::Regular, b"a\xff"), "which is not UTF-8"),
        (with(EntryType::Link, b"h"), "has the entry `h`, which is a hard link"),
        (with(EntryType::Fifo, b"f"), "has the entry `f`, which is neither a file"),
        (with(EntryType::Char, b"c"), "has the entry `c`, which is neither a file"),
        (with(EntryType::Regular, b"./"), "has a file or a link without a name"),
        (with(EntryType::Symlink, b"."), "has a file or a link without a name"),
        (vec![b'x'; 1024], "wrong checksum"),
    ] {
        let error = decode(&bytes, 512).expect_err(part);
        assert!(error.contains(part) && error.starts_with("the archive "), "{error}");
    }
}

#[test]
fn an_extension_is_bounded_and_a_cut_archive_is_incomplete() {
    let bytes = archive(|builder| {
        builder.append(&header_of(EntryType::GNULongName, MAX_EXTENSION + 1), &b""[..]).expect("an entry");
    });
    assert!(decode(&bytes, 512).is_err_and(|error| error.contains("too long")));
    let bytes = archive(|builder| {
        builder.append_data(&mut header(EntryType::Regular, 700), "f", &[1; 700][..]).expect("an entry");
    });
    for length in [1, 511, 513, 1024, 1300] {
        assert_eq!(decode(&bytes[..length], 512), Err("incomplete".into()), "{length}");
    }
}

fn header_of(kind: EntryType, size: u64) -> Header {
    let mut header = header(kind, size);
    header.set_cksum();
    header
}

proptest! {
    #[test]
    fn any_files_are_decoded_however_the_archive_is_split(
        files in prop::collection::vec(("[a-z]{1,120}(/[a-z]{1,90}){0,2}", prop::collection::vec(any::<u8>(), 0..1500)), 0..5),
        size in 1_usize..2000,
    ) {
        let bytes = archive(|builder| {
            for (path, content) in &files {
                let mut header = header(EntryType::Regular, content.len() as u64);
                builder.append_data(&mut header, path, &content[..]).expect("an entry");
            }
        });
        let expected: Vec<_> = files.into_iter().map(|(path, content)| (file(&path), content)).collect();
        prop_assert_eq!(decode(&bytes, size), Ok(expected));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000), size in 1_usize..1000) {
        let _ = decode(&bytes, size);
    }
}
