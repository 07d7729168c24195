//! Bounds of connections and calls, and the gRPC server that keeps them. docs/operations.md argues each figure.

use std::time::Duration;

use tonic::transport::Server;

use super::Role;

/// Connections of all listeners together.
pub const CONNECTIONS: usize = 1_024;

/// Connections of which the handshake is under way. More are closed at once: their work is the dearest that a
/// stranger can ask for.
pub const HANDSHAKES: usize = 128;

/// From the first byte to the end of the handshake.
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// A connection over which there has been no call yet is closed.
pub const SILENT: Duration = Duration::from_secs(30);

/// So long it may take its time even where others find no place.
pub const SETTLED: Duration = Duration::from_millis(250);

/// What gives up its place is gone within this.
pub const GIVEN_UP: Duration = Duration::from_millis(250);

/// Without a call under way, a connection is closed.
pub const IDLE: Duration = Duration::from_secs(30 * 60);

/// An answer that could be sent, but that its reader does not take; and bytes that the network does not take.
pub const UNREAD: Duration = Duration::from_secs(60);

/// The same for an answer whose room others want.
pub const UNREAD_TIGHT: Duration = Duration::from_secs(2);

/// A message that was begun, and the rest of it does not come.
pub const UNSENT: Duration = Duration::from_secs(60);

/// The same while others want its room.
pub const UNSENT_TIGHT: Duration = Duration::from_secs(1);

/// Bytes of messages that have not arrived whole and are longer than [`ARRIVING_SMALL`], of all connections.
pub const ARRIVING: u64 = 64 << 20;

/// Bytes of messages that have not arrived whole, of one connection; more than the longest message.
pub const ARRIVING_EACH: u64 = 16 << 20;

/// A message up to this long does without the room of all.
pub const ARRIVING_SMALL: u64 = 64 << 10;

/// A message up to this long is not counted at all.
pub const ARRIVING_FREE: u64 = 8 << 10;

/// Calls under way on all connections from which on it is crowded: requests that do not arrive are not waited for long,
/// and a connection gets [`CALLS_FEW`].
pub const CALLS_MANY: usize = 4_096;

/// Calls under way on one connection where it is crowded, so that those who have many make room and no others.
pub const CALLS_FEW: usize = 16;

/// A connection is told to end (GOAWAY): callers come again, with certificates and tokens of their day.
pub const AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// After [`AGE`], calls under way may go on for so long.
pub const AGE_GRACE: Duration = Duration::from_secs(10 * 60);

/// Calls under way on one connection.
const CALLS: u32 = 256;

/// Bytes of a call's request that are taken before they are read, and half of those of a connection's: what all
/// connections can make the server hold while it does not read on.
const WINDOW: u32 = 128 << 10;

/// Headers of a call, in bytes, as HTTP/2 counts them.
const HEADERS: u32 = 16 * 1024;

/// Streams that a client opened and reset before they were looked at; one more ends the connection (rapid reset,
/// CVE-2023-44487).
const RESETS_UNSEEN: usize = 20;

/// Streams that were reset because the client broke the protocol; one more ends the connection.
const RESETS_OWN: usize = 128;

/// Most connections of a listener unless set. Together no more than [`CONNECTIONS`] where roles are apart, so that
/// none of them can take another's room.
pub fn connections(role: Role) -> usize {
    match role {
        Role::Api => CONNECTIONS,
        Role::Ingest => 704,
        Role::History => 256,
        Role::Ops => 64,
    }
}

/// The gRPC server as every node runs it, without services: windows, keep-alive, bounds.
pub fn builder() -> Server {
    Server::builder()
        .max_concurrent_streams(Some(CALLS))
        .concurrency_limit_per_connection(CALLS as usize)
        .http2_max_header_list_size(HEADERS)
        .http2_max_pending_accept_reset_streams(Some(RESETS_UNSEEN))
        .http2_max_local_error_reset_streams(Some(RESETS_OWN))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .http2_keepalive_interval(Some(Duration::from_secs(60)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        // Without its grace: tonic would then end the connection without telling the client first. The line sees to it.
        .max_connection_age(AGE)
}
