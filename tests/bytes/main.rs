//! The bytes of a data folder: golden, frozen, damaged in every way that we could think of, and judged by a stranger.
//!
//! One module for each question; what modules share lies in `node` (a node in this process), `served` (that node
//! behind the API) and `events`.
#![allow(clippy::unwrap_used)]

mod beside;
#[path = "../common/binary.rs"]
mod binary;
mod corpora;
mod decided;
mod events;
mod expected;
mod forgetting;
mod formats;
mod freezer;
mod frozen;
mod golden;
mod node;
mod reckoned;
mod residue;
mod served;
#[path = "../common/skip.rs"]
mod skip;
mod stranger;
mod tamper;
