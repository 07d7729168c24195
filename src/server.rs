//! The composition root: read the certificates → lock the folder → open the stores → recover → bind → serve → drain →
//! close.
//!
//! | task | on cancel | on error |
//! |---|---|---|
//! | writer thread | drains what it took, then ends | stops recording; reads are refused too; the process must be restarted |
//! | indexer thread | writes what it gathered, then ends | ends, and the writer stops at its next group; caught up at the next start |
//! | serving task of each listener | lets calls finish within the grace period | the server stops |
//! | gate task | ends at once | cannot fail: a bad certificate leaves the old one |
//!
//! Crash is shutdown without manners: it must be harmless.

mod files;
mod methods;
mod rules;
mod shown;

use std::fs::File;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::server::Router;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tower::layer::util::{Identity, Stack};
use tower::util::MapResponseLayer;

use self::methods::{METHODS, STREAMS};
use self::rules::PolicyFile;
use self::shown::Shown;
use crate::config::{Access, ConfigError};
use crate::env::{Clock, SystemClock, SystemEntropy};
use crate::grpc::api::controller_service_server::ControllerServiceServer;
use crate::grpc::api::evidence_service_server::EvidenceServiceServer;
use crate::grpc::api::history_service_server::HistoryServiceServer;
use crate::grpc::api::identity_service_server::IdentityServiceServer;
use crate::grpc::api::ingest_service_server::IngestServiceServer;
use crate::grpc::api::retention_service_server::RetentionServiceServer;
use crate::grpc::auth::door::Door;
use crate::grpc::controller::Controllers;
use crate::grpc::evidence::Evidence;
use crate::grpc::history::History;
use crate::grpc::identity::Identities;
use crate::grpc::ingest::Ingest;
use crate::grpc::retention::Retentions;
use crate::grpc::transport::calls::Watch;
use crate::grpc::transport::gate::Gate;
pub use crate::grpc::transport::limits::builder;
use crate::grpc::transport::listener::{Listener, Plaintext};
use crate::grpc::transport::reload::Material;
use crate::grpc::transport::tls::TlsError;
use crate::grpc::transport::{Listen, Now, Role, Ways};
use crate::grpc::{MESSAGE_BYTES_MAX, QUESTION_BYTES_MAX, api, outcome};
use crate::model::recipient::Places;
use crate::store::disk::Disk;
use crate::store::space::Reserve;
use crate::trail::base::{Base, OpenError, Settings, World};
use crate::trail::copies::{self, Copies, Keeper, Rhythm};
use crate::trail::keyring::Kek;
use crate::trail::node::Node;
use crate::trail::rotation::RotateError;
use crate::trail::threads::Threads;

/// How long calls may finish once the server is told to stop.
pub const GRACE: Duration = Duration::from_secs(10);

/// How often connections are looked at.
const TURN: Duration = Duration::from_secs(1);

/// After so many turns the files of TLS are read again.
const REREAD_TURNS: u32 = 5;

/// What a server is started with.
pub struct Options {
    /// Data folder; made if it is missing.
    pub data: PathBuf,
    /// Folder of the guard; the data folder if not set.
    pub guard: Option<PathBuf>,
    /// Where to listen, for what, and with which certificates.
    pub listen: Ways,
    /// The operator's key.
    pub kek: Kek,
    /// Names and rules.
    pub settings: Settings,
    /// Who may call.
    pub access: Access,
    /// Where data is and where it goes.
    pub places: Places,
    /// Where copies are kept, and when they are made.
    pub copies: Option<(PathBuf, Rhythm)>,
    /// `--dev`: reflection on.
    pub dev: bool,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
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
    #[error(transparent)]
    Plaintext(#[from] Plaintext),
    /// The files of TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The policy.
    #[error(transparent)]
    Policy(#[from] ConfigError),
    /// gRPC.
    #[error("start the gRPC server: {0}")]
    Grpc(String),
}

/// A running server.
pub struct Server {
    addresses: Vec<(Role, Listen)>,
    node: Arc<Node>,
    threads: Threads,
    keeper: Option<Keeper>,
    care: Care,
    turning: JoinHandle<()>,
    shutdown: watch::Sender<bool>,
    serving: Vec<JoinHandle<Result<(), tonic::transport::Error>>>,
    _lock: File,
}

impl Server {
    /// Starts; answers once it serves.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options { data, guard, listen, kek, settings, access, places, copies: kept, dev, clock } = options;
        if let Some(region) = places.region.filter(|region| !region.is_in_eea()) {
            tracing::warn!(%region, "the node keeps its data outside the European Economic Area: GDPR chapter V applies");
        }
        let Ways { listeners, tls, connections, rate } = listen;
        listeners.iter().try_for_each(|listener| listener.check())?;
        let told = clock.clone();
        let now: Now = Arc::new(move || told.now());
        let material = tls.map(|files| Material::read(files, now.clone())).transpose()?;
        let gate = Gate::new(files::room(connections), material, now.clone());
        let policy = match access {
            Access::Everybody => None,
            Access::Policy(path) => Some(PolicyFile::read(path, now)?),
        };
        let staging = data.join(copies::STAGING);
        let opened = tokio::task::spawn_blocking(move || open(&data, guard.as_deref(), kek, settings, clock)).await;
        let (lock, node, threads, disk) = opened.map_err(|error| StartError::Grpc(error.to_string()))??;
        let node = Arc::new(node);
        let keeper = kept.map(|copies| keep(&node, disk, staging, copies)).transpose()?;
        let (door, policy) = match policy {
            None => (Door::open(node.clone()), None),
            Some((file, rules)) => (Door::kept(node.clone(), rules), Some(Arc::new(file))),
        };
        let door = Arc::new(door.with_rate(rate));
        gate.count_in(node.base().metrics.clone());
        let metrics = Shown { node: node.clone(), gate: gate.clone() };
        let health = health(&node).await;
        let (shutdown, stopping) = watch::channel(false);
        let (mut addresses, mut serving) = (Vec::new(), Vec::new());
        for listener in &listeners {
            let failed = |error| StartError::Listen { listen: listener.listen.to_string(), error };
            let (bound, incoming) = gate.open(listener).await.map_err(failed)?;
            let mut stopping = stopping.clone();
            let stop = async move {
                let _ = stopping.wait_for(|stop| *stop).await;
            };
            let router = router(&door, &node, &places, health.clone(), &metrics, listener, dev)?;
            serving.push(tokio::spawn(router.serve_with_incoming_shutdown(incoming, stop)));
            addresses.push((listener.role, bound));
        }
        let care = Care { gate, door, policy };
        let turning = tokio::spawn(care.clone().turn());
        Ok(Self { addresses, node, threads, keeper, care, turning, shutdown, serving, _lock: lock })
    }

    /// Where it listens first, with the port that was taken.
    pub fn address(&self) -> &Listen {
        // A server without listeners is refused where settings are read, and would serve nobody.
        &self.addresses[0].1
    }

    /// Where it listens for what.
    pub fn addresses(&self) -> &[(Role, Listen)] {
        &self.addresses
    }

    /// Reads the files of TLS and the policy again, now.
    pub async fn read_again(&self) {
        self.care.read_again().await;
    }

    /// Seals the keyring under this key, if it is under another; whether it was. If it fails, both keys must be kept.
    pub async fn rotate_kek(&self, kek: Kek) -> Result<bool, RotateError> {
        self.node.rotate_kek(kek).await
    }

    /// Replaces the key that signs checkpoints.
    pub async fn rotate_signing_key(&self) -> Result<(), RotateError> {
        self.node.rotate_signing_key().await
    }

    /// Stops taking calls, lets those under way finish within the grace period, makes everything taken durable,
    /// closes. Whether calls finished in time.
    pub async fn stop(self) -> bool {
        self.shutdown.send_replace(true);
        let all = async {
            for serving in self.serving {
                let _ = serving.await;
            }
        };
        let in_time = tokio::time::timeout(GRACE, all).await.is_ok();
        self.turning.abort();
        let _ = self.turning.await;
        let _ = tokio::time::timeout(GRACE, self.care.door.close()).await;
        // Before the writer ends, for which it may wait.
        let keeper = self.keeper;
        let _ = tokio::task::spawn_blocking(move || drop(keeper)).await;
        self.node.close();
        drop((self.node, self.care));
        let threads = self.threads;
        let _ = tokio::task::spawn_blocking(move || threads.join()).await;
        for (_, address) in &self.addresses {
            if let Listen::Unix(path) = address {
                let _ = std::fs::remove_file(path);
            }
        }
        in_time
    }
}

/// What a running server looks after: connections, certificates, the policy, refusals that were counted.
#[derive(Clone)]
struct Care {
    gate: Arc<Gate>,
    door: Arc<Door>,
    policy: Option<Arc<PolicyFile>>,
}

impl Care {
    /// Goes on until it is aborted.
    async fn turn(self) {
        let mut turns = tokio::time::interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 1.. {
            turns.tick().await;
            self.gate.turn();
            self.door.turn();
            if number % REREAD_TURNS == 0 {
                self.read_again().await;
            }
        }
    }

    async fn read_again(&self) {
        let care = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            care.gate.read_again();
            if let Some(rules) = care.policy.as_ref().and_then(|policy| policy.read_again()) {
                care.door.take(rules);
                tracing::info!("policy: the changed file is in force");
            }
        });
        let _ = read.await;
    }
}

/// Keeps copies while the node runs.
fn keep(
    node: &Arc<Node>,
    disk: Disk,
    staging: PathBuf,
    (folder, rhythm): (PathBuf, Rhythm),
) -> Result<Keeper, StartError> {
    let failed = |error| OpenError::Folder { path: folder.display().to_string(), error };
    let of = copies::store(disk.db.as_ref()).map_err(OpenError::from)?.ok_or(OpenError::HistoryMissing)?;
    let copies = Copies::open(&folder, &of).map_err(failed)?;
    Ok(Keeper::begin(node.clone(), disk, staging, copies, rhythm).map_err(failed)?)
}

/// Takes the lock of a data folder, which is made if it is missing; held as long as the file.
pub fn lock(data: &Path) -> Result<File, OpenError> {
    let folder = |error| OpenError::Folder { path: data.display().to_string(), error };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(folder)?;
    let lock = File::options().write(true).create(true).truncate(false).open(data.join("LOCK")).map_err(folder)?;
    lock.try_lock().map_err(|_| OpenError::Locked(data.display().to_string()))?;
    Ok(lock)
}

/// Runs a node without listeners on a folder that nobody has open, for work that it does itself.
pub async fn alone<T>(
    data: PathBuf,
    guard: Option<PathBuf>,
    kek: Kek,
    settings: Settings,
    work: impl AsyncFnOnce(&Node) -> T,
) -> Result<T, StartError> {
    let opened = tokio::task::spawn_blocking(move || {
        let (lock, base, reserve, _) = base(&data, guard.as_deref(), kek, settings, Arc::new(SystemClock))?;
        begun(&base)?;
        let (node, threads) = Node::start(Arc::new(base), reserve)?;
        Ok::<_, StartError>((lock, node, threads))
    });
    let (_lock, node, threads) = opened.await.map_err(|error| StartError::Grpc(error.to_string()))??;
    let done = work(&node).await;
    node.close();
    drop(node);
    let _ = tokio::task::spawn_blocking(move || threads.join()).await;
    Ok(done)
}

/// Opens a folder that nobody has open, for work on it without a node; held as long as the file.
pub fn folder(
    data: &Path,
    guard: Option<&Path>,
    kek: Kek,
    settings: Settings,
    clock: Arc<dyn Clock>,
) -> Result<(File, Base), StartError> {
    let (lock, base, ..) = base(data, guard, kek, settings, clock)?;
    begun(&base)?;
    Ok((lock, base))
}

/// Nothing is begun in a folder under names that nobody chose.
fn begun(base: &Base) -> Result<(), OpenError> {
    if base.descriptions()?.is_empty() { Err(OpenError::HistoryMissing) } else { Ok(()) }
}

fn open(
    data: &Path,
    guard: Option<&Path>,
    kek: Kek,
    settings: Settings,
    clock: Arc<dyn Clock>,
) -> Result<(File, Node, Threads, Disk), StartError> {
    let (lock, base, reserve, disk) = base(data, guard, kek, settings, clock)?;
    let (node, threads) = Node::start(Arc::new(base), reserve)?;
    Ok((lock, node, threads, disk))
}

fn base(
    data: &Path,
    guard: Option<&Path>,
    kek: Kek,
    settings: Settings,
    clock: Arc<dyn Clock>,
) -> Result<(File, Base, Reserve, Disk), OpenError> {
    let lock = lock(data)?;
    let world = World { clock, entropy: Arc::new(SystemEntropy) };
    let disk = Disk::open(data, guard)?;
    let reserve = Reserve::new(disk.space.clone(), settings.disk_reserve);
    Ok((lock, Base::open(disk.clone(), kek, settings, world)?, reserve, disk))
}

/// Services behind the layers that watch calls and align tonic's own answers.
type Aligned = Stack<MapResponseLayer<fn(Answer) -> Answer>, Stack<Watch, Identity>>;
type Answer = tonic::codegen::http::Response<tonic::body::Body>;

/// Services whose health is the node's.
const SERVICES: [&str; 6] = [
    IngestServiceServer::<Ingest>::NAME,
    HistoryServiceServer::<History>::NAME,
    EvidenceServiceServer::<Evidence>::NAME,
    ControllerServiceServer::<Controllers>::NAME,
    RetentionServiceServer::<Retentions>::NAME,
    IdentityServiceServer::<Identities>::NAME,
];

/// The health of all services, by the node's.
async fn health(node: &Arc<Node>) -> HealthServer<impl Health + use<>> {
    let (health, service) = tonic_health::server::health_reporter();
    // Also while the disk is nearly full: an application whose sidecar counts as not ready would be taken out of
    // service for it, and the reads that still go on with it. Reporters hear of it with each refusal.
    for service in SERVICES {
        health.set_service_status(service, ServingStatus::Serving).await;
    }
    // Ends with the node. A stopped writer records no question either, so nothing is served any more.
    let mut stopped = node.stopped();
    tokio::spawn(async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
        for service in SERVICES {
            health.set_service_status(service, ServingStatus::NotServing).await;
        }
    });
    service
}

/// The services of a listener.
fn router<H: Health>(
    door: &Arc<Door>,
    node: &Arc<Node>,
    places: &Places,
    health: HealthServer<H>,
    metrics: &Shown,
    listener: &Listener,
    dev: bool,
) -> Result<Router<Aligned>, StartError> {
    let (node, door) = (|| node.clone(), || door.clone());
    let ingest = IngestServiceServer::new(Ingest { node: node(), door: door(), recipients: places.recipients.clone() });
    let history = HistoryServiceServer::new(History { node: node(), door: door() });
    let evidence = EvidenceServiceServer::new(Evidence { node: node(), door: door() });
    let controllers = ControllerServiceServer::new(Controllers { node: node(), door: door(), region: places.region });
    let retention = RetentionServiceServer::new(Retentions { node: node(), door: door() });
    let identities = IdentityServiceServer::new(Identities { node: node(), door: door() });
    let ingest = ingest.max_decoding_message_size(MESSAGE_BYTES_MAX);
    let history = history.max_decoding_message_size(QUESTION_BYTES_MAX);
    let evidence = evidence.max_decoding_message_size(QUESTION_BYTES_MAX);
    let controllers = controllers.max_decoding_message_size(QUESTION_BYTES_MAX);
    let retention = retention.max_decoding_message_size(QUESTION_BYTES_MAX);
    let identities = identities.max_decoding_message_size(QUESTION_BYTES_MAX);
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
    // Counts of the whole node are none of its callers' business, so they are not where those come.
    let role = listener.role;
    let shown = role == Role::Ops || (dev && role == Role::Api);
    let watch = Watch { streams: STREAMS, methods: METHODS, metrics: node().base().metrics.clone() };
    Ok(builder()
        // Only in plaintext: to tell HTTP/1 from HTTP/2 the server must let the client speak first, but with TLS its own
        // first words are what tells a client that its certificate is good.
        .accept_http1(shown && listener.tls.is_none())
        .layer(watch)
        .layer(MapResponseLayer::new(outcome::in_line as fn(Answer) -> Answer))
        .add_routes(if shown { metrics.routes() } else { Routes::default() })
        .add_optional_service(role.serves(Role::Ingest).then_some(ingest))
        .add_optional_service(role.serves(Role::History).then_some(history))
        .add_optional_service(role.serves(Role::History).then_some(evidence))
        .add_optional_service(role.serves(Role::History).then_some(controllers))
        .add_optional_service(role.serves(Role::History).then_some(retention))
        .add_optional_service(role.serves(Role::History).then_some(identities))
        .add_optional_service(role.serves(Role::Ops).then_some(health))
        .add_optional_service(reflection)
        .add_optional_service(reflection_alpha))
}
