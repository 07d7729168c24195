//! The shell ring: the only owner of mutable state.
//!
//! Reading order: [`sequencer`] (pure: gives places) → [`writer`] (one group, one synced batch) → [`indexer`]
//! (derived) → [`reader`] and [`search`] → [`node`] (threads and queues around them). [`base`] is what they stand on.

pub mod answer;
pub mod ask;
pub mod base;
pub mod indexer;
pub mod inventory;
pub mod keyring;
pub mod node;
pub mod reader;
pub mod search;
mod seen;
pub mod sequencer;
pub mod threads;
pub mod trails;
pub mod vault;
pub mod verify;
pub mod writer;
