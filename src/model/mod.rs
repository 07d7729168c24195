//! The pure ring: values in, values out. No clock, no disk, no network, no threads.
//!
//! Reading order: [`event`] (what is reported) → [`policy`] (how long it lives) → [`part`] (its slices and their
//! commitments) → [`header`] (the chained bytes) → [`frame`] and [`seal`] (how parts rest) → [`query`].

pub mod check;
pub mod date;
pub mod event;
#[cfg(feature = "server")]
pub mod frame;
pub mod header;
pub mod identity;
pub mod notice;
pub mod origin;
pub mod part;
pub mod policy;
pub mod query;
pub mod record;
pub mod run;
#[cfg(feature = "server")]
pub mod seal;
pub mod term;

/// Messages of `akta.record.v1`: the words of a record and what is stored of it (`proto/akta/record/v1`).
pub mod stored {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
    include!(concat!(env!("OUT_DIR"), "/akta.record.v1.rs"));
}
