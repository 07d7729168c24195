//! A real node from outside: the binary, real RocksDB, real clients.

mod clear;
mod crash;
mod edits;
mod flagged;
mod foreign;
mod full;
mod garbage;
mod import;
mod index;
mod refusals;
mod support;
