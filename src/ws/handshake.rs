//! The WebSocket handshake (RFC 6455 §4.2), which gives the bare TCP stream back.

use crate::error::{Error, Result};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Bytes the kernel may hold for one socket: more would hide that a reader has stopped.
const SEND_BUFFER: usize = 64 << 10;

/// A handshake that is in order.
pub struct Handshake {
    accept: String,
    upgrading: OnUpgrade,
}

impl Handshake {
    /// Checks a request.
    ///
    /// # Errors
    /// [`Error::Malformed`] for what is no WebSocket handshake.
    pub fn of(req: &mut Request) -> Result<Self> {
        let accept = derive_accept_key(key(req.headers())?.as_bytes());
        let upgrading = req
            .extensions_mut()
            .remove::<OnUpgrade>()
            .ok_or_else(|| Error::Malformed("this connection cannot be upgraded".into()))?;
        Ok(Self { accept, upgrading })
    }

    /// The answer that switches protocols.
    ///
    /// # Errors
    /// Only when it cannot be put together.
    pub fn answer(&self, protocol: Option<&'static str>) -> Result<Response> {
        let mut response = Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_ACCEPT, &self.accept);
        if let Some(protocol) = protocol {
            response = response.header(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        response.body(axum::body::Body::empty()).map_err(Error::internal)
    }

    /// The stream, once the answer is on the wire, and what the client has sent on it already.
    ///
    /// # Errors
    /// When the client went away, or the connection is no plain TCP stream.
    pub async fn stream(self) -> Result<(Arc<TcpStream>, Vec<u8>)> {
        let upgraded = self.upgrading.await.map_err(Error::internal)?;
        let parts = upgraded
            .downcast::<TokioIo<TcpStream>>()
            .map_err(|_| Error::internal("the connection is no TCP stream"))?;
        let stream = parts.io.into_inner();
        forget_reader(&stream);
        socket2::SockRef::from(&stream)
            .set_send_buffer_size(SEND_BUFFER)
            .map_err(Error::internal)?;
        // Copied, mostly nothing: the buffer it stands in has 8 KiB and would stay with the socket.
        Ok((Arc::new(stream), parts.read_buf.to_vec()))
    }
}

/// The stream still knows the task that read the request, and would keep its memory for good.
fn forget_reader(stream: &TcpStream) {
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    drop(stream.poll_read_ready(&mut nobody));
}

/// Checks the request's headers; returns its key.
fn key(headers: &HeaderMap) -> Result<&HeaderValue> {
    let has = |name, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let is_upgrade = has(header::UPGRADE, "websocket") && has(header::CONNECTION, "upgrade");
    if !is_upgrade || !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(Error::Malformed("this path answers WebSocket (version 13) only".into()));
    }
    headers
        .get(header::SEC_WEBSOCKET_KEY)
        .ok_or_else(|| Error::Malformed("the Sec-WebSocket-Key is missing".into()))
}
