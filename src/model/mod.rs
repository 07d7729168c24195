//! The pure ring: values in, values out. No clock, no disk, no network, no threads.
//!
//! Reading order: [`event`] (what is reported) → [`rules`] (what its controller makes of it) → [`policy`] (its class) → [`retention`] (how long it lives) → [`part`] (its slices and their
//! commitments) → [`header`] (the chained bytes) → [`frame`] and [`seal`] (how parts rest) → [`query`].
//! [`hold`]: what is kept past its date; [`closing`]: a controller's end. Who may: [`caller`] → [`permission`].
//! Evidence: [`tree`] → [`tiles`] and [`proof`] → [`vkey`], [`note`], [`checkpoint`], [`handover`] → [`tlog_proof`].

#[cfg(feature = "server")]
pub mod caller;
pub mod character;
pub mod check;
#[cfg(feature = "server")]
pub mod checkpoint;
#[cfg(feature = "server")]
pub mod closing;
pub mod country;
pub mod date;
pub mod event;
pub mod facts;
#[cfg(feature = "server")]
pub mod frame;
#[cfg(feature = "server")]
pub mod handover;
pub mod header;
#[cfg(feature = "server")]
pub mod hold;
pub mod identity;
#[cfg(feature = "server")]
pub mod note;
pub mod notice;
pub mod origin;
#[cfg(feature = "server")]
pub mod page_token;
pub mod part;
#[cfg(feature = "server")]
pub mod permission;
pub mod policy;
pub mod profile;
#[cfg(feature = "server")]
pub mod proof;
pub mod query;
#[cfg(feature = "server")]
pub mod recipient;
pub mod record;
#[cfg(feature = "server")]
pub mod removal;
#[cfg(feature = "server")]
pub mod restored;
#[cfg(feature = "server")]
pub mod retention;
#[cfg(feature = "server")]
pub mod rules;
pub mod run;
#[cfg(feature = "server")]
pub mod seal;
pub mod secret_name;
pub mod spiffe;
pub mod term;
#[cfg(feature = "server")]
pub mod tiles;
#[cfg(feature = "server")]
pub mod tlog_proof;
#[cfg(feature = "server")]
pub mod tree;
#[cfg(feature = "server")]
pub mod trimming;
#[cfg(feature = "server")]
mod vectors;
#[cfg(feature = "server")]
pub mod vkey;

/// Messages of `akta.record.v1`: the words of a record and what is stored of it (`proto/akta/record/v1`).
pub mod stored {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
    include!(concat!(env!("OUT_DIR"), "/akta.record.v1.rs"));
}
