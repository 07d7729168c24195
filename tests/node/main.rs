//! A real node from outside: the binary, real RocksDB, real clients.

mod support;
