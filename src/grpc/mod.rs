//! The edge of the API: generated types live and die here.
//!
//! [`convert`] turns messages into checked values and back, [`status`] turns errors into statuses; then one file
//! per service. [`transport`] lets connections in before any of them.

#[cfg(feature = "server")]
pub mod auth;
#[cfg(feature = "server")]
mod call;
#[cfg(feature = "server")]
pub mod controller;
#[cfg(feature = "server")]
pub mod convert;
#[cfg(feature = "server")]
pub mod evidence;
#[cfg(feature = "server")]
pub mod history;
#[cfg(feature = "server")]
pub mod identity;
#[cfg(feature = "server")]
pub mod ingest;
#[cfg(feature = "server")]
mod listed;
#[cfg(feature = "server")]
pub mod outcome;
#[cfg(feature = "server")]
mod reidentify;
#[cfg(feature = "server")]
pub mod retention;
#[cfg(feature = "server")]
pub mod status;
#[cfg(feature = "server")]
pub mod stream;
pub mod time;
#[cfg(feature = "server")]
pub mod transport;

/// Messages, clients and servers of `akta.v1` (`proto/akta/v1`).
pub mod api {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
    include!(concat!(env!("OUT_DIR"), "/akta.v1.rs"));

    /// Descriptors of the API, for reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/akta.v1.descriptors"));
}

/// Largest message that is read, in bytes: a whole batch, and room for what end users control, which is cut before an
/// event is weighed. What is larger is never decoded.
#[cfg(feature = "server")]
pub const MESSAGE_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Largest question that is read, in bytes.
#[cfg(feature = "server")]
pub const QUESTION_BYTES_MAX: usize = 64 * 1024;
