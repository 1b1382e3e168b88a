//! Plain WebSocket, as the suites of RFC 6455 use it.

use crate::wire::Server;

#[tokio::test]
async fn messages_of_every_length_come_back() {
    let server = Server::start().await;
    for path in ["/", "/echo"] {
        let mut socket = server.socket(path).await;
        for len in [0, 1, 125, 126, 65_535, 65_536, 16 << 20] {
            let text = "x".repeat(len);
            socket.say(&text).await;
            assert!(socket.text().await == text, "{len}");
            socket.say_bytes(text.as_bytes()).await;
            assert!(socket.bytes().await == text.as_bytes(), "{len}");
        }
    }
    let refused = server.get("/echo").await;
    assert_eq!(refused.status, 400, "{refused:?}");
}
