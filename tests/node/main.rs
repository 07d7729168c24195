//! A real node from outside: the binary, real RocksDB, real clients.

mod attacks;
mod authority;
mod batches;
#[path = "../common/binary.rs"]
mod binary;
mod clear;
mod commands;
mod crash;
mod deploy;
mod duplicates;
mod edits;
mod evidence;
mod flagged;
mod foreign;
mod full;
mod garbage;
mod handover;
mod hostile;
mod hours;
mod import;
mod index;
mod isolation;
mod issued;
mod matrix;
mod neighbours;
mod raw;
mod readme;
mod refusals;
mod renewal;
mod rotation;
mod ruled;
mod scanner;
mod schools;
mod secrets;
mod secure;
#[path = "../common/skip.rs"]
mod skip;
mod support;
mod terminal;
mod thief;
mod tiles;
mod transport;
mod two_schools;
mod unproved;
