//! Tests of uploads, from the bytes of the body to the bytes on the disk.

use super::{files, reopened, store};
use crate::{
    attachments::{
        store::{Settings, Store, hex},
        upload::{FILE_MAX, Received, drain, receive},
    },
    error::{Error, Result},
    id::UserId,
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use sha2::{Digest as _, Sha256};
use std::{
    convert::Infallible,
    io::Read as _,
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll},
};

const SIZE: usize = 25 << 20;
const FORM: &str = "multipart/form-data; boundary=XyZ";

fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let mut part =
        format!("--XyZ\r\nContent-Disposition: form-data; {disposition}\r\n").into_bytes();
    part.extend(b"Content-Type: text/html\r\n\r\n");
    part.extend(content);
    part.extend(b"\r\n");
    part
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), b"--XyZ--\r\n".to_vec()].concat()
}

fn one(disposition: &str, content: &[u8]) -> Vec<u8> {
    form(&[part(disposition, content)])
}

/// A body that comes in pieces of `size` bytes.
fn body(bytes: &[u8], size: usize) -> impl Stream<Item = Result<Bytes, Infallible>> + Unpin {
    let pieces: Vec<_> = bytes.chunks(size).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    stream::iter(pieces)
}

async fn sent(store: &Store, bytes: &[u8], size: usize) -> Result<Received> {
    let place = store.admit(UserId::new(0))?;
    receive(store, place, FORM, &mut body(bytes, size)).await
}

fn error(outcome: Result<Received>) -> Error {
    outcome.err().expect("it must fail")
}

/// Whatever the pieces it comes in, the file is the same, and lies where its hash says.
#[tokio::test]
async fn a_file_lies_under_its_hash_whatever_pieces_it_came_in() {
    let content: Vec<u8> = (0..70_000_u32).map(|n| (n % 251) as u8).collect();
    let tricky = [&content[..], b"\r\n--Xy\r\n--xyz\r\r\n--"].concat();
    let bytes = one("name=\"file\"; filename=\"a b.bin\"", &tricky);
    let digest = hex(&Sha256::digest(&tricky));
    for size in [1, 7, 1_000, 32_768, bytes.len()] {
        let (store, folder) = store();
        // One byte a time is slow; the end of the file is where it is tricky.
        if size == 1 {
            let small = one("name=file; filename=x", b"\r\n--Xy-\r\r\n-");
            let received = sent(&store, &small, 1).await.unwrap();
            assert_eq!(received.size, 11);
            continue;
        }
        let received = sent(&store, &bytes, size).await.unwrap();
        assert_eq!((received.filename.as_str(), received.size), ("a b.bin", tricky.len() as u64));
        assert_eq!(hex(&received.pin.digest), digest);
        let root = folder.path().join("attachments");
        let place = format!("{}/{}/{digest}", &digest[..2], &digest[2..4]);
        assert_eq!(files(&root), [PathBuf::from(place)]);
        let mut read = Vec::new();
        store.read(&received.pin.digest).unwrap().0.read_to_end(&mut read).unwrap();
        assert!(read == tricky);
    }
}

/// The bytes decide what it is, and the name is made safe.
#[tokio::test]
async fn what_the_sender_claims_is_not_believed() {
    let (store, _folder) = store();
    for (disposition, content, name, kind) in [
        ("name=\"file\"; filename=\"../../x.png\"", &b"<script>"[..], "x.png", "text/plain"),
        ("name=\"file\"; filename=\"a.txt\"", b"\x89PNG\r\n\x1a\n\0", "a.txt", "image/png"),
        ("name=\"file\"", b"\0", "file", "application/octet-stream"),
        ("name=file; filename=a.png; filename*=UTF-8''%C3%A4.png", b"x", "ä.png", "text/plain"),
    ] {
        let received = sent(&store, &one(disposition, content), 100).await.unwrap();
        assert_eq!((received.filename.as_str(), received.content_type), (name, kind));
    }
    let long = format!("name=file; filename=\"{}.png\"", "n".repeat(10_000));
    let received = sent(&store, &one(&long, b"x"), 4_096).await.unwrap();
    assert_eq!(received.filename.len(), 255);
}

/// Each fault has its status, and nothing stays on the disk.
#[tokio::test]
async fn a_bad_upload_is_told_why_and_leaves_nothing() {
    let (store, folder) = store();
    let whole = one("name=file; filename=a", &[b'x'; 600_000]);
    for cut in [0, 1, 20, 60, 90, 100_000, 599_000, whole.len() - 9] {
        let told = error(sent(&store, &whole[..cut], 5_000).await);
        assert!(matches!(told, Error::Malformed(_)), "{cut}: {told:?}");
    }
    let field = |told: Error| match told {
        Error::Invalid(fields) => fields[0].field.clone(),
        other => panic!("{other:?}"),
    };
    let small = || part("name=file; filename=a", b"x");
    for (bytes, named) in [
        (one("name=file; filename=a", b""), "file"),
        (form(&[]), "file"),
        (form(&[small(), small()]), "file"),
        (form(&[small(), part("name=note", b"x")]), "note"),
        (one("name=upload; filename=a", b"x"), "upload"),
        (one("filename=a", b"x"), ""),
    ] {
        assert_eq!(field(error(sent(&store, &bytes, 5_000).await)), named);
    }
    for bytes in [
        &b"not a form at all"[..],
        b"--XyZ\r\nno header\r\n\r\nx\r\n--XyZ--\r\n",
        &one("name=file; filename=\"a\0b\"", b"x"),
        b"--Other\r\n\r\n--Other--\r\n",
    ] {
        assert!(matches!(error(sent(&store, bytes, 5_000).await), Error::Malformed(_)));
    }
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

/// What is no form is 415, and a form must say where its parts end.
#[tokio::test]
async fn only_forms_are_read() {
    let (store, _folder) = store();
    let bytes = one("name=file; filename=a", b"x");
    for (content_type, status) in [
        ("application/json", 415),
        ("", 415),
        ("multipart/mixed; boundary=XyZ", 415),
        ("multipart/form-data", 400),
    ] {
        let place = store.admit(UserId::new(0)).unwrap();
        let told = error(receive(&store, place, content_type, &mut body(&bytes, 100)).await);
        let got = match told {
            Error::UnsupportedMediaType => 415,
            Error::Malformed(_) => 400,
            other => panic!("{other:?}"),
        };
        assert_eq!(got, status, "{content_type}");
    }
}

/// A body without an end that counts how much of it was taken.
struct Endless {
    piece: Bytes,
    first: Option<Bytes>,
    taken: usize,
}

impl Stream for Endless {
    type Item = Result<Bytes, Infallible>;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = self.first.take().unwrap_or_else(|| self.piece.clone());
        self.taken += piece.len();
        Poll::Ready(Some(Ok(piece)))
    }
}

fn endless(begin: &[u8], of: u8) -> Endless {
    let first = Some(Bytes::copy_from_slice(begin));
    Endless { piece: Bytes::from(vec![of; 32 << 10]), first, taken: 0 }
}

/// No more is read than a bound allows: not of a file, not of the head of a part, and not of what
/// stands before or after the parts.
#[tokio::test]
async fn what_does_not_end_is_given_up() {
    let (store, folder) = store();
    let file = b"--XyZ\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n";
    let head = b"--XyZ\r\nContent-Disposition: form-data; name=file; filename=a";
    let after = one("name=file; filename=a", b"x");
    let after = &after[..after.len() - 4];
    for (begin, of, most, too_large) in [
        (&file[..], b'x', SIZE + (128 << 10) + (64 << 10), true),
        (head, b'x', 192 << 10, false),
        (b"", b'-', 192 << 10, false),
        (after, b' ', 192 << 10, false),
    ] {
        let mut body = endless(begin, of);
        let place = store.admit(UserId::new(0)).unwrap();
        let told = error(receive(&store, place, FORM, &mut body).await);
        assert_eq!(matches!(told, Error::TooLarge(FILE_MAX)), too_large, "{told:?}");
        assert!(too_large || matches!(told, Error::Malformed(_)), "{told:?}");
        assert!(body.taken <= most, "{} of {most}", body.taken);
    }
    let mut body = endless(b"", b'x');
    drain(&mut body).await;
    assert!(body.taken < 128 << 20);
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

/// A file as large as allowed is taken, one byte more is not.
#[tokio::test]
async fn the_largest_file_is_taken() {
    let (store, _folder) = store();
    let content = vec![b'x'; SIZE];
    let received = sent(&store, &one("name=file; filename=a", &content), 64 << 10).await.unwrap();
    assert_eq!(received.size, FILE_MAX);
    let content = vec![b'x'; SIZE + 1];
    let told = error(sent(&store, &one("name=file; filename=a", &content), 64 << 10).await);
    assert!(matches!(told, Error::TooLarge(FILE_MAX)), "{told:?}");
}

/// What a crash leaves half done goes at the next start; whole contents stay.
#[tokio::test]
async fn a_start_removes_broken_uploads() {
    let (store, folder) = store();
    let received = sent(&store, &one("name=file; filename=a", b"kept"), 100).await.unwrap();
    let drafts = folder.path().join("attachments/tmp");
    std::fs::write(drafts.join("half"), b"ke").unwrap();
    drop(store);
    let store = reopened(folder.path());
    assert_eq!(files(&drafts), Vec::<PathBuf>::new());
    assert_eq!(store.read(&received.pin.digest).unwrap().1, 4);
}

/// Nobody fills all places, and nothing is taken in when the disk is nearly full.
#[tokio::test]
async fn uploads_are_few_and_a_full_disk_takes_none() {
    let (store, folder) = store();
    let (mara, ines) = (UserId::new(0), UserId::new(0));
    let own: Vec<_> = (0..4).map(|_| store.admit(mara).unwrap()).collect();
    assert!(matches!(store.admit(mara), Err(Error::Busy(_))));
    let others: Vec<_> = (0..28).map(|_| store.admit(UserId::new(0)).unwrap()).collect();
    assert!(matches!(store.admit(ines), Err(Error::Busy(_))));
    drop(own);
    assert!(store.admit(mara).is_ok() && store.admit(ines).is_ok());
    drop(others);

    let full = folder.path().join("full");
    let settings = Settings { folder: full, key: [7; 64], refuse_below_bytes: u64::MAX };
    let full = Store::open(settings).unwrap();
    assert!(!cfg!(unix) || matches!(full.admit(mara), Err(Error::Full)));
}

/// The same content is stored once; it goes when no row names it and no upload is about to.
#[tokio::test]
async fn a_content_goes_when_nothing_names_it() {
    let (store, folder) = store();
    let bytes = one("name=file; filename=a", b"shared");
    let first = sent(&store, &bytes, 100).await.unwrap();
    let second = sent(&store, &bytes, 100).await.unwrap();
    let digest = first.pin.digest;
    assert_eq!((files(folder.path()).len(), second.pin.digest), (1, digest));
    assert_eq!(store.contents(digest[0]).unwrap(), [digest]);
    assert!(store.contents(!digest[0]).unwrap().is_empty());
    drop(first);
    assert!(!store.release(&digest, || Ok(false)).unwrap(), "an upload still pins it");
    drop(second);
    assert!(store.take_loose().contains(&digest));
    assert!(!store.release(&digest, || Ok(true)).unwrap(), "a row names it");
    assert!(store.release(&digest, || Err(Error::Full)).is_err());
    assert!(store.release(&digest, || Ok(false)).unwrap());
    assert!(!store.release(&digest, || Ok(false)).unwrap());
    assert!(store.read(&digest).is_err() && files(folder.path()).is_empty());
}
