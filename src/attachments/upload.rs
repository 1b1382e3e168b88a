//! Reading an upload: one part called `file`, streamed to the disk in constant memory.

use super::{
    names, sniff,
    store::{Draft, Pin, Place, Store},
};
use crate::error::{Error, Result};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use multer::{Constraints, Field, Multipart, SizeLimit};
use std::{
    fmt::Display,
    io,
    pin::Pin as Pinned,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

/// Largest file, bytes.
pub const FILE_MAX: u64 = 25 << 20;

/// Longest body of an upload, bytes: a file, boundaries, heads of parts.
pub const BODY_MAX: u64 = FILE_MAX + (128 << 10);

/// Longest head of a part, bytes; what comes before the first part counts too.
const HEAD_MAX: usize = 64 << 10;

/// Bytes collected before they go to the disk.
const STEP: usize = 256 << 10;

/// How long an upload may take: 25 MB at 28 KB/s.
const UPLOAD_WITHIN: Duration = Duration::from_secs(900);

/// How long an upload may pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How much of a refused upload is read and thrown away, and for how long, so that the sender gets
/// to the answer.
const DRAIN_MAX: usize = 100 << 20;
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// A file that has arrived and lies in its place.
pub struct Received {
    /// Its name, made safe.
    pub filename: String,
    /// What its first bytes say it is.
    pub content_type: &'static str,
    /// Bytes.
    pub size: u64,
    /// Keeps the content until its row is committed.
    pub pin: Pin,
}

/// Reads an upload whole.
///
/// # Errors
/// 400 when it ends too early or cannot be read, 413 above [`FILE_MAX`], 415 when it is no
/// `multipart/form-data`, 422 for a file of zero bytes, none, two, or any other field, 507 without
/// room on the disk. Then nothing of it is left.
pub async fn receive<S, E>(
    store: &Store,
    place: Place,
    content_type: &str,
    body: &mut S,
) -> Result<Received>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Display,
{
    let boundary = multer::parse_boundary(content_type).map_err(unreadable)?;
    let limit = SizeLimit::new().whole_stream(BODY_MAX);
    let constraints = Constraints::new().allowed_fields(vec!["file"]).size_limit(limit);
    let passed = Arc::new(AtomicUsize::new(0));
    let paced = Paced { body, rested: true, passed: passed.clone() };
    let parts = Multipart::with_constraints(paced, boundary, constraints);
    let received = tokio::time::timeout(UPLOAD_WITHIN, one_file(store, parts, &passed)).await;
    drop(place);
    received.unwrap_or_else(|_| Err(Error::Malformed("the upload took too long".into())))
}

async fn one_file(
    store: &Store,
    mut parts: Multipart<'_>,
    passed: &AtomicUsize,
) -> Result<Received> {
    passed.store(0, Ordering::Relaxed);
    let Some(mut field) = in_time(parts.next_field()).await? else {
        return Err(Error::field("file", "is required"));
    };
    let filename = filename(&field);
    let mut growing = Growing::new(store.clone());
    loop {
        // The budget for heads begins anew with each piece of the file.
        passed.store(0, Ordering::Relaxed);
        match in_time(field.chunk()).await? {
            Some(piece) => growing.add(&piece).await?,
            None => break,
        }
    }
    drop(field);
    if in_time(parts.next_field()).await?.is_some() {
        return Err(Error::field("file", "stands there twice: send one file at a time"));
    }
    growing.done(filename).await
}

fn filename(field: &Field<'_>) -> String {
    let extended = || {
        let header = field.headers().get(http::header::CONTENT_DISPOSITION)?;
        names::extended(header.as_bytes())
    };
    names::clean_or_file(extended().as_deref().or(field.file_name()))
}

async fn in_time<T>(reading: impl Future<Output = multer::Result<T>>) -> Result<T> {
    match tokio::time::timeout(PAUSE_MAX, reading).await {
        Ok(read) => read.map_err(unreadable),
        Err(_) => Err(Error::Malformed("the upload paused for too long".into())),
    }
}

fn unreadable(e: multer::Error) -> Error {
    use multer::Error as E;
    match e {
        E::UnknownField { field_name } => {
            let name: String = field_name.unwrap_or_default().chars().take(64).collect();
            Error::field(name, "is not a field of this request: send one part called file")
        }
        E::FieldSizeExceeded { .. } | E::StreamSizeExceeded { .. } => Error::TooLarge(FILE_MAX),
        E::NoMultipart | E::DecodeContentType(_) => Error::UnsupportedMediaType,
        E::NoBoundary => Error::Malformed("the content type names no boundary".into()),
        _ => Error::Malformed("the upload ended too early or is no multipart/form-data".into()),
    }
}

/// A file on its way to the disk.
struct Growing {
    store: Store,
    draft: Option<Draft>,
    waiting: Vec<u8>,
    head: Vec<u8>,
    size: u64,
}

impl Growing {
    fn new(store: Store) -> Self {
        Self { store, draft: None, waiting: Vec::new(), head: Vec::new(), size: 0 }
    }

    async fn add(&mut self, piece: &[u8]) -> Result<()> {
        self.size += piece.len() as u64;
        if self.size > FILE_MAX {
            return Err(Error::TooLarge(FILE_MAX));
        }
        let missing = sniff::HEAD_MAX.saturating_sub(self.head.len());
        self.head.extend(piece.iter().take(missing));
        self.waiting.extend_from_slice(piece);
        if self.waiting.len() >= STEP {
            self.flush().await?;
        }
        Ok(())
    }

    /// Hashing and writing would hold up others on this thread.
    async fn flush(&mut self) -> Result<()> {
        let (store, draft) = (self.store.clone(), self.draft.take());
        let mut bytes = std::mem::take(&mut self.waiting);
        let (draft, bytes) = blocking(move || {
            let mut draft = draft.map_or_else(|| Draft::new(&store), Ok)?;
            draft.write(&bytes)?;
            bytes.clear();
            Ok((draft, bytes))
        })
        .await?;
        (self.draft, self.waiting) = (Some(draft), bytes);
        Ok(())
    }

    async fn done(mut self, filename: String) -> Result<Received> {
        if self.size == 0 {
            return Err(Error::field("file", "is empty"));
        }
        self.flush().await?;
        let draft = self.draft.take().ok_or_else(|| Error::internal("a file without a draft"))?;
        let pin = blocking(move || draft.keep()).await?;
        let content_type = sniff::content_type(&self.head);
        Ok(Received { filename, content_type, size: self.size, pin })
    }
}

async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(job).await.map_err(Error::internal)?
}

/// Reads and forgets the rest of a refused upload: a sender that is cut off while it sends sees a
/// broken connection instead of the reason.
pub async fn drain<S, E>(body: &mut S)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut left = DRAIN_MAX;
    let reading = async {
        while let Some(Ok(piece)) = body.next().await {
            let Some(less) = left.checked_sub(piece.len()) else { return };
            left = less;
        }
    };
    // Who sends for longer than that is cut off.
    drop(tokio::time::timeout(DRAIN_WITHIN, reading).await);
}

/// The body, one piece at a time. The reader of parts takes all there is before it looks at any of
/// it; a rest after each piece keeps that to one piece. And it looks for the end of a part's head
/// without a bound; here is one.
struct Paced<'a, S> {
    body: &'a mut S,
    rested: bool,
    passed: Arc<AtomicUsize>,
}

impl<S, E> Stream for Paced<'_, S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pinned<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let me = self.get_mut();
        if !me.rested {
            me.rested = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if me.passed.load(Ordering::Relaxed) > HEAD_MAX {
            return Poll::Ready(Some(Err(io::Error::other("the head of a part is too long"))));
        }
        match Pinned::new(&mut *me.body).poll_next(cx) {
            Poll::Ready(Some(Ok(piece))) => {
                me.rested = false;
                me.passed.fetch_add(piece.len(), Ordering::Relaxed);
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(e))) => Poll::Ready(Some(Err(io::Error::other(e.to_string())))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}
