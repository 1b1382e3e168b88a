//! What the server says to systemd, where that started it.

use crate::http::Core;
use std::time::Duration;

/// Feeds systemd's watchdog, where it asks for that, while the writer answers.
pub(super) async fn watchdog(core: Core) {
    let Some(every) = watchdog_every() else { return };
    loop {
        tokio::time::sleep(every).await;
        if core.db.write(|_| Ok(())).await.is_ok() {
            notify_systemd(&[Notice::Alive]);
        }
    }
}

/// What systemd is told.
pub(super) enum Notice {
    /// It serves.
    Ready,
    /// The writer answers.
    Alive,
    /// It ends.
    Stopping,
}

/// Tells systemd, where it listens.
#[cfg(unix)]
pub(super) fn notify_systemd(notices: &[Notice]) {
    let states: Vec<_> = notices
        .iter()
        .map(|notice| match notice {
            Notice::Ready => sd_notify::NotifyState::Ready,
            Notice::Alive => sd_notify::NotifyState::Watchdog,
            Notice::Stopping => sd_notify::NotifyState::Stopping,
        })
        .collect();
    if let Err(e) = sd_notify::notify(&states) {
        tracing::debug!(error = %e, "systemd could not be told");
    }
}

#[cfg(not(unix))]
pub(super) fn notify_systemd(_: &[Notice]) {}

#[cfg(unix)]
fn watchdog_every() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|within| within / 3)
}

#[cfg(not(unix))]
fn watchdog_every() -> Option<Duration> {
    None
}
