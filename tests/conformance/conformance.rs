//! Lets the protocols' own suites at Deskbell: `cargo run --release --example conformance -- --port
//! 3000` serves what `server.rs` says on loopback, until it is stopped.

mod server;

use clap::Parser;
use std::{error::Error, io::Write as _, net::Ipv4Addr};
use tokio::{net::TcpListener, sync::watch};

/// Echo servers for protocol suites.
#[derive(Parser)]
struct Args {
    /// Where to listen, on loopback; 0 is any free port
    #[arg(long, default_value_t = 3000)]
    port: u16,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, Args::parse().port)).await?;
    writeln!(std::io::stdout(), "Listening on {}", listener.local_addr()?)?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        drop(tokio::signal::ctrl_c().await);
        stop.send_replace(true);
    });
    server::serve(listener, stopped).await;
    Ok(())
}
