//! Just enough HTTP and WebSocket to say exactly what a test wants to say.

use futures_util::{SinkExt as _, StreamExt as _};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A conformance server that ends with the test.
pub(crate) struct Server {
    address: SocketAddr,
    _stop: watch::Sender<bool>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(crate::server::serve(listener, stopped));
        Self { address, _stop: stop }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks, with a body if it is not empty.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let length = body.len();
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\norigin: http://x\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    /// Sends a request as it is, and reads until the server closes.
    pub(crate) async fn send(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("an answer").unwrap();
        let all = String::from_utf8(all).unwrap();
        let (head, body) = all.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// Sends a request, or a part of one, and goes away after the server had a turn to read it.
    pub(crate) async fn break_off(&self, request: &str) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // The server runs on this thread, too.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    /// Begins a session on polling; its path with the sid.
    pub(crate) async fn polling(&self, path: &str) -> String {
        let opened = self.get(&format!("{path}?EIO=4&transport=polling")).await;
        assert_eq!(opened.status, 200, "{opened:?}");
        let handshake: serde_json::Value =
            serde_json::from_str(opened.body.strip_prefix('0').unwrap()).unwrap();
        let sid = handshake["sid"].as_str().unwrap();
        format!("{path}?EIO=4&transport=polling&sid={sid}")
    }

    /// Opens a WebSocket; an error is the status of the refusal.
    pub(crate) async fn try_socket(&self, path: &str) -> Result<Socket, u16> {
        use tokio_tungstenite::tungstenite::Error;
        match connect_async(format!("ws://{}{path}", self.address)).await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(Error::Http(refused)) => Err(refused.status().as_u16()),
            Err(e) => panic!("{e}"),
        }
    }

    pub(crate) async fn socket(&self, path: &str) -> Socket {
        self.try_socket(path).await.expect("a socket")
    }

    /// Begins a session on a WebSocket, past the handshake.
    pub(crate) async fn opened(&self, path: &str) -> Socket {
        let mut socket = self.socket(&format!("{path}?EIO=4&transport=websocket")).await;
        assert!(socket.text().await.starts_with('0'));
        socket
    }
}

/// An open WebSocket.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn say_bytes(&mut self, bytes: &[u8]) {
        self.0.send(Message::binary(bytes.to_vec())).await.unwrap();
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a message in time") {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
            }
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Some(Message::Text(text)) => text.as_str().to_owned(),
            other => panic!("no text but {other:?}"),
        }
    }

    pub(crate) async fn bytes(&mut self) -> Vec<u8> {
        match self.next().await {
            Some(Message::Binary(bytes)) => bytes.to_vec(),
            other => panic!("no bytes but {other:?}"),
        }
    }

    /// Waits until the server closes; pings may come before that.
    pub(crate) async fn closed(&mut self) {
        while let Some(message) = self.next().await {
            assert_eq!(message, Message::text("2"), "before the end");
        }
    }
}
