//! A hundred cuts while ten thousand events are written: whoever listens at whatever door, and
//! comes back with what they know, has heard all that was acknowledged, once and in order.
//!
//! Connections are closed, reset, cut half way in a message, or go down without a word to the
//! server; the server is killed and comes back at the same address. What stands between client and
//! server is a proxy of the test's own, which drops what it carries without a FIN: that is what a
//! link that is down looks like to both, and it asks for no rights that a test may not have.
//! `DESKBELL_TEST_SEED=<number>` plays the same dice again.

#![allow(clippy::print_stdout, reason = "shown when the test fails, and with `--nocapture`")]

mod ask;
mod link;
mod listeners;
mod scene;
mod writers;

use crate::{crash::Dice, harness::Server, wire::until};
use link::{Cut, Link};
use listeners::{Door, END, Listener};
use scene::Scene;
use serde_json::json;
use std::{collections::HashMap, sync::Arc, thread, time::Instant};
use writers::{Acknowledged, Whom, Writer};

const EVENTS: usize = 10_000;
const WRITERS: usize = 4;
const CUTS: usize = 100;

/// So many of the cuts are the death of the server.
const KILLS: usize = 8;

/// A cut half way comes within so many bytes.
const HALF_WAY_MAX: u64 = 3_000;

/// Cuts everything there is, one cut each time so many more events were acknowledged.
fn cut_all(dice: &mut Dice, scene: &Scene, links: &[Link], mut server: Server) -> Server {
    let mut kills: Vec<usize> = Vec::new();
    while kills.len() < KILLS {
        let at = usize::try_from(dice.roll(CUTS as u64)).unwrap();
        if !kills.contains(&at) {
            kills.push(at);
        }
    }
    let mut made: HashMap<&str, usize> = HashMap::new();
    for n in 0..CUTS {
        scene.wait_for_acknowledged(n * EVENTS / CUTS);
        if kills.contains(&n) {
            let setup = server.kill9();
            scene.set_server(None);
            server = setup.start();
            scene.set_server(Some(server.address));
            *made.entry("killed").or_default() += 1;
            continue;
        }
        let (name, how) = match dice.roll(4) {
            0 => ("closed", Cut::Close),
            1 => ("reset", Cut::Reset),
            2 => ("half way", Cut::After(i64::try_from(dice.roll(HALF_WAY_MAX)).unwrap())),
            _ => ("silent", Cut::Silent),
        };
        let first = usize::try_from(dice.roll(links.len() as u64)).unwrap();
        until("somebody is connected", || {
            let mut from_there = links.iter().cycle().skip(first).take(links.len());
            from_there.any(|link| link.cut(how)).then_some(())
        });
        *made.entry(name).or_default() += 1;
    }
    println!("{made:?}");
    assert_eq!(made.values().sum::<usize>(), CUTS);
    server
}

/// A server that is to be found again at the same address, with room for many connections.
pub(crate) fn at_a_port_of_its_own() -> Server {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = free.to_string();
    Server::with(|setup| setup.env("WS_MAX_PER_USER", "1000").env("SERVER_PORT", &port))
}

#[test]
fn a_hundred_cuts_lose_double_and_reorder_nothing_at_any_door() {
    let (began, mut dice) = (Instant::now(), Dice::new());
    let server = at_a_port_of_its_own();
    let admin = server.admin();
    let (agent, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    let (scene, since) = (Arc::new(Scene::default()), admin.latest_seq());
    scene.set_server(Some(server.address));
    let listeners: Vec<Listener> = [&agent, &customer]
        .iter()
        .flat_map(|who| Door::ALL.map(|door| Listener::new(door, &scene, who, since)))
        .collect();
    let writers: Vec<Writer> = (0..WRITERS)
        .map(|name| Writer {
            name,
            link: Link::to(&scene),
            token: admin.token().to_owned(),
            agent: agent.id().to_owned(),
            customer: customer.id().to_owned(),
            dice: dice.another(),
        })
        .collect();
    let links: Vec<Link> = listeners
        .iter()
        .map(|listener| listener.link.clone())
        .chain(writers.iter().map(|writer| writer.link.clone()))
        .collect();
    let listening: Vec<_> =
        listeners.into_iter().map(|listener| thread::spawn(move || listener.listen())).collect();
    scene.wait_for_ready(listening.len());
    let writing: Vec<_> = writers
        .into_iter()
        .map(|writer| {
            let scene = scene.clone();
            thread::spawn(move || writer.write(&scene, EVENTS / WRITERS))
        })
        .collect();
    let server = cut_all(&mut dice, &scene, &links, server);
    let mut acknowledged: Vec<Acknowledged> =
        writing.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect();
    acknowledged.sort_by_key(|event| event.seq);
    let end = json!({ "type": END, "data": {}, "room": "everyone" });
    server.admin().post("/api/v1/events", &end).expect(201);
    for listener in listening {
        judge(&listener.join().expect("a listener"), &agent.user, &acknowledged);
    }
    scene.end();
    println!("{EVENTS} events, {CUTS} cuts: {:?}", began.elapsed());
}

/// Makes sure that a listener heard exactly what was acknowledged and for them.
fn judge(listener: &Listener, agent: &serde_json::Value, acknowledged: &[Acknowledged]) {
    let is_agent = listener.who.user["id"] == agent["id"];
    let is_theirs = |event: &&Acknowledged| match event.whom {
        Whom::Everyone => true,
        Whom::Tenant | Whom::Agent => is_agent,
        Whom::Customer => !is_agent,
    };
    let expected: Vec<(i64, String)> =
        acknowledged.iter().filter(is_theirs).map(|e| (e.seq, e.mark.clone())).collect();
    let who = format!("{:?} of the {}", listener.door, if is_agent { "agent" } else { "customer" });
    println!(
        "{who}: {} heard, {} doubled, came {} times",
        listener.heard.len(),
        listener.doubled,
        listener.comings
    );
    let difference = expected.iter().zip(&listener.heard).find(|(a, b)| a != b);
    assert!(difference.is_none(), "{who}: expected and heard {difference:?}");
    assert_eq!(listener.heard.len(), expected.len(), "{who}");
    assert_eq!(listener.doubled, 0, "{who}");
}
