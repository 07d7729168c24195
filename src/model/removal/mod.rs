//! Removal: people who are masked, left out of searches or erased. How notices tell of it ([`told`]), which parts go
//! ([`list`]), and how it rests in the vault while it is under way or lasts ([`row`]),
//! and what may follow what ([`rules`]).

pub mod list;
pub mod row;
pub mod rules;
pub mod told;

/// Id of a removal: a UUID. Of an erasure it is that of the request that was agreed to.
pub type RemovalId = [u8; 16];
