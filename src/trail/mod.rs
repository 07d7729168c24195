//! The shell ring: the only owner of mutable state.
//!
//! Reading order: [`submission`] and [`plan`] (what is to be recorded) → [`sequencer`] (pure: gives places) →
//! [`writer`] (one group, one synced batch) → [`indexer`] (derived) → [`guard`] → [`reader`] and [`search`] →
//! [`hold`] (what is kept past its date) → [`closing`] (a controller's end) → [`restore`] (older copies) → [`proof`] → [`node`] (threads and queues around them). [`base`] is what they stand on.

pub mod acts;
pub mod answer;
mod approved;
pub mod ask;
pub mod base;
pub mod change;
pub mod closing;
pub mod controllers;
pub mod copies;
mod decision;
pub mod denial;
pub mod expiry;
mod folding;
pub mod group;
pub mod guard;
pub mod hold;
pub mod identity;
pub mod indexer;
pub mod inventory;
pub mod keyring;
pub mod leaves;
pub mod merge;
mod merger;
mod met;
pub mod meta;
pub mod node;
pub mod notices;
mod opening;
pub mod plan;
pub mod position;
pub mod preview;
pub mod proof;
pub mod reader;
mod remover;
pub mod restore;
#[cfg(test)]
mod rig;
pub mod rotation;
pub mod search;
mod seen;
pub mod sequencer;
pub mod standing;
pub mod submission;
pub mod threads;
pub mod trails;
pub mod vault;
pub mod verify;
mod waiting;
pub mod writer;
