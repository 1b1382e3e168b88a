//! `deskbell bench upload`: large files in and out, and the memory that the server takes for them.
//!
//! All clients upload one file each at the same time, then download each other's. What comes back
//! must be what was sent.

use super::{
    Common, Outcome,
    client::{Api, Conn, Pen},
    cost::{self, Window},
    drive, failed,
    report::{Report, Section},
    server::{PASSWORD, Server},
    wrong,
};
use serde_json::json;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::sleep};

/// Flags of this bench.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Files on their way at the same time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=100))]
    clients: u8,
    /// How large each is, MiB
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u8).range(1..=25))]
    size: u8,
}

/// Bytes that are written and read at a time.
const STEP: usize = 64 << 10;

/// How often the server's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);

const BOUNDARY: &str = "the-boundary-of-the-bench";

/// Runs it.
pub(super) fn run(args: &Args) -> Outcome<()> {
    let server = Server::start(&args.common, &[], &[])?;
    drive(server, &args.common, async |server| measure(args, server).await)
}

async fn measure(args: &Args, server: &Server) -> Outcome<Report> {
    let mut report = Report::new("upload", server.machine());
    let mut api = Api::sign_in(server.address).await?;
    let size = usize::from(args.size) << 20;
    let mut people = people(&mut api, server, args.clients).await?;
    // One small file first: what the first upload ever takes is no matter of its size.
    if let Some((pen, ticket)) = people.pop() {
        let small = upload(pen, server.address, (ticket, u8::MAX, 1_000)).await?;
        download(api.pen(), server.address, (small, 1_000)).await?;
    }

    let watch = Watch::begin(server);
    let mut uploads = JoinSet::new();
    for ((pen, ticket), number) in people.into_iter().zip(0..) {
        uploads.spawn(upload(pen, server.address, (ticket, number, size)));
    }
    let mut files = Vec::new();
    for done in uploads.join_all().await {
        files.push(done?);
    }
    let clients = f64::from(args.clients);
    report.add(watch.end("uploads", "Uploads", (clients, size)).await);

    // The order in which they were stored does not matter: each file says which one it is.
    let watch = Watch::begin(server);
    let mut downloads = JoinSet::new();
    for (file, number) in files {
        downloads.spawn(download(api.pen(), server.address, ((file, number), size)));
    }
    for done in downloads.join_all().await {
        done?;
    }
    report.add(watch.end("downloads", "Downloads", (clients, size)).await);
    Ok(report)
}

/// People with a ticket each, one more than `clients`: one user may have only a few uploads under
/// way.
async fn people(api: &mut Api, server: &Server, clients: u8) -> Outcome<Vec<(Pen, String)>> {
    let mut people = Vec::new();
    for number in 0..=clients {
        let email = format!("agent{number}@bench.example");
        let agent = json!({"email": email, "name": email, "role": "agent", "password": PASSWORD});
        api.post("/api/v1/users", &agent).await?;
        let mut agent = Api::sign_in_as(server.address, &email).await?;
        let ticket = agent.post("/api/v1/tickets", &json!({"subject": email})).await?;
        people.push((agent.pen(), text(&ticket, "/data/id")?));
    }
    Ok(people)
}

fn text(answer: &serde_json::Value, pointer: &str) -> Outcome<String> {
    let text = answer.pointer(pointer).and_then(serde_json::Value::as_str);
    text.map(str::to_owned).ok_or_else(|| wrong(format!("an answer has no {pointer}")))
}

/// What stands in file `number` from this place on: no two files, and no two steps, are the same.
fn content(number: u8, from: usize, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    let mut word = u64::from(number) << 32 | from as u64;
    while bytes.len() < len {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Uploads file `number`; its id.
async fn upload(
    pen: Pen,
    address: SocketAddr,
    (ticket, number, size): (String, u8, usize),
) -> Outcome<(String, u8)> {
    let before = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f{number}\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    let after = format!("\r\n--{BOUNDARY}--\r\n");
    let length = before.len() + size + after.len();
    let path = format!("/api/v1/tickets/{ticket}/attachments");
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let head = pen.head("POST", &path, (&kind, length));
    let what = "an upload";
    let mut conn = Conn::open(address).await.map_err(|e| failed(what, &e))?;
    conn.write(&head).await.map_err(|e| failed(what, &e))?;
    conn.write(before.as_bytes()).await.map_err(|e| failed(what, &e))?;
    let mut sent = 0;
    while sent < size {
        let step = content(number, sent, STEP.min(size - sent));
        conn.write(&step).await.map_err(|e| failed(what, &e))?;
        sent += step.len();
    }
    conn.expect(what, after.as_bytes(), 201).await?;
    let answer: serde_json::Value =
        serde_json::from_slice(conn.body()).map_err(|e| failed(what, &e))?;
    Ok((text(&answer, "/data/id")?, number))
}

/// Downloads a file and compares it.
async fn download(
    pen: Pen,
    address: SocketAddr,
    ((file, number), size): ((String, u8), usize),
) -> Outcome<()> {
    let what = "a download";
    let mut conn = Conn::open(address).await.map_err(|e| failed(what, &e))?;
    let request = pen.request("GET", &format!("/api/v1/attachments/{file}/download"), "");
    conn.write(&request).await.map_err(|e| failed(what, &e))?;
    let length = conn.begin().await.map_err(|e| failed(what, &e))?;
    if length != (200, size) {
        return Err(wrong(format!("a download was answered with status and length {length:?}")));
    }
    let mut read = 0;
    while read < size {
        let step = conn.take(STEP.min(size - read)).await.map_err(|e| failed(what, &e))?;
        if step != content(number, read, step.len()) {
            return Err(wrong(format!("file {number} is another one from byte {read} on")));
        }
        read += step.len();
    }
    Ok(())
}

/// Looks at the server's memory as long as something is going on.
struct Watch {
    window: Window,
    before: Option<f64>,
    most: tokio::task::JoinHandle<Option<f64>>,
    stop: Arc<tokio::sync::Notify>,
}

impl Watch {
    fn begin(server: &Server) -> Self {
        let (pid, before) = (server.pid().to_string(), server.rss_kib());
        let stop = Arc::new(tokio::sync::Notify::new());
        let stopped = stop.clone();
        let most = tokio::spawn(async move {
            let mut most = before;
            loop {
                let now = cost::rss_kib(&pid);
                most = most.zip(now).map(|(most, now)| most.max(now));
                tokio::select! {
                    () = sleep(LOOK_EVERY) => {}
                    () = stopped.notified() => return most,
                }
            }
        });
        Self { window: Window::open(server.pid()), before, most, stop }
    }

    async fn end(self, key: &str, title: &str, (clients, size): (f64, usize)) -> Section {
        let spent = self.window.close();
        self.stop.notify_one();
        let most = self.most.await.ok().flatten();
        let grown = self.before.zip(most).map(|(before, most)| most - before);
        let mib = clients * size as f64 / f64::from(1 << 20);
        let title = format!("{title}: {clients} files of {} MiB at the same time", size >> 20);
        Section::new(key, title)
            .with(("mib_per_s", "MiB", "/s"), mib / spent.seconds)
            .with(("server_us", "server CPU a MiB", "µs"), spent.server_us_per(mib))
            .busy(&spent)
            .with(("rss_before_kib", "memory of the server before", "KiB"), self.before)
            .with(("rss_grown_kib", "grown by at most", "KiB"), grown)
    }
}
