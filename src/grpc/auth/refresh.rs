//! Reads key sets anew, in a thread of its own: the only place that waits for their sources.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::issuer::Known;
use super::jwks::KeySet;
use super::source::Source;
use crate::grpc::transport::Now;

/// How often the thread looks whether a source is due.
const TICK: Duration = Duration::from_secs(1);

/// What a source gave last, to see whether it gives something else.
pub(super) type Seen = Option<blake3::Hash>;

/// Wakes the thread; gone with the last handle, and the thread with it.
#[derive(Clone)]
pub(super) struct Bell(SyncSender<()>);

impl Bell {
    /// Lets the thread look now.
    pub(super) fn ring(&self) {
        // Full: it is about to look anyway. Without a thread nobody hears it.
        match self.0.try_send(()) {
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}

/// A bell, and what hears it.
pub(super) fn bell() -> (Bell, Receiver<()>) {
    let (sender, receiver) = sync_channel(1);
    (Bell(sender), receiver)
}

/// Starts the thread. It ends with the bell.
pub(super) fn start(issuers: Arc<Vec<Known>>, heard: Receiver<()>, now: Now) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        let mut seen = vec![None; issuers.len()];
        loop {
            turn(&issuers, &mut seen, &now);
            match heard.recv_timeout(TICK) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    })
}

/// Reads what is due.
pub(super) fn turn(issuers: &[Known], seen: &mut [Seen], now: &Now) {
    for (known, seen) in issuers.iter().zip(seen) {
        if known.keys.due(now()) {
            read(known, seen, now);
        }
    }
}

fn read(known: &Known, seen: &mut Seen, now: &Now) {
    let (keys, issuer) = (&known.keys, &known.issuer);
    match sets(issuer.source.as_ref(), seen) {
        // The time after the answer: a source may take long, and counts from when it was asked last.
        Ok(set) => {
            if let Some(set) = &set {
                tracing::info!(issuer = issuer.url, keys = set.len(), "key set read");
            }
            keys.took(now(), set);
        }
        Err(error) => {
            // Once, not at every try.
            if !keys.is_failing() {
                tracing::warn!(
                    issuer = issuer.url,
                    "key set cannot be read, the last one counts for 12 hours: {error}"
                );
            }
            keys.failed(now());
        }
    }
}

/// Another set than the last one, or none where it is the same.
fn sets(source: &dyn Source, seen: &mut Seen) -> Result<Option<KeySet>, String> {
    let bytes = source.read()?;
    let hash = Some(blake3::hash(&bytes));
    if *seen == hash {
        return Ok(None);
    }
    let set = KeySet::parse(&bytes).map_err(|error| error.to_string())?;
    *seen = hash;
    Ok(Some(set))
}
