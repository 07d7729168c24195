//! The composition root: lock the folder → open the stores → recover → bind → serve → drain → close.
//!
//! | task | on cancel | on error |
//! |---|---|---|
//! | writer thread | drains what it took, then ends | stops recording; reads are refused too; the process must be restarted |
//! | indexer thread | writes what it gathered, then ends | ends, and the writer stops at its next group; caught up at the next start |
//! | serving task | lets calls finish within the grace period | the server stops |
//!
//! Crash is shutdown without manners: it must be harmless.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::server::{Router, TcpIncoming};
use tower::layer::util::{Identity, Stack};
use tower::util::MapResponseLayer;

use crate::config::Listen;
use crate::env::{SystemClock, SystemEntropy};
use crate::grpc::api::evidence_service_server::EvidenceServiceServer;
use crate::grpc::api::history_service_server::HistoryServiceServer;
use crate::grpc::api::ingest_service_server::IngestServiceServer;
use crate::grpc::evidence::Evidence;
use crate::grpc::history::History;
use crate::grpc::ingest::Ingest;
use crate::grpc::{MESSAGE_BYTES_MAX, QUESTION_BYTES_MAX, api, outcome};
use crate::store::disk::Disk;
use crate::store::space::Reserve;
use crate::trail::base::{Base, OpenError, Settings, World};
use crate::trail::keyring::{self, Kek};
use crate::trail::node::Node;
use crate::trail::threads::Threads;

/// How long calls may finish once the server is told to stop.
pub const GRACE: Duration = Duration::from_secs(10);

/// What a server is started with.
pub struct Options {
    /// Data folder; made if it is missing.
    pub data: PathBuf,
    /// Folder of the guard; the data folder if not set.
    pub guard: Option<PathBuf>,
    /// Where to listen.
    pub listen: Listen,
    /// The operator's key.
    pub kek: Kek,
    /// Names and rules.
    pub settings: Settings,
    /// `--dev`: reflection on.
    pub dev: bool,
}

/// Why a server cannot start; says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The listener.
    #[error("listen on {listen}: {error}")]
    Listen {
        /// Where.
        listen: String,
        /// What.
        error: std::io::Error,
    },
    /// Plaintext beyond this machine.
    #[error("refused to listen in plaintext on {0}: only loopback or a Unix socket until TLS is configured")]
    Plaintext(SocketAddr),
    /// gRPC.
    #[error("start the gRPC server: {0}")]
    Grpc(String),
}

/// A running server.
pub struct Server {
    address: Listen,
    node: Arc<Node>,
    threads: Threads,
    shutdown: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
    _lock: File,
}

impl Server {
    /// Starts; answers once it serves.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        if let Listen::Tcp(address) = &options.listen
            && !address.ip().is_loopback()
        {
            return Err(StartError::Plaintext(*address));
        }
        let Options { data, guard, listen, kek, settings, dev } = options;
        let opened = tokio::task::spawn_blocking(move || open(&data, guard.as_deref(), kek, settings)).await;
        let (lock, node, threads) = opened.map_err(|error| StartError::Grpc(error.to_string()))??;
        let node = Arc::new(node);
        let router = router(&node, dev).await?;
        let (shutdown, stopping) = oneshot::channel::<()>();
        let stop = async {
            let _ = stopping.await;
        };
        let failed = |error| StartError::Listen { listen: listen.to_string(), error };
        let (address, serving) = match &listen {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let bound = Listen::Tcp(listener.local_addr().map_err(failed)?);
                let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
                (bound, tokio::spawn(router.serve_with_incoming_shutdown(incoming, stop)))
            }
            Listen::Unix(path) => {
                let listener = bind_unix(path).map_err(failed)?;
                let incoming = UnixListenerStream::new(listener);
                (listen.clone(), tokio::spawn(router.serve_with_incoming_shutdown(incoming, stop)))
            }
        };
        Ok(Self { address, node, threads, shutdown, serving, _lock: lock })
    }

    /// Where it listens, with the port that was taken.
    pub fn address(&self) -> &Listen {
        &self.address
    }

    /// Seals the keyring under this key, if it is under another; whether it was. If it fails, both keys must be kept.
    pub async fn rotate_kek(&self, kek: Kek) -> Result<bool, keyring::Error> {
        let keyring = self.node.base().keyring.clone();
        if keyring.is_under(&kek) {
            return Ok(false);
        }
        let done = tokio::task::spawn_blocking(move || keyring.rotate(kek, &SystemEntropy)).await;
        done.map_err(|error| std::io::Error::other(error.to_string()))?.map(|()| true)
    }

    /// Stops taking calls, lets those under way finish within the grace period, makes everything taken durable,
    /// closes. Whether calls finished in time.
    pub async fn stop(self) -> bool {
        let _ = self.shutdown.send(());
        let in_time = tokio::time::timeout(GRACE, self.serving).await.is_ok();
        self.node.close();
        drop(self.node);
        let threads = self.threads;
        let _ = tokio::task::spawn_blocking(move || threads.join()).await;
        if let Listen::Unix(path) = &self.address {
            let _ = std::fs::remove_file(path);
        }
        in_time
    }
}

/// Takes the lock of a data folder, which is made if it is missing; held as long as the file.
pub fn lock(data: &Path) -> Result<File, OpenError> {
    let folder = |error| OpenError::Folder { path: data.display().to_string(), error };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(folder)?;
    let lock = File::options().write(true).create(true).truncate(false).open(data.join("LOCK")).map_err(folder)?;
    lock.try_lock().map_err(|_| OpenError::Locked(data.display().to_string()))?;
    Ok(lock)
}

fn open(data: &Path, guard: Option<&Path>, kek: Kek, settings: Settings) -> Result<(File, Node, Threads), StartError> {
    let lock = lock(data)?;
    let world = World { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    let disk = Disk::open(data, guard).map_err(OpenError::from)?;
    let reserve = Reserve::new(disk.space.clone(), settings.disk_reserve);
    let base = Base::open(disk, kek, settings, world)?;
    let (node, threads) = Node::start(Arc::new(base), reserve)?;
    Ok((lock, node, threads))
}

/// The gRPC server as every node runs it, without services: windows, keep-alive.
pub fn builder() -> tonic::transport::Server {
    tonic::transport::Server::builder()
        .max_concurrent_streams(Some(256))
        .concurrency_limit_per_connection(256)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .http2_keepalive_interval(Some(Duration::from_secs(60)))
}

/// Services behind the layer that aligns tonic's own answers.
type Aligned = Stack<MapResponseLayer<fn(Answer) -> Answer>, Identity>;
type Answer = tonic::codegen::http::Response<tonic::body::Body>;

async fn router(node: &Arc<Node>, dev: bool) -> Result<Router<Aligned>, StartError> {
    let ingest = IngestServiceServer::new(Ingest(node.clone())).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let history = HistoryServiceServer::new(History(node.clone())).max_decoding_message_size(QUESTION_BYTES_MAX);
    let evidence = EvidenceServiceServer::new(Evidence(node.clone())).max_decoding_message_size(QUESTION_BYTES_MAX);
    let (health, health_service) = tonic_health::server::health_reporter();
    // Also while the disk is nearly full: an application whose sidecar counts as not ready would be taken out of
    // service for it, and the reads that still go on with it. Reporters hear of it with each refusal.
    health.set_serving::<IngestServiceServer<Ingest>>().await;
    health.set_serving::<HistoryServiceServer<History>>().await;
    health.set_serving::<EvidenceServiceServer<Evidence>>().await;
    // Ends with the node. A stopped writer records no question either, so nothing is served any more.
    let mut stopped = node.stopped();
    tokio::spawn(async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
        health.set_not_serving::<IngestServiceServer<Ingest>>().await;
        health.set_not_serving::<HistoryServiceServer<History>>().await;
        health.set_not_serving::<EvidenceServiceServer<Evidence>>().await;
    });
    let reflected = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(api::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // So that tools show the details of a refusal, not their bytes.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let failed = |error: tonic_reflection::server::Error| StartError::Grpc(error.to_string());
    let reflection = dev.then(|| reflected().build_v1()).transpose().map_err(failed)?;
    // What older tools ask for.
    let reflection_alpha = dev.then(|| reflected().build_v1alpha()).transpose().map_err(failed)?;
    Ok(builder()
        .layer(MapResponseLayer::new(outcome::in_line as fn(Answer) -> Answer))
        .add_service(ingest)
        .add_service(history)
        .add_service(evidence)
        .add_service(health_service)
        .add_optional_service(reflection)
        .add_optional_service(reflection_alpha))
}

fn bind_unix(path: &Path) -> std::io::Result<UnixListener> {
    // A socket that a crash left behind; anything else of that name is not ours to remove.
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
        && std::os::unix::net::UnixStream::connect(path).is_err()
    {
        std::fs::remove_file(path)?;
    }
    UnixListener::bind(path)
}
