//! The benches themselves: each runs through with small numbers and says what it found as JSON.
//!
//! A bench fails when an event is lost, doubled or out of order, so these runs check that too.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that trips over something fails, which is what it is for"
)]

use serde_json::Value;
use std::process::Command;

/// Runs `deskbell bench …` for a second; returns its `results`.
fn bench(args: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_deskbell"))
        .arg("bench")
        .args(args)
        .args(["--seconds", "1", "--json"])
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {} {said}", output.status);
    let mut json: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    assert_eq!(json["bench"], args[0]);
    assert!(json["machine"]["cores"].as_u64() > Some(0));
    json["results"].take()
}

/// Each figure is there and above 0, but for those that only Linux tells.
fn assert_positive(section: &Value, figures: &[&str]) {
    for name in figures {
        let figure = &section[name];
        let told = figure.as_f64().is_some_and(|value| value > 0.0);
        let untold = figure.is_null() && cfg!(not(target_os = "linux"));
        assert!(told || (untold && name.starts_with("server_")), "{name} is {figure}");
    }
    assert!(section["p50_ms"].as_f64() <= section["p99_ms"].as_f64());
    assert!(section["p99_ms"].as_f64() <= section["max_ms"].as_f64());
}

const LATENCIES: [&str; 3] = ["p50_ms", "p99_ms", "max_ms"];

/// Every acknowledged event is in the log, and the figures say how fast.
#[test]
fn ingest_measures_durable_creates() {
    let results = bench(&["ingest", "--clients", "4", "--endpoints", "3"]);
    let creates = &results["creates"];
    assert_positive(creates, &LATENCIES);
    assert_positive(creates, &["per_s", "server_us", "server_cores", "server_rss_kib"]);
    assert_positive(creates, &["acknowledged", "database_bytes"]);
    assert!(creates["acknowledged"].as_f64() >= creates["per_s"].as_f64());
}

/// Every client hears every message, one at a time and with several under way.
#[test]
fn fanout_measures_deliveries_to_sockets() {
    let results = bench(&["fanout", "--clients", "20", "--outstanding", "4"]);
    assert_eq!(results["idle"]["clients"], 20);
    for round in ["outstanding_1", "outstanding_4"] {
        let round = &results[round];
        assert_positive(round, &LATENCIES);
        assert_positive(round, &["messages_per_s", "deliveries_per_s", "server_us"]);
        let messages = round["messages_per_s"].as_f64().unwrap_or_default();
        let deliveries = round["deliveries_per_s"].as_f64().unwrap_or_default();
        assert!((deliveries / messages - 20.0).abs() < 0.01, "{deliveries} of {messages}");
    }
}

/// Every event comes once to the receiver that wants it, and is settled.
#[test]
fn webhooks_measures_deliveries_to_receivers() {
    let results = bench(&["webhooks", "--receivers", "3", "--events", "300", "--rate", "50"]);
    assert_positive(&results["gentle"], &LATENCIES);
    // So few take less CPU than a tick.
    assert_positive(&results["events"], &["per_s"]);
    assert_positive(&results["heap"], &["per_s", "published_s", "settled_s", "server_us"]);
}

/// Socket.IO clients hear every message, too.
#[test]
fn fanout_measures_deliveries_to_socket_io_clients() {
    let results = bench(&["fanout", "--socketio", "--clients", "20", "--outstanding", "4"]);
    assert_eq!(results["idle"]["clients"], 20);
    for round in ["outstanding_1", "outstanding_4"] {
        assert_positive(&results[round], &LATENCIES);
        assert_positive(&results[round], &["messages_per_s", "deliveries_per_s", "server_us"]);
    }
}

/// Clients of streams and those who wait with `GET /events` hear every message, too.
#[test]
fn fanout_measures_deliveries_by_every_door() {
    for door in ["--sse", "--longpoll"] {
        let results = bench(&["fanout", door, "--clients", "20", "--outstanding", "4"]);
        assert_eq!(results["idle"]["clients"], 20, "{door}");
        for round in ["outstanding_1", "outstanding_4"] {
            assert_positive(&results[round], &LATENCIES);
            assert_positive(&results[round], &["messages_per_s", "deliveries_per_s"]);
        }
    }
}

/// At a pace of its own, each message comes to all.
#[test]
fn fanout_measures_a_given_rate() {
    let results = bench(&["fanout", "--sessions", "20", "--rate", "20,40"]);
    for rate in ["rate_20", "rate_40"] {
        assert_positive(&results[rate], &LATENCIES);
        assert_positive(&results[rate], &["messages_per_s", "deliveries_per_s"]);
    }
}

/// A message to one room or tenant of many comes to its clients alone, and costs what is said.
#[test]
fn fanout_measures_rooms_and_tenants_beside_one_of_all() {
    for groups in ["--rooms", "--tenants"] {
        let results = bench(&["fanout", groups, "4", "--clients", "20", "--users", "2"]);
        for (side, clients) in [("whole", 20.0), ("split", 5.0)] {
            let side = &results[side];
            assert_positive(side, &LATENCIES);
            let messages = side["messages_per_s"].as_f64().unwrap_or_default();
            let deliveries = side["deliveries_per_s"].as_f64().unwrap_or_default();
            assert!((deliveries / messages - clients).abs() < 0.01, "{groups}: {side}");
        }
        assert!(results["ratio"].get("own_ratio").is_some());
    }
}

/// Those who do not read are sent away, and those who do hear everything.
#[test]
fn fanout_measures_clients_that_read_badly() {
    let bad = ["--stalled", "2", "--trickling", "1"];
    let results = bench(&[&["fanout", "--clients", "20", "--users", "2"], &bad[..]].concat());
    for round in ["without", "with", "without_again"] {
        assert_positive(&results[round], &LATENCIES);
    }
    let ends = &results["bad"];
    assert_positive(ends, &["p99_ratio", "clients"]);
    let count = |end: &str| ends[end].as_f64().unwrap_or_default();
    let sent_away = count("closed_4008") + count("closed_otherwise");
    assert!(sent_away >= 1.0, "{ends}");
    assert!((sent_away + count("served") - 3.0).abs() < 0.01, "{ends}");
}

/// All who come at once get what they missed, and what is said meanwhile.
#[test]
fn fanout_measures_a_storm_of_clients_that_resume() {
    let results = bench(&["fanout", "--resume-storm", "--clients", "30", "--users", "2"]);
    for section in ["resume_one", "storm"] {
        assert_positive(&results[section], &LATENCIES);
    }
    assert_positive(&results["storm"], &["all_in_s", "writes", "write_p99_ms"]);
    assert!(results["storm"]["replayed"].as_f64() >= Some(3_000.0));
}

/// Everybody is told of a restart and when to come back, and comes back.
#[test]
fn fanout_measures_a_restart() {
    let results = bench(&["fanout", "--restart", "--clients", "30", "--users", "2"]);
    let restart = &results["restart"];
    assert_positive(restart, &LATENCIES);
    assert_positive(restart, &["closed_s", "gone_s", "started_s", "all_back_s"]);
    for told in ["clients", "told_draining", "told_1012", "told_when"] {
        assert_eq!(restart[told], 30, "{told}");
    }
    assert_eq!(restart["hung_up"], 0);
}

/// Every ticket is there with its number, its clocks, its words, and whom it concerns is told.
#[test]
fn desk_measures_tickets() {
    let results = bench(&["desk", "--clients", "4"]);
    assert_positive(&results["creates"], &LATENCIES);
    assert_positive(&results["creates"], &["per_s", "server_us", "acknowledged"]);
}

/// Every filter in every order, and every kind of search, is answered and finds what it should.
#[test]
fn lists_measures_filters_and_searches() {
    let small = ["--tickets", "2000", "--comments", "2000", "--asks", "1"];
    let results = bench(&[&["lists"], &small[..]].concat());
    for section in ["staff_all", "staff_tag__frequent_status", "firm_all", "staff_search_number"] {
        assert_positive(&results[section], &LATENCIES);
        assert_positive(&results[section], &["rows"]);
    }
    assert_eq!(results["filled"]["comments"], 2_000);
}

/// Every step of every call is heard and shown by every wall, and everybody's time adds up.
#[test]
fn floor_measures_calls_wallboards_and_the_board() {
    let results = bench(&["floor", "--agents", "40", "--rate", "20", "--walls", "3"]);
    for section in ["calls", "events", "board", "snapshot"] {
        assert_positive(&results[section], &LATENCIES);
    }
    assert_positive(&results["calls"], &["per_s", "steps", "server_us", "server_rss_kib"]);
    let found = &results["checked"];
    assert_eq!((&found["calls"], &found["agents"]), (&20.into(), &40.into()));
    // Each call that was not given up: rings, is answered, ends.
    assert!(results["events"]["heard"].as_f64() >= Some(3.0 * 18.0 * 3.0));
}

/// Files go in and out in constant memory: eight of 25 MiB take no more than twelve.
#[test]
fn upload_measures_files_and_the_memory_they_take() {
    let results = bench(&["upload"]);
    for round in ["uploads", "downloads"] {
        assert_positive(&results[round], &["mib_per_s", "server_us"]);
        let grown = results[round]["rss_grown_kib"].as_f64();
        assert!(grown.unwrap_or(0.0) <= 12.0 * 1024.0, "{round}: {grown:?} KiB");
    }
}

/// Dead receivers take nothing from the healthy ones.
#[test]
fn webhooks_measures_fairness_beside_dead_receivers() {
    let results = bench(&["webhooks", "--dead", "3"]);
    assert_positive(&results["fairness"], &LATENCIES);
    assert_positive(&results["fairness"], &["delivered", "workers"]);
}

/// What waits for others does not keep the rest.
#[test]
fn webhooks_measures_deliveries_while_others_wait() {
    let results = bench(&["webhooks", "--receivers", "2", "--events", "300", "--backlog", "2000"]);
    assert_positive(&results["behind"], &["per_s", "of_empty", "before_rss_kib"]);
    assert_eq!(results["behind"]["waiting"], 2_000);
}

/// A bench that cannot be run says why, and leaves nothing running.
#[test]
fn what_cannot_be_measured_is_said() {
    let refused: [(&[&str], i32); 5] = [
        (&["bench", "fanout", "--clients", "0"], 2),
        (&["bench", "ingest", "--seconds", "0"], 2),
        (&["bench", "fanout", "--sse", "--socketio"], 2),
        (&["bench", "fanout", "--restart", "--longpoll"], 2),
        (&["bench", "ingest", "--folder", "/no/such/folder"], 73),
    ];
    for (args, code) in refused {
        let output = Command::new(env!("CARGO_BIN_EXE_deskbell")).args(args).output();
        let output = output.expect("the program runs");
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty());
    }
}
