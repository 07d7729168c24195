//! A node of this process behind the real API, under its own clock, so that the real `akta` can ask it.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use akta::grpc::api::evidence_service_server::EvidenceServiceServer;
use akta::grpc::api::history_service_server::HistoryServiceServer;
use akta::grpc::auth::door::Door;
use akta::grpc::evidence::Evidence;
use akta::grpc::history::History;
use akta::model::origin::Controller;
use akta::server;
use akta::store::space::Reserve;
use akta::trail::node::Node as Running;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;

use crate::binary::{akta, shown};
use crate::node::Node;

/// What `akta export` writes of a trail. The reading is recorded, and so is this start.
pub(crate) fn export(node: &Node, controller: &Controller) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let reserve = Reserve::new(node.disk.space.clone(), Some(0));
    let (running, threads) = Running::start(node.base.clone(), reserve).unwrap();
    let running = Arc::new(running);
    let door = Arc::new(Door::open(running.clone()));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (address, serving) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = server::builder()
            .add_service(HistoryServiceServer::new(History { node: running.clone(), door: door.clone() }))
            .add_service(EvidenceServiceServer::new(Evidence { node: running.clone(), door }))
            .serve_with_incoming_shutdown(TcpIncoming::from(listener), async {
                let _ = stopped.await;
            });
        (address, tokio::spawn(serving))
    });
    let output = akta()
        .args(["export", "--server", &address, "--purpose", "subject-rights", "--controller"])
        .arg(controller.as_str())
        .output()
        .unwrap();
    stop.send(()).unwrap();
    runtime.block_on(serving).unwrap().unwrap();
    running.close();
    drop(running);
    threads.join();
    assert!(output.status.success(), "akta export: {}", shown(&output));
    String::from_utf8(output.stdout).unwrap()
}
