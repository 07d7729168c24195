//! A real node from outside: the binary, real RocksDB, real clients.

mod approvals;
mod authority;
mod batches;
#[path = "../common/binary.rs"]
mod binary;
mod calls;
mod clear;
mod commands;
mod controllers;
mod crash;
mod decisions;
mod duplicates;
mod edits;
mod evidence;
mod flagged;
mod foreign;
mod full;
mod garbage;
mod grants;
mod hostile;
mod hours;
mod import;
mod incidents;
mod index;
mod issued;
mod matrix;
mod office;
mod raw;
mod readme;
mod refusals;
mod renewal;
mod rotation;
mod ruled;
mod schools;
mod secure;
#[path = "../common/skip.rs"]
mod skip;
mod support;
mod terminal;
mod tiles;
mod transport;
mod two_schools;
mod unproved;
