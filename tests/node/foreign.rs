//! Clients in other languages, which share no code with Akta nor with each other, tell one story.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use super::binary::shown;
use super::skip::skip;
use super::support::Node;

/// What each client must say that it checked, in this order.
const STORY: [&str; 12] = [
    "read the protos and connect",
    "record one event",
    "record a batch of 20, all or none",
    "stream 300 events, 32 ahead, every 50th invalid",
    "the same event again gets the first receipt, another under its id is refused",
    "a bad event is refused with each bad field",
    "search by subject, actor, address, action and time, 7 rows a page",
    "get one event by position and by id",
    "a search without purpose is refused",
    "searches are events, without what was searched for",
    "what is not there is refused",
    "a signed checkpoint covers what was recorded",
];

#[test]
fn python_grpcio_drives_the_server() {
    let Some(python) = std::env::var_os("AKTA_PYTHON") else {
        return skip("python_grpcio_drives_the_server", "AKTA_PYTHON does not name a Python with grpcio");
    };
    tells_the_story(Command::new(python).env("PYTHONDONTWRITEBYTECODE", "1").arg("tests/clients/akta_client.py"));
}

#[test]
fn javascript_grpc_js_drives_the_server() {
    let Some(modules) = std::env::var_os("AKTA_NODE_MODULES") else {
        return skip("javascript_grpc_js_drives_the_server", "AKTA_NODE_MODULES does not name a folder with grpc-js");
    };
    tells_the_story(Command::new("node").env("NODE_PATH", modules).arg("tests/clients/akta_client.js"));
}

fn tells_the_story(client: &mut Command) {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    client.args([node.address(), "proto"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = client.output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    let told = String::from_utf8(output.stdout).unwrap();
    let told: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("ok  ")).collect();
    assert_eq!(told, STORY);
    node.stop();
}
