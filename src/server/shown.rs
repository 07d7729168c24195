//! `/metrics`: how the node stands, over plain HTTP, for Prometheus.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::routing::get;
use tonic::service::Routes;

use crate::grpc::transport::gate::Gate;
use crate::metrics::Standing;
use crate::trail::node::Node;

/// Format 0.0.4 of Prometheus.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is shown.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) node: Arc<Node>,
    pub(super) gate: Arc<Gate>,
}

impl Shown {
    /// The one route.
    pub(super) fn routes(&self) -> Routes {
        let shown = self.clone();
        let mut routes = Routes::default();
        let router = routes.axum_router_mut();
        *router = std::mem::take(router).route("/metrics", get(move || async move { shown.text().await }));
        routes
    }

    async fn text(&self) -> Result<([(HeaderName, &'static str); 1], String), StatusCode> {
        let (connections, calls) = self.gate.open_now();
        let node = self.node.clone();
        // A network's volume may take its time to say how much is free.
        let standing = tokio::task::spawn_blocking(move || node.standing()).await.unwrap_or_default();
        let standing = Standing { connections: connections as u64, calls: calls as u64, ..standing };
        let text = self.node.base().metrics.text(standing).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(([(CONTENT_TYPE, FORMAT)], text))
    }
}
