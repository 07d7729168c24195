//! The way in: listeners, TLS, and what a connection proves of who is at its other end.
//!
//! [`Listener`] is what the configuration asks for, [`Listen`] where. [`gate`] takes connections and counts them,
//! [`tls`] shakes hands by files that [`reload`] reads again, [`unix`] binds sockets. A connection is a [`mod@line`] until
//! it ends; [`calls`] notes what goes on over it, bounds what arrives, and puts its [`Peer`] into
//! every request. [`limits`] has the bounds.
//!
//! Nothing here decides what a peer may do.

pub mod arrival;
pub mod calls;
mod connection;
pub mod gate;
mod handshakes;
pub mod limits;
pub mod line;
pub mod listener;
pub mod peer;
pub mod reload;
pub mod tls;
pub mod unix;

use std::sync::Arc;

pub use listener::{Listen, Listener, Role};
pub use peer::Peer;

use super::auth::rates::Rate;
use crate::model::date::Timestamp;

/// The wall clock, as whoever builds the server gives it.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// All ways into a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways {
    /// At least one.
    pub listeners: Vec<Listener>,
    /// What TLS needs, where a listener wants it.
    pub tls: Option<tls::Files>,
    /// Most connections of all listeners together.
    pub connections: usize,
    /// How fast each caller may go, where that is set.
    pub rate: Rate,
}

impl From<Listen> for Ways {
    /// One plaintext listener for everything.
    fn from(listen: Listen) -> Self {
        let listeners = vec![Listener::plain(Role::Api, listen)];
        Self { listeners, tls: None, connections: limits::CONNECTIONS, rate: Rate::default() }
    }
}
