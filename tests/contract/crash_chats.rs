//! Crashes while people write to each other: every message that was acknowledged is there, once, in
//! the order in which it was written, also when it had to be sent again.

use crate::{
    harness::{PASSWORD, Server, Session},
    leaks_world::{id, make},
    wire::{Kept, until},
};
use serde_json::{Value, json};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

const CRASHES: u64 = 6;

/// Messages that are acknowledged in the life of a server, at least.
const LIFE: u64 = 40;

/// Messages of a page.
const PAGE: usize = 200;

/// Who writes, and how far they are.
struct Writer {
    name: &'static str,
    token: String,
    /// The message that they are about to send, or to send again.
    next: u64,
    acknowledged: Vec<(u64, i64)>,
    /// Messages of all writers.
    so_far: Arc<AtomicU64>,
}

impl Writer {
    fn new(name: &'static str, who: &Session, so_far: &Arc<AtomicU64>) -> Self {
        let (token, so_far) = (who.token().to_owned(), so_far.clone());
        Self { name, token, next: 1, acknowledged: Vec::new(), so_far }
    }

    /// Writes one message after the other until the server is gone.
    fn write(&mut self, address: SocketAddr, chat: &str) -> io::Result<()> {
        let mut kept = Kept::connect(address, &self.token)?;
        loop {
            let mark = format!("{}-{}", self.name, self.next);
            let message = json!({ "body": mark, "client_msg_id": mark });
            let (status, said) = kept.post(&format!("{chat}/messages"), &message)?;
            // 200: it was taken before the crash, and nobody could say so.
            assert!(status == 201 || status == 200, "{status} {said}");
            let number = said["data"]["number"].as_i64().expect("a number");
            self.acknowledged.push((self.next, number));
            self.next += 1;
            self.so_far.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn crashes_while_people_write_lose_no_message_and_double_none() {
    let mut server = Server::start();
    let admin = server.admin();
    let [customer, agent] = ["customer", "agent"].map(|role| admin.new_user(role));
    let chat = make(&customer, "/chats", json!({ "body": "The kettle is cold." }));
    let chat = format!("/api/v1/chats/{}", id(&chat));
    let so_far = Arc::new(AtomicU64::new(0));
    let people = [("customer", &customer), ("agent", &agent)];
    let mut writers = Vec::from(people.map(|(name, who)| Writer::new(name, who, &so_far)));
    for crash in 0..CRASHES {
        let address = server.address;
        let enough = so_far.load(Ordering::Relaxed) + LIFE + crash * 53 % 100;
        let threads: Vec<_> = writers
            .drain(..)
            .map(|mut writer| {
                let chat = chat.clone();
                thread::spawn(move || {
                    assert!(writer.write(address, &chat).is_err(), "until the server is gone");
                    writer
                })
            })
            .collect();
        until("enough is written", || (so_far.load(Ordering::Relaxed) >= enough).then_some(()));
        let setup = server.kill9();
        writers = threads.into_iter().map(|thread| thread.join().expect("a writer")).collect();
        server = setup.start();
    }
    let admin = Session::login(&server.api(), admin.email(), PASSWORD);
    let messages = all(&admin, &chat);
    let numbers: Vec<i64> = messages.iter().map(|m| m["number"].as_i64().unwrap()).collect();
    let expected: Vec<i64> = (1..=i64::try_from(messages.len()).unwrap()).collect();
    assert_eq!(numbers, expected, "numbered without a gap");
    for Writer { name, next, acknowledged, .. } in &writers {
        assert!(acknowledged.len() >= 20, "too little was written: {}", acknowledged.len());
        let own = messages.iter().filter_map(|message| {
            let number = message["body"].as_str()?.strip_prefix(&format!("{name}-"))?.parse();
            Some((number.expect("a number"), message["number"].as_i64()?))
        });
        let own: Vec<(u64, i64)> = own.collect();
        assert_eq!(own[..acknowledged.len()], acknowledged[..], "{name}");
        // The last one may have been taken without an answer.
        let unanswered = own.get(acknowledged.len()..).unwrap();
        assert!(unanswered.iter().map(|(n, _)| *n).eq((*next..).take(unanswered.len())));
        assert!(unanswered.len() <= 1, "{unanswered:?}");
    }
    assert_eq!(admin.get(&chat).data()["message_count"], messages.len());
}

/// All messages of a chat in the order of writing.
fn all(who: &Session, chat: &str) -> Vec<Value> {
    let mut messages: Vec<Value> = Vec::new();
    loop {
        let after = messages.last().map_or(0, |last| last["number"].as_i64().unwrap());
        let path = format!("{chat}/messages?after={after}&limit={PAGE}");
        let page = who.get(&path).expect(200).data();
        match page.as_array().unwrap().as_slice() {
            [] => return messages,
            page => messages.extend(page.iter().cloned()),
        }
    }
}
