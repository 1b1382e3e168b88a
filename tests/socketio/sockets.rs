//! Socket.IO as its clients see it: what the protocol's own suite asks for, and what it does not.

use crate::wire::{Server, Socket};
use serde_json::Value;
use std::time::{Duration, Instant};

const PATH: &str = "/socket.io/";

/// A socket in the main namespace, past its consent and the `auth` event.
async fn connected(server: &Server) -> Socket {
    let mut socket = server.opened(PATH).await;
    socket.say("40").await;
    assert!(socket.text().await.starts_with("40{\"sid\":"));
    assert_eq!(socket.text().await, r#"42["auth",{}]"#);
    socket
}

#[tokio::test]
async fn namespaces_are_joined_with_and_without_words() {
    let server = Server::start().await;
    for (knock, consent, auth) in [
        ("40", "40", r#"42["auth",{}]"#),
        (r#"40{"token":"123"}"#, "40", r#"42["auth",{"token":"123"}]"#),
        ("40/custom,", "40/custom,", r#"42/custom,["auth",{}]"#),
        ("40/custom", "40/custom,", r#"42/custom,["auth",{}]"#),
        (r#"40/custom,{"token":"abc"}"#, "40/custom,", r#"42/custom,["auth",{"token":"abc"}]"#),
    ] {
        let mut socket = server.opened(PATH).await;
        socket.say(knock).await;
        let text = socket.text().await;
        let said: Value = serde_json::from_str(text.strip_prefix(consent).unwrap()).unwrap();
        assert_eq!(said.as_object().unwrap().keys().collect::<Vec<_>>(), ["sid"], "{knock}");
        assert_eq!(socket.text().await, auth);
    }
}

#[tokio::test]
async fn an_unknown_namespace_is_refused_and_the_session_stands() {
    let server = Server::start().await;
    let mut socket = server.opened(PATH).await;
    socket.say("40/random").await;
    assert_eq!(socket.text().await, r#"44/random,{"message":"Invalid namespace"}"#);
    socket.say("40").await;
    assert!(socket.text().await.starts_with("40{"));
}

#[tokio::test]
async fn a_session_that_joins_nothing_ends() {
    let server = Server::start().await;
    let began = Instant::now();
    let mut socket = server.opened(PATH).await;
    while let Some(message) = socket.next().await {
        assert_eq!(message.into_text().unwrap(), "2");
        socket.say("3").await;
    }
    assert!(began.elapsed() > Duration::from_millis(950), "{:?}", began.elapsed());
}

/// Each of these is no mistake that a client makes.
#[tokio::test]
async fn what_is_no_packet_or_comes_at_the_wrong_time_ends_the_session() {
    let server = Server::start().await;
    for text in ["4abc", "4", "42[\"message\"]", "41", "43/custom,1[]", "40[1]"] {
        let mut socket = server.opened(PATH).await;
        socket.say(text).await;
        socket.closed().await;
    }
    for text in [
        "4abc",
        "42{}",
        "42[]",
        r#"42["connect"]"#,
        r#"42abc["message-with-ack",1,"2",{"3":[false]}]"#,
        r#"42/custom,["message"]"#,
        "40",
        "44{}",
        r#"452["message"]"#,
        r#"4599-["message"]"#,
    ] {
        let mut socket = connected(&server).await;
        socket.say(text).await;
        socket.closed().await;
    }
}

#[tokio::test]
async fn a_client_leaves_a_namespace_and_stays_in_the_others() {
    let server = Server::start().await;
    let mut socket = connected(&server).await;
    socket.say("40/custom").await;
    assert!(socket.text().await.starts_with("40/custom,{"));
    socket.text().await;
    socket.say("41/custom").await;
    socket.say(r#"42["message","message to main namespace"]"#).await;
    assert_eq!(socket.text().await, r#"42["message-back","message to main namespace"]"#);
    // And comes back.
    socket.say("40/custom,").await;
    assert!(socket.text().await.starts_with("40/custom,{"));
    socket.text().await;
    socket.say("41").await;
    assert_eq!(socket.text().await, "2", "the session stands");
}

#[tokio::test]
async fn events_come_back_with_their_arguments() {
    let server = Server::start().await;
    let mut socket = connected(&server).await;
    socket.say(r#"42["message",1,"2",{"3":[true]}]"#).await;
    assert_eq!(socket.text().await, r#"42["message-back",1,"2",{"3":[true]}]"#);
    socket.say(r#"42456["message-with-ack",1,"2",{"3":[false]}]"#).await;
    assert_eq!(socket.text().await, r#"43456[1,"2",{"3":[false]}]"#);
    socket.say(r#"42["message"]"#).await;
    assert_eq!(socket.text().await, r#"42["message-back"]"#);
}

#[tokio::test]
async fn events_come_back_with_their_attachments() {
    let server = Server::start().await;
    let mut socket = connected(&server).await;
    let places = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
    for (sent, back) in [
        (format!(r#"452-["message",{places}]"#), format!(r#"452-["message-back",{places}]"#)),
        (format!(r#"452-789["message-with-ack",{places}]"#), format!("462-789[{places}]")),
    ] {
        socket.say(&sent).await;
        socket.say_bytes(&[1, 2, 3]).await;
        socket.say_bytes(&[4, 5, 6]).await;
        assert_eq!(socket.text().await, back);
        assert_eq!(socket.bytes().await, [1, 2, 3]);
        assert_eq!(socket.bytes().await, [4, 5, 6]);
    }
}

#[tokio::test]
async fn attachments_go_by_polling_too() {
    let server = Server::start().await;
    let session = server.polling(PATH).await;
    let sent = "40\x1e451-[\"message\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID";
    assert_eq!(server.ask("POST", &session, sent).await.status, 200);
    let polled = server.get(&session).await.body;
    let packets: Vec<_> = polled.split('\x1e').collect();
    assert!(packets[0].starts_with("40{"), "{polled}");
    let back = r#"451-["message-back",{"_placeholder":true,"num":0}]"#;
    assert_eq!(packets[1..], [r#"42["auth",{}]"#, back, "bAQID"]);
}

#[tokio::test]
async fn attachments_out_of_turn_end_the_session() {
    let server = Server::start().await;
    let mut socket = connected(&server).await;
    socket.say_bytes(&[1]).await;
    socket.closed().await;
    let mut socket = connected(&server).await;
    socket.say(r#"451-["message",{"_placeholder":true,"num":0}]"#).await;
    socket.say(r#"42["message"]"#).await;
    socket.closed().await;
}
