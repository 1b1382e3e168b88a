//! The knowledge base without signing in: what is public for everybody, and nothing beyond it.

use crate::harness::{Api, Server, Session};
use serde_json::{Value, json};

/// Words that stand only in what is not for everybody.
const SECRET: &str = "xylophone";

/// What a stranger may be told of an article in a list.
const LISTED: [&str; 7] =
    ["category_id", "excerpt", "published_at", "slug", "tags", "title", "updated_at"];

fn article(by: &Session, title: &str, more: Value) -> Value {
    let mut body =
        json!({ "title": title, "body": format!("About {title}."), "status": "published" });
    for (name, value) in more.as_object().expect("fields") {
        body[name] = value.clone();
    }
    by.post("/api/v1/kb/articles", &body).expect(201).data()
}

fn slugs(api: &Api, query: &str) -> Vec<String> {
    let found = api.get(&format!("/api/v1/kb/public{query}")).expect(200).data();
    let slug = |one: &Value| one["slug"].as_str().expect("a slug").to_owned();
    found.as_array().expect("a list").iter().map(slug).collect()
}

/// Drafts, archived, internal and deleted articles are not there in the list, by their address or
/// in a search, and their categories have no name; who wrote what is not told.
#[test]
fn a_stranger_reads_what_is_public_and_nothing_else() {
    let server = Server::start();
    let (admin, nobody) = (server.admin(), server.api());
    let shelf =
        |name| admin.post("/api/v1/kb/categories", &json!({ "name": name })).data()["id"].clone();
    let (open, closed) = (shelf("Printers"), shelf(&*format!("{SECRET} plans")));
    article(&admin, "Paper jams", json!({ "category_id": open, "tags": ["printer"] }));
    article(&admin, "Blank pages", json!({}));
    let hidden = [
        article(&admin, SECRET, json!({ "visibility": "internal", "category_id": closed })),
        article(&admin, &format!("{SECRET} draft"), json!({ "status": "draft" })),
        article(&admin, &format!("{SECRET} old"), json!({ "status": "archived" })),
        article(&admin, &format!("{SECRET} gone"), json!({})),
    ];
    admin.delete(&format!("/api/v1/kb/articles/{}", hidden[3]["id"].as_str().unwrap())).expect(200);
    let answer = nobody.get("/api/v1/kb/public").expect(200);
    assert!(!answer.text().contains(SECRET), "{}", answer.text());
    let fields: Vec<_> = answer.data()[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, LISTED);
    let meta = answer.meta();
    assert_eq!((&meta["total"], &meta["tenant"]), (&json!(2), &json!("default")));
    let shelves = json!([{ "id": open, "name": "Printers", "articles": 1 }]);
    assert_eq!(meta["categories"], shelves);
    assert_eq!(slugs(&nobody, &format!("?category_id={}", open.as_str().unwrap())), ["paper-jams"]);
    assert_eq!(slugs(&nobody, "?q=jam"), ["paper-jams"]);
    assert!(slugs(&nobody, &format!("?q={SECRET}")).is_empty());
    for one in &hidden {
        let path = format!("/api/v1/kb/public/{}", one["slug"].as_str().unwrap());
        nobody.get(&path).refused(404, "not_found");
    }
    let read = nobody.get("/api/v1/kb/public/paper-jams").expect(200).data();
    assert_eq!(read["body"], "About Paper jams.");
    assert_eq!(read.as_object().unwrap().len(), LISTED.len() + 1, "{read}");
    nobody.get("/api/v1/kb/public?per_page=0").refused(422, "invalid");
    nobody.get("/api/v1/kb/public?colour=red").refused(422, "invalid");
}

/// A reading is counted whoever reads, the people of the tenant get the whole article, and an old
/// slug leads to the present one.
#[test]
fn readings_are_counted_and_old_addresses_still_lead_there() {
    let server = Server::start();
    let (admin, nobody) = (server.admin(), server.api());
    let made = article(&admin, "Paper jams", json!({}));
    let path = format!("/api/v1/kb/articles/{}", made["id"].as_str().unwrap());
    admin.patch(&path, &json!({ "slug": "jams" })).expect(200);
    let moved = nobody.get("/api/v1/kb/public/paper-jams?tenant=default").expect(308);
    assert_eq!(moved.header("location"), Some("/api/v1/kb/public/jams?tenant=default"));
    nobody.get("/api/v1/kb/public/jams").expect(200);
    let customer = admin.new_user("customer");
    let read = customer.get("/api/v1/kb/public/jams").expect(200).data();
    assert_eq!(read["id"], made["id"]);
    assert_eq!(admin.get(&path).data()["views"], 2);
}

/// With several organisations a stranger names one; nobody reads what is not public in another
/// than their own, and one that sleeps has nothing to read.
#[test]
fn with_several_organisations_one_is_named() {
    let server = Server::start();
    let (admin, nobody) = (server.admin(), server.api());
    article(&admin, "Ours", json!({}));
    let other = admin.new_tenant("Elsewhere");
    article(&other.admin, "Theirs", json!({}));
    article(&other.admin, "Theirs alone", json!({ "visibility": "internal" }));
    nobody.get("/api/v1/kb/public").refused(409, "tenant_required");
    nobody.get("/api/v1/kb/public/ours").refused(409, "tenant_required");
    assert_eq!(slugs(&nobody, "?tenant=default"), ["ours"]);
    let named = format!("?tenant={}", other.name);
    assert_eq!(slugs(&nobody, &named), ["theirs"]);
    nobody.get("/api/v1/kb/public?tenant=nowhere").refused(404, "not_found");
    nobody.get(&format!("/api/v1/kb/public/ours{named}")).refused(404, "not_found");
    // Whoever is signed in reads their own, and elsewhere is a stranger.
    assert_eq!(slugs(&admin, ""), ["ours"]);
    let there = |slug: &str| admin.get(&format!("/api/v1/kb/public/{slug}{named}"));
    assert!(there("theirs").expect(200).data()["author_id"].is_null());
    there("theirs-alone").refused(404, "not_found");
    let sleep = json!({ "is_active": false });
    admin.patch(&format!("/api/v1/tenants/{}", other.id), &sleep).expect(200);
    nobody.get(&format!("/api/v1/kb/public{named}")).refused(404, "not_found");
}

/// A sign-in of last month is no obstacle, and no way around the bound on strangers; a bad token is
/// an error.
#[test]
fn a_dead_cookie_is_nobody_and_bounded_like_nobody() {
    let server = Server::start();
    let (admin, nobody) = (server.admin(), server.api());
    article(&admin, "Paper jams", json!({}));
    let by_cookie =
        || nobody.request("GET", "/api/v1/kb/public").header("cookie", "deskbell=old").send();
    by_cookie().expect(200);
    let bad = nobody.request("GET", "/api/v1/kb/public").header("authorization", "Bearer old");
    bad.send().refused(401, "unauthorized");
    let statuses: Vec<u16> = (0..200).map(|_| by_cookie().status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(admin.get("/api/v1/kb/public").status == 200, "whoever is signed in is not held up");
}
