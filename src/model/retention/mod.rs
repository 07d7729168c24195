//! Retention: how long each part of each class lives, by the table that is shipped and by what a controller chose.
//!
//! Reading order: `default-1.toml` → [`form`] (its keys, and those of a file of choices) → [`table`] (checked once) →
//! [`choice`] (what a controller wants) → [`in_force`] (what holds for it: lifetimes and dates). [`words`] has lifetimes as
//! text. It acts forward: dates are fixed when an event is recorded.

pub mod choice;
pub mod form;
pub mod in_force;
pub mod table;
#[cfg(test)]
mod tests;
pub mod words;
