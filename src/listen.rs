//! The accept loop: connections in, requests to the router, an end that finishes what is begun.

use crate::http::Peer;
use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::timeout,
};
use tower::Service as _;

/// How long a request's head may take, and how long an idle connection is kept.
const HEAD_WITHIN: Duration = Duration::from_secs(60);

/// Largest head of a request, bytes.
const HEAD_MAX: usize = 32 << 10;

/// Most headers of a request.
const HEADERS_MAX: usize = 64;

/// Connections beside open sockets.
const HTTP_CONNECTIONS: usize = 4_096;

/// A peer that acknowledges nothing of what it was sent for this long is gone. Sockets are pinged,
/// but nobody answers a stream of events, and the kernel would go on trying for a quarter of an
/// hour.
const GONE_AFTER: Duration = Duration::from_secs(30);

/// When told to stop, how often a connection is asked whether it is busy with a request.
const BUSY_LOOK: Duration = Duration::from_millis(300);

/// Serves `listener` until `stop` says so, then waits for open requests.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    sockets_max: usize,
    stop: watch::Receiver<bool>,
) {
    serve_within(HEAD_WITHIN, listener, router, sockets_max, stop).await;
}

async fn serve_within(
    head_within: Duration,
    listener: TcpListener,
    router: Router,
    sockets_max: usize,
    mut stop: watch::Receiver<bool>,
) {
    // A socket gives its place back when it is upgraded, so this bounds requests and handshakes.
    let all = u32::try_from(sockets_max + HTTP_CONNECTIONS).unwrap_or(u32::MAX);
    let places = Arc::new(Semaphore::new(all as usize));
    let mut conn = http1::Builder::new();
    conn.timer(TokioTimer::new())
        .header_read_timeout(head_within)
        .max_buf_size(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .half_close(false);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        match accepted {
            // Full: the newest goes, and its client hears of it at once.
            Ok((stream, peer)) => match places.clone().try_acquire_owned() {
                Ok(place) => {
                    let task = one(stream, peer, router.clone(), conn.clone(), stop.clone());
                    tokio::spawn(async move {
                        task.await;
                        drop(place);
                    });
                }
                Err(_) => tracing::warn!(%peer, "too many connections: one was refused"),
            },
            Err(e) => {
                // No file descriptors, mostly; they come back when others close.
                tracing::warn!(error = %e, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    // Idle connections end at once, the others when their request is answered.
    drop(listener);
    drop(places.acquire_many(all).await);
}

/// Waits until it is time to stop; a sender that is gone says so too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

async fn one(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    conn: http1::Builder,
    mut stop: watch::Receiver<bool>,
) {
    if let Err(e) = stream.set_nodelay(true).and_then(|()| give_up(&stream)) {
        tracing::debug!(error = %e, %peer, "a connection was gone at once");
        return;
    }
    let busy = Arc::new(AtomicBool::new(false));
    let begun = busy.clone();
    let service = service_fn(move |req: Request<Incoming>| {
        let (mut router, busy) = (router.clone(), begun.clone());
        let mut req = req.map(Body::new);
        req.extensions_mut().insert(Peer(peer.ip()));
        busy.store(true, Ordering::Release);
        async move {
            let response = router.call(req).await;
            busy.store(false, Ordering::Release);
            response
        }
    });
    let serving = conn.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stopped(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            loop {
                match timeout(BUSY_LOOK, serving.as_mut()).await {
                    Ok(ended) => break ended,
                    Err(_) if busy.load(Ordering::Acquire) => {}
                    // A browser's spare connection: its request may never come.
                    Err(_) => return,
                }
            }
        }
    };
    if let Err(e) = ended {
        tracing::debug!(error = %e, %peer, "a connection ended badly");
    }
}

/// Lets the kernel end a connection whose peer is gone, where it can.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn give_up(stream: &TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(GONE_AFTER))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn give_up(stream: &TcpStream) -> std::io::Result<()> {
    let alive = socket2::TcpKeepalive::new().with_time(GONE_AFTER);
    socket2::SockRef::from(stream).set_tcp_keepalive(&alive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Neither a head that comes byte by byte nor a connection that asks nothing is kept for long,
    /// and whoever asks in time is answered meanwhile.
    #[tokio::test]
    async fn a_head_must_be_through_in_time_however_busy_its_peer_is() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "here" }));
        let (_stop, stopped) = watch::channel(false);
        let within = Duration::from_millis(400);
        tokio::spawn(serve_within(within, listener, router, 10, stopped));
        let (mut silent, mut slow) = (
            TcpStream::connect(address).await.unwrap(),
            TcpStream::connect(address).await.unwrap(),
        );
        let head = format!("GET / HTTP/1.1\r\nHost: here\r\nX-Long: {}", "x".repeat(20_000));
        let mut sent = 0;
        for byte in head.as_bytes() {
            if slow.write_all(&[*byte]).await.is_err() {
                break;
            }
            sent += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(sent < head.len(), "it was read to the end");
        let mut rest = Vec::new();
        assert_eq!(silent.read_to_end(&mut rest).await.unwrap(), 0);
        let mut quick = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
        quick.write_all(request).await.unwrap();
        quick.read_to_end(&mut rest).await.unwrap();
        assert!(rest.ends_with(b"here"));
    }
}
