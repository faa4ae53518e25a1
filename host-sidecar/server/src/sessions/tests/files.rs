//! Files of sessions.

use super::{
    file_store::{HALF, SHRINKS},
    *,
};
use cofferdam_client::{BodyChannel, Download};
use cofferdam_types::{Error, ErrorCode};
use std::io::Read;

async fn read(mut download: Download) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(bytes) = download.next().await.expect("bytes") {
        all.extend(bytes);
    }
    all
}

/// A body of these pieces, which come by and by.
fn body(pieces: Vec<Result<Vec<u8>, Error>>) -> BodyChannel {
    let (sender, body) = BodyChannel::new();
    tokio::spawn(async move {
        for piece in pieces {
            if sender.send(piece.map(Into::into)).await.is_err() {
                return;
            }
        }
    });
    body
}

#[tokio::test]
async fn a_file_with_any_name_and_bytes_is_written_and_read() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let name = b"/work/a \xff&?+%";
    let pieces = bytes.chunks(70_000).map(|piece| Ok(piece.to_vec())).collect();
    client.write_file(&id, name, 0o640, body(pieces)).await.expect("written");
    let download = client.read_file(&id, name).await.expect("a file");
    assert_eq!(download.mode(), Some(0o640));
    assert!(read(download).await == bytes);
    let entry = client.stat(&id, name).await.expect("a file");
    assert_eq!((entry.size, entry.path_bytes.as_deref()), (1_200_000, Some("L3dvcmsvYSD/Jj8rJQ==")));
    let head = sidecar
        .raw("HEAD", &format!("/v1/sessions/{id}/files?path=/work/a%20%FF%26%3F%2B%25"), &[], "")
        .await;
    assert!(head.head.contains("content-length: 1200000") && head.body.is_empty(), "{}", head.head);
}

#[tokio::test]
async fn a_file_carries_headers_that_no_browser_runs_it_with() {
    let sidecar = Sidecar::start();
    let id = sidecar.session().await;
    let path = format!("/v1/sessions/{id}/files?path=/a.html");
    assert_eq!(sidecar.raw("PUT", &path, &[], "<script>").await.status, 204);
    let response = sidecar.raw("GET", &path, &[], "").await;
    for header in [
        "content-type: application/octet-stream",
        "content-security-policy: sandbox",
        "x-content-type-options: nosniff",
        "content-disposition: attachment",
        "cofferdam-mode: 640",
        "cofferdam-modified-ms: 1500",
    ] {
        assert!(response.head.contains(header), "{header}\n{}", response.head);
    }
}

#[tokio::test]
async fn a_write_that_is_cut_changes_nothing() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    client.write_file(&id, b"/f", 0o600, body(vec![Ok(b"old".into())])).await.expect("written");
    let fails = Err(Error::new(ErrorCode::InvalidRequest, "unreadable"));
    let error = client.write_file(&id, b"/f", 0o600, body(vec![Ok(b"new".into()), fails])).await;
    assert_eq!(error.expect_err("cut").message, "unreadable");
    assert_eq!(read(client.read_file(&id, b"/f").await.expect("a file")).await, b"old");
}

#[tokio::test]
async fn a_write_whose_bytes_do_not_come_is_answered_at_the_end_of_the_session() {
    let sidecar = Sidecar::start();
    let client = sidecar.client("ada");
    for call in ["", "/tar"] {
        let id = sidecar.session().await;
        let (sender, body) = BodyChannel::new();
        let writing = tokio::spawn({
            let (id, client) = (id.clone(), client.clone());
            async move {
                match call {
                    "" => client.write_file(&id, b"/f", 0o600, body).await,
                    _ => client.write_tree(&id, b"/t", body).await,
                }
            }
        });
        while client.session(&id).await.expect("a session").executions == 0 {}
        client.close_session(&id).await.expect("closed");
        let error = writing.await.expect("no panic").expect_err("the session has ended");
        assert_eq!(error.code, ErrorCode::Gone, "{error}");
        drop(sender);
    }
}

#[tokio::test]
async fn a_download_that_ends_early_says_why() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    let read_all = async || {
        let mut download = client.read_tree(&id, SHRINKS).await?;
        while download.next().await?.is_some() {}
        Ok::<_, Error>(())
    };
    let error = read_all().await.expect_err("cut");
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("a file has changed"), "{error}");
    let mut cut = client.read_file(&id, HALF).await.expect("a file");
    assert_eq!(cut.next().await.expect("the first half").as_deref(), Some(&b"ha"[..]));
    client.close_session(&id).await.expect("closed");
    let error = cut.next().await.expect_err("cut");
    assert_eq!(error.code, ErrorCode::Gone);
    assert!(error.message.contains("was closed"), "{error}");
}

#[tokio::test]
async fn files_are_listed_moved_and_removed() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    for name in [&b"/d/a"[..], b"/d/b"] {
        client.write_file(&id, name, 0o600, body(vec![Ok(b"x".into())])).await.expect("written");
    }
    let files = format!("/v1/sessions/{id}/files");
    let list = async || sidecar.raw("GET", &format!("{files}/list?path=/d&depth=2"), &[], "").await.body;
    let all = list().await;
    assert!(all.contains(r#"{"path":"a","kind":"file","size":0"#) && all.contains(r#""path":"b""#), "{all}");
    for (method, path, status) in [
        ("POST", "/move?from=/d/a&to=/e", 204),
        ("POST", "/move?from=/d/a&to=/e", 404),
        ("POST", "/directories?path=/n", 204),
        ("DELETE", "?path=/d/b", 204),
        ("DELETE", "?path=/d/b", 404),
        ("GET", "/stat?path=/e", 200),
    ] {
        assert_eq!(sidecar.raw(method, &format!("{files}{path}"), &[], "").await.status, status, "{path}");
    }
    assert_eq!(list().await, r#"{"entries":[]}"#);
}

#[tokio::test]
async fn a_directory_is_an_archive_in_both_directions() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in [("a", vec![1; 700]), ("d/b", vec![]), ("d/c", vec![2; 200_000])] {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, &content[..]).expect("an entry");
    }
    let archive = archive.into_inner().expect("an archive");
    let pieces = archive.chunks(1000).map(|piece| Ok(piece.to_vec())).collect();
    client.write_tree(&id, b"/t", body(pieces)).await.expect("written");
    let read = read(client.read_tree(&id, b"/t").await.expect("an archive")).await;
    let mut found = Vec::new();
    for entry in tar::Archive::new(&read[..]).entries().expect("entries") {
        let (mut entry, mut content) = (entry.expect("an entry"), Vec::new());
        entry.read_to_end(&mut content).expect("content");
        found.push((String::from_utf8_lossy(&entry.path_bytes()).into_owned(), content.len()));
    }
    assert_eq!(found, [("a".into(), 700), ("d/b".into(), 0), ("d/c".into(), 200_000)]);
    let cut = client.write_tree(&id, b"/u", body(vec![Ok(archive[..1000].into())])).await.expect_err("cut");
    assert_eq!(cut.message, "the archive is incomplete");
}

#[tokio::test]
async fn changes_are_events() {
    let sidecar = Sidecar::start();
    let id = sidecar.session().await;
    let mut stream = sidecar.begin("GET", &format!("/v1/sessions/{id}/files/watch?path=/d"), &[], "").await;
    let mut text = String::new();
    while !text.contains("event: overflow") {
        let mut chunk = [0; 1000];
        let length = stream.read(&mut chunk).await.expect("events");
        assert!(length > 0, "{text}");
        text.push_str(std::str::from_utf8(&chunk[..length]).expect("text"));
    }
    for event in [
        "event: watching\ndata: {\"watching\":true}\n\n",
        "event: changed\ndata: {\"changed\":{\"kind\":\"created\",\"path\":\"a\u{fffd}\",\"path_bytes\":\"Yf8=\"}}\n\n",
        "event: overflow\ndata: {\"overflow\":true}\n\n",
    ] {
        assert!(text.contains(event), "{text}");
    }
}
