//! Crashes while people speak on the telephone: who comes back goes on as if nothing had been, who
//! does not is gone since they were last seen, and a call does not hold its agent for ever.

use crate::{
    harness::{PASSWORD, Server, Session, Socket},
    leaks_world::{id, make},
    wire::{Kept, until},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// Longer than agents have to come back after a start.
const RETURN_MS: i64 = 61_000;

const HOUR_MS: i64 = 3_600_000;

/// Crashes in a row, agents who take calls all the time, and how many
/// steps are acknowledged in the life of a server, at least.
const CRASHES: u64 = 8;
const AGENTS: usize = 3;
const LIFE: u64 = 60;

fn ms(at: &Value) -> i64 {
    let at: jiff::Timestamp = at.as_str().expect("a time").parse().expect("RFC 3339");
    at.as_millisecond()
}

/// The same person at the server as it is now.
fn again(server: &Server, who: &Session) -> Session {
    Session::login(&server.api(), who.email(), PASSWORD)
}

fn available(who: &Session) {
    who.post("/api/v1/agent-state/me", &json!({ "state": "available" })).expect(200);
}

fn mine(who: &Session) -> Value {
    who.get("/api/v1/agent-state/me").expect(200).data()
}

/// A call that this agent has answered; its path.
fn answered_by(who: &Session) -> String {
    let new = json!({ "direction": "inbound", "from_number": "+49 30 987654", "queue": "sales" });
    let call = format!("/api/v1/calls/{}", id(&make(who, "/calls", new)));
    who.post(&format!("{call}/answer"), &json!({})).expect(200);
    call
}

/// An agent's intervals, the newest first.
fn intervals(of: &Session) -> Vec<Value> {
    let path = format!("/api/v1/agent-state/{}/history?limit=500", of.id());
    of.get(&path).expect(200).data().as_array().unwrap().clone()
}

/// The intervals follow each other without a hole; answers for how long they were on calls.
fn adds_up(intervals: &[Value]) -> i64 {
    for pair in intervals.windows(2) {
        let [later, earlier] = pair else { unreachable!() };
        assert_eq!(later["started_at"], earlier["ended_at"], "{pair:#?}");
        let took = ms(&earlier["ended_at"]) - ms(&earlier["started_at"]);
        assert_eq!(earlier["duration_ms"], took, "{earlier}");
        assert!(took >= 0, "{earlier}");
    }
    let on_call = intervals.iter().filter(|interval| interval["state"] == "on_call");
    on_call.filter_map(|interval| interval["duration_ms"].as_i64()).sum()
}

fn times_add_up(call: &Value) {
    let part = |name: &str| call[name].as_i64().unwrap_or(0);
    let whole = ms(&call["ended_at"]) - ms(&call["started_at"]);
    assert_eq!(part("wait_ms") + part("talk_ms") + part("hold_ms"), whole, "{call}");
}

#[test]
fn who_returns_after_a_crash_is_still_in_the_call_and_who_does_not_goes_when_it_is_over() {
    let server = Server::start();
    let admin = server.admin();
    let agents = ["back", "gone", "idle"].map(|_| admin.new_user("agent"));
    let sockets = [0, 1, 2].map(|at| Socket::open(&agents[at]));
    agents.iter().for_each(available);
    let calls = [0, 1].map(|at| answered_by(&agents[at]));
    let before = [0, 1, 2].map(|at| intervals(&agents[at])[0].clone());
    server.advance_ms(5_000);
    let server = server.kill9().start();
    drop(sockets);
    let admin = again(&server, &admin);
    let [back, gone, idle] = [0, 1, 2].map(|at| again(&server, &agents[at]));
    for agent in [&back, &gone] {
        assert_eq!(mine(agent)["state"], "on_call", "a crash ends nobody's call");
    }
    let _socket = Socket::open(&back);
    until("they are back", || {
        let here = admin.get("/api/v1/ws/online").data();
        let ids = here.as_array().unwrap().iter().map(|row| row["user_id"].clone());
        ids.into_iter().any(|user| user == back.id()).then_some(())
    });
    server.advance_ms(RETURN_MS);
    closed_at_the_last_heartbeat(&idle, &before[2]);
    let there = mine(&gone);
    assert_eq!((&there["state"], &there["next_state"]), (&json!("on_call"), &json!("offline")));
    assert_eq!(mine(&back)["next_state"], Value::Null);
    for (agent, before) in [(&back, &before[0]), (&gone, &before[1])] {
        assert_eq!(&intervals(agent)[0], before, "one interval across the crash");
    }
    ends(&admin, (&back, &calls[0]), "available");
    ends(&admin, (&gone, &calls[1]), "offline");
}

/// Who is not back is offline since they came, which was before the five seconds.
fn closed_at_the_last_heartbeat(idle: &Session, before: &Value) {
    let offline = until("who is not back is offline", || {
        let now = mine(idle);
        (now["state"] == "offline").then_some(now)
    });
    assert_eq!(offline["reason"], "connection_lost");
    let [last, waited] = [0, 1].map(|at| intervals(idle)[at].clone());
    assert_eq!((&waited["id"], &waited["state"]), (&before["id"], &json!("available")));
    assert_eq!(last["started_at"], waited["ended_at"]);
    let seen = ms(&waited["ended_at"]) - ms(&waited["started_at"]);
    assert!((0..5_000).contains(&seen), "not after the restart: {waited}");
}

/// The call ends, the agent writes it up, and was in the call for as long as it lasted.
fn ends(admin: &Session, (agent, call): (&Session, &str), after: &str) {
    let over = admin.post(&format!("{call}/end"), &json!({})).expect(200).data();
    assert_eq!(over["result"], "answered");
    assert!(over["talk_ms"].as_i64() >= Some(RETURN_MS), "{over}");
    times_add_up(&over);
    assert_eq!(mine(agent)["state"], "wrap_up");
    agent.post(&format!("{call}/wrapup"), &json!({ "note": "went on" })).expect(200);
    assert_eq!(mine(agent)["state"], after);
    assert_eq!(adds_up(&intervals(agent)), over["talk_ms"].as_i64().unwrap());
}

#[test]
fn a_call_whose_end_was_lost_in_a_crash_ends_after_four_silent_hours_and_frees_its_agent() {
    let server = Server::start();
    let admin = server.admin();
    let agents = [admin.new_user("agent"), admin.new_user("agent")];
    agents.iter().for_each(available);
    let [silent, alive] = [0, 1].map(|at| answered_by(&agents[at]));
    let server = server.kill9().start();
    server.advance_ms(3 * HOUR_MS);
    let holder = again(&server, &agents[1]);
    holder.post(&format!("{alive}/hold"), &json!({})).expect(200);
    server.advance_ms(HOUR_MS + 1_000);
    let admin = again(&server, &admin);
    let over = until("the silent call is over", || {
        let call = admin.get(&silent).data();
        (call["status"] == "ended").then_some(call)
    });
    assert_eq!(over["result"], "unknown");
    times_add_up(&over);
    assert_eq!(admin.get(&alive).data()["status"], "on_hold", "this one was heard of");
    let [freed, holder] = [0, 1].map(|at| again(&server, &agents[at]));
    assert_eq!(mine(&holder)["state"], "on_call");
    server.advance_ms(31_000);
    until("the agent is free", || (mine(&freed)["state"] == "available").then_some(()));
    let talk = over["talk_ms"].as_i64().unwrap();
    assert_eq!(adds_up(&intervals(&freed)), talk);
}

/// What one agent was told of their calls: paths with the last step that was acknowledged, `closed`
/// for those that a crash left open.
type Told = HashMap<String, &'static str>;

const STEPS: [&str; 5] = ["answer", "hold", "resume", "end", "wrapup"];

/// Ends what the crash left open, then takes one call after the other until the server is gone.
fn works(
    address: SocketAddr,
    token: &str,
    told: &mut Told,
    so_far: &AtomicU64,
) -> std::io::Result<()> {
    let mut kept = Kept::connect(address, token)?;
    let open = told.iter().filter(|(_, step)| !["wrapup", "closed"].contains(step));
    let open: Vec<String> = open.map(|(call, _)| call.clone()).collect();
    for call in open {
        for step in ["end", "wrapup"] {
            good(kept.post(&format!("{call}/{step}"), &json!({}))?);
        }
        told.insert(call, "closed");
    }
    loop {
        let new = json!({ "direction": "inbound", "from_number": "+49 30 1234", "queue": "sales" });
        let call = good(kept.post("/api/v1/calls", &new)?);
        let call = format!("/api/v1/calls/{}", call["id"].as_str().unwrap());
        told.insert(call.clone(), "created");
        for step in STEPS {
            good(kept.post(&format!("{call}/{step}"), &json!({}))?);
            told.insert(call.clone(), step);
            so_far.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn good((status, said): (u16, Value)) -> Value {
    assert!(status == 200 || status == 201, "{status} {said}");
    said["data"].clone()
}

#[test]
fn crashes_during_calls_lose_no_acknowledged_step_and_leave_no_hole_in_anybodys_time() {
    let server = Server::start();
    let admin = server.admin();
    let agents: Vec<Session> = (0..AGENTS).map(|_| admin.new_user("agent")).collect();
    agents.iter().for_each(available);
    let mut told: Vec<Told> = vec![Told::new(); AGENTS];
    let mut server = server;
    let so_far = Arc::new(AtomicU64::new(0));
    for crash in 0..CRASHES {
        let address = server.address;
        let enough = so_far.load(Ordering::Relaxed) + LIFE + crash * 37 % 100;
        let workers: Vec<_> = told
            .drain(..)
            .zip(&agents)
            .map(|(mut told, agent)| {
                let (token, so_far) = (agent.token().to_owned(), so_far.clone());
                thread::spawn(move || {
                    let gone = works(address, &token, &mut told, &so_far);
                    assert!(gone.is_err(), "it goes on until the server is gone");
                    told
                })
            })
            .collect();
        until("enough is done", || (so_far.load(Ordering::Relaxed) >= enough).then_some(()));
        let setup = server.kill9();
        told = workers.into_iter().map(|worker| worker.join().expect("a worker")).collect();
        server = setup.start();
    }
    let admin = again(&server, &admin);
    let mut finished = 0;
    for (told, agent) in told.iter().zip(&agents) {
        let agent = again(&server, agent);
        let mut in_calls = 0;
        for (path, step) in told {
            // Whoever was not answered has their end missed: it is said now.
            admin.post(&format!("{path}/end"), &json!({})).expect(200);
            let call = admin.get(path).expect(200).data();
            times_add_up(&call);
            let reached = |wanted: &str| STEPS.iter().position(|s| s == step) >= at(wanted);
            assert!(!reached("answer") || call["answered_at"].is_string(), "{step}: {call}");
            assert!(!reached("hold") || call["hold_ms"].is_i64(), "{step}: {call}");
            finished += usize::from(reached("wrapup"));
            for part in call["parts"].as_array().unwrap() {
                assert_eq!(part["agent_id"], agent.id());
                in_calls += ms(&part["ended_at"]) - ms(&part["started_at"]);
            }
        }
        assert_eq!(adds_up(&intervals(&agent)), in_calls, "{}", agent.email());
    }
    assert!(finished >= 10, "too little went on to prove anything: {finished}");
    let calls: usize = told.iter().map(HashMap::len).sum();
    let known = admin.get("/api/v1/calls?per_page=1").meta()["total"].as_i64().unwrap();
    // Of each crash, every agent may have one call more that nobody heard of.
    let unheard = i64::try_from(CRASHES).unwrap() * i64::try_from(AGENTS).unwrap();
    let calls = i64::try_from(calls).unwrap();
    assert!((calls..=calls + unheard).contains(&known), "{known} of {calls}");
}

fn at(wanted: &str) -> Option<usize> {
    STEPS.iter().position(|step| *step == wanted)
}
