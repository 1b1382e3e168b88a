//! Many rooms, or many tenants, beside one that all are in: what a delivery costs in each.
//!
//! A message to ten clients costs a commit as one to a thousand does. What a delivery itself costs
//! is what remains when the price of the same request to a room in which nobody is is taken off.
//! Rooms are written to a hundred at a time, so that little is to be taken off.

use super::{
    Args, all_in_the_log,
    crowd::{Crowd, HELLO_WANTED, Seat},
    doors::{self, Door},
    people, refresh,
    rounds::{Round, Rounds},
    tally::Tally,
};
use crate::cli::bench::{
    Outcome,
    client::{Api, Pen},
    load,
    report::Section,
    server::Server,
};
use crate::events::BATCH_MAX;
use std::sync::Arc;
use tokio::time::sleep;

/// A room in which nobody is.
const NOBODY: &str = "queue:nobody";

/// The room of all.
const ALL: &str = "queue:all";

/// Clients with what speaks to each group of them.
struct Side {
    seats: Vec<Seat>,
    groups: usize,
    requests: Vec<Vec<u8>>,
    /// The like of one of those, to a room in which nobody is.
    unheard: Vec<u8>,
}

/// Rooms of one tenant.
pub(super) async fn of_rooms(
    args: &Args,
    server: &Server,
    (api, pens): (&mut Api, &[Pen]),
    rooms: usize,
) -> Outcome<Vec<Section>> {
    let side = |api: &Api, rooms: usize, name: &dyn Fn(usize) -> String| {
        let members = args.clients() / rooms;
        let places = (0..rooms).flat_map(|room| std::iter::repeat_n(room, members));
        let seats = places.zip(pens.iter().cycle()).map(|(group, pen)| {
            let path = format!("{}?{HELLO_WANTED}&rooms={}", Door::Socket.path(), name(group));
            Seat { pen: pen.clone(), path: path.into(), group }
        });
        let names: Vec<String> = (0..rooms).map(name).collect();
        let requests = names.chunks(BATCH_MAX).map(|names| batch(api, names)).collect();
        let unheard = batch(api, &vec![NOBODY.into(); rooms.min(BATCH_MAX)]);
        Side { seats: seats.collect(), groups: rooms, requests, unheard }
    };
    let whole = side(api, 1, &|_| ALL.into());
    let rooms = even(rooms.min(args.clients()));
    let split = side(api, rooms, &|room| format!("queue:room-{room}"));
    compare(args, server, api, ("rooms", whole, split)).await
}

/// So many rooms that each batch is as large.
fn even(rooms: usize) -> usize {
    if rooms > BATCH_MAX { rooms - rooms % BATCH_MAX } else { rooms }
}

/// Says a message to each of these rooms.
fn batch(api: &Api, rooms: &[String]) -> Vec<u8> {
    let events: Vec<String> = rooms.iter().map(|room| doors::publication(Some(room))).collect();
    let body = format!(r#"{{"events":[{}]}}"#, events.join(","));
    api.request("POST", "/api/v1/events/batch", &body)
}

/// Tenants, each with its administrator.
pub(super) async fn of_tenants(
    args: &Args,
    server: &mut Server,
    (api, pens): (&mut Api, &[Pen]),
    tenants: usize,
) -> Outcome<Vec<Section>> {
    let (door, tenants) = (args.door(), tenants.min(args.clients()));
    let admins = people::tenants(api, server.address, tenants).await?;
    refresh(server, api).await?;
    let body = doors::publication(None);
    let requests = vec![api.request("POST", "/api/v1/events", &body)];
    let body_unheard = doors::publication(Some(NOBODY));
    let unheard = || api.request("POST", "/api/v1/events", &body_unheard);
    let seats = Seat::row(door, args.clients(), pens);
    let whole = Side { seats, groups: 1, requests, unheard: unheard() };
    let members = args.clients() / tenants;
    let seats = admins.iter().enumerate().flat_map(|(group, admin)| {
        let row = Seat::row(door, members, std::slice::from_ref(admin));
        row.into_iter().map(move |seat| Seat { group, ..seat })
    });
    let request = |admin: &Pen| admin.request("POST", "/api/v1/events", &body);
    let requests = admins.iter().map(request).collect();
    let split = Side { seats: seats.collect(), groups: tenants, requests, unheard: unheard() };
    compare(args, server, api, ("tenants", whole, split)).await
}

/// Plays one side after the other.
async fn compare(
    args: &Args,
    server: &Server,
    api: &mut Api,
    (what, whole, split): (&str, Side, Side),
) -> Outcome<Vec<Section>> {
    let groups = split.groups;
    let mut sections = Vec::new();
    let mut costs = Vec::new();
    for (key, side) in [("whole", whole), ("split", split)] {
        let title = match key {
            "whole" => format!("One of all, instead of {groups} {what}"),
            _ => format!("{groups} {what}, each message to one"),
        };
        let each = side.groups / side.requests.len();
        let unheard = unheard(args, server, side.unheard.clone()).await?;
        let unheard_us = unheard.map(|us| us / each as f64);
        let (round, idle) = play(args, server, api, side).await?;
        let own_us = round
            .spent
            .server_us
            .zip(unheard_us)
            .map(|(us, unheard)| (us - unheard * round.messages) / round.deliveries);
        costs.push(own_us.filter(|us| us.is_finite()));
        let section = round
            .told(Section::new(key, title))
            .with(("unheard_us", "server CPU a message that nobody hears", "µs"), unheard_us)
            .with(("own_us", "server CPU a delivery without that", "µs"), own_us);
        // What the second crowd takes is what the first one left.
        sections.extend(Some(idle).filter(|_| key == "whole"));
        sections.push(section);
    }
    let ratio = match costs.as_slice() {
        [Some(whole), Some(split)] => Some(split / whole).filter(|ratio| ratio.is_finite()),
        _ => None,
    };
    let section = Section::new("ratio", format!("{groups} {what} beside one of all"));
    sections.push(section.with(("own_ratio", "a delivery costs so many times as much", ""), ratio));
    Ok(sections)
}

/// Connects one side, lets it hear messages one at a time, and sends it home.
async fn play(
    args: &Args,
    server: &Server,
    api: &mut Api,
    side: Side,
) -> Outcome<(Round, Section)> {
    let Side { seats, groups, requests, .. } = side;
    let tally = Arc::new(Tally::new(groups, seats.len() / groups));
    let (crowd, idle) = Crowd::gather((api, server), &tally, ("idle", args.door(), seats)).await?;
    let before = api.latest_seq().await?;
    let mut rounds = Rounds::new(server, tally, requests);
    rounds.run(1, sleep(args.common.warm_up())).await?;
    let round = rounds.round(1, sleep(args.common.measured())).await?;
    all_in_the_log(api, before, rounds.acknowledged).await?;
    crowd.part(api).await?;
    Ok((round, idle))
}

/// CPU time of the server for a request that nobody hears of, one at a time, microseconds.
async fn unheard(args: &Args, server: &Server, request: Vec<u8>) -> Outcome<Option<f64>> {
    let requests: Arc<[Vec<u8>]> = vec![request].into();
    let (spent, sent) =
        load::for_a_time((server, &args.common), 1, "POST /events", requests).await?;
    Ok(spent.server_us_per(sent.latencies.len() as f64))
}
