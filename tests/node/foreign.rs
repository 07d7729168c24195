//! A client in another language, which shares no code with Akta.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use super::support::{Node, shown, skip};

#[test]
fn python_grpcio_drives_the_server() {
    let Some(python) = std::env::var_os("AKTA_PYTHON") else {
        return skip("python_grpcio_drives_the_server", "AKTA_PYTHON does not name a Python with grpcio");
    };
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let root = env!("CARGO_MANIFEST_DIR");
    let mut client = Command::new(python);
    client.arg("tests/clients/akta_client.py").args([node.address(), "proto"]).current_dir(root);
    let output = client.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    node.stop();
}
