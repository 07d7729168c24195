//! The gate: takes connections on all listeners, counts them, shakes hands, and ends them when it is time.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;

use super::arrival::{Hall, Room};
use super::connection::{Connection, Io, Places};
use super::handshakes::Handshakes;
use super::limits::{GIVEN_UP, HANDSHAKE, HANDSHAKES};
use super::line::{End, Line, Lines, Shown};
use super::listener::{Listen, Listener, Role};
use super::peer::{Leaf, Peer};
use super::reload::{Material, Reread};
use super::tls::ClientCertificate;
use super::{Now, unix};
use crate::metrics::Metrics;

/// Refusals that are logged between two turns; the rest is counted.
const TOLD: usize = 5;

/// After a failed accept, which is mostly for want of file descriptors, so that it is not asked again at once.
const BREATH: Duration = Duration::from_millis(50);

/// After a failed handshake, for its reason to arrive.
const LINGER: Duration = Duration::from_secs(1);

/// All ways in of a server.
pub struct Gate {
    now: Now,
    material: Option<Material>,
    lines: Arc<Lines>,
    places: Arc<Semaphore>,
    handshakes: Handshakes,
    /// For requests that have not arrived whole.
    hall: Arc<Hall>,
    /// Refusals since the last turn.
    refused: AtomicUsize,
    /// Where refusals are counted, once that is there.
    metrics: OnceLock<Arc<Metrics>>,
}

/// Connections that were let in, for the gRPC server.
pub type Incoming = ReceiverStream<io::Result<Connection>>;

/// A bound socket.
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection that knocks: not yet let in.
enum Knock {
    Tcp(TcpStream, SocketAddr),
    Unix(tokio::net::UnixStream),
}

impl Gate {
    /// A gate without listeners, for `connections` in all; `material` is what TLS needs, where a listener wants it.
    pub fn new(connections: usize, material: Option<Material>, now: Now) -> Arc<Self> {
        let (places, handshakes) = (Arc::new(Semaphore::new(connections)), Handshakes::new(HANDSHAKES));
        let (lines, hall, refused) = (Arc::default(), Hall::new(), AtomicUsize::new(0));
        let metrics = OnceLock::new();
        Arc::new(Self { now, material, lines, places, handshakes, hall, refused, metrics })
    }

    /// Counts refusals there too, from now on.
    pub fn count_in(&self, metrics: Arc<Metrics>) {
        let _ = self.metrics.set(metrics);
    }

    /// Opens a listener: where it listens, with the port that was taken, and whom it lets in. Closes when that is
    /// dropped.
    ///
    /// # Errors
    ///
    /// The address cannot be had, or the socket not be given its group or mode.
    pub async fn open(self: &Arc<Self>, listener: &Listener) -> io::Result<(Listen, Incoming)> {
        let (bound, socket) = match &listener.listen {
            Listen::Tcp(address) => {
                let socket = TcpListener::bind(address).await?;
                (Listen::Tcp(socket.local_addr()?), Socket::Tcp(socket))
            }
            Listen::Unix(path) => (listener.listen.clone(), Socket::Unix(unix::bind(path, &listener.access)?)),
        };
        let (to, incoming) = mpsc::channel(64);
        let door = Door {
            gate: self.clone(),
            role: listener.role,
            tls: listener.tls,
            places: Arc::new(Semaphore::new(listener.connections)),
            to,
        };
        tokio::spawn(door.run(socket));
        Ok((bound, ReceiverStream::new(incoming)))
    }

    /// Ends connections that are past a bound. To be called about once a second.
    pub fn turn(&self) {
        let untold = self.refused.swap(0, Ordering::Relaxed).saturating_sub(TOLD);
        if untold > 0 {
            tracing::warn!("{untold} more connections were refused");
        }
        self.lines.look(Instant::now(), (self.now)());
    }

    /// Reads certificates, key, authorities and revocations again, and ends connections that would not be let in by
    /// them. Blocks. A bad file leaves everything as it was.
    pub fn read_again(&self) {
        match self.material.as_ref().map(Material::read_again) {
            None | Some(Reread::Same) => {}
            Some(Reread::Taken(loaded)) => {
                self.lines.recheck(&loaded, (self.now)());
                tracing::info!("tls: the changed files are in force");
            }
            Some(Reread::Kept(why)) => tracing::error!("{why}; what was in force stays"),
        }
    }

    /// Connections that are open, and calls under way over them.
    pub fn open_now(&self) -> (usize, usize) {
        (self.lines.count(), self.hall.calls())
    }

    fn refuse(&self, role: Role, from: &dyn std::fmt::Display, why: &dyn std::fmt::Display) {
        if let Some(metrics) = self.metrics.get() {
            metrics.connection_refused(role.name());
        }
        if self.refused.fetch_add(1, Ordering::Relaxed) < TOLD {
            tracing::warn!("listen.{role}: refused a connection from {from}: {why}");
        }
    }
}

/// One listener at work.
struct Door {
    gate: Arc<Gate>,
    role: Role,
    tls: Option<ClientCertificate>,
    places: Arc<Semaphore>,
    to: mpsc::Sender<io::Result<Connection>>,
}

impl Door {
    async fn run(self, socket: Socket) {
        let door = Arc::new(self);
        loop {
            let knock = tokio::select! {
                knock = socket.accept() => knock,
                () = door.to.closed() => return,
            };
            match knock {
                Ok(knock) => door.clone().answer(knock).await,
                Err(error) => {
                    door.gate.refuse(door.role, &"somebody", &error);
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }

    async fn answer(self: Arc<Self>, knock: Knock) {
        let Some(places) = self.places().await else {
            return self.gate.refuse(self.role, &knock, &"there are as many connections as there may be");
        };
        match (knock, self.tls) {
            (Knock::Unix(stream), _) => match unix::peer(&stream) {
                Ok(peer) => self.let_in(Io::Unix(stream), peer, places).await,
                Err(error) => self.gate.refuse(self.role, &"a Unix socket", &error),
            },
            (Knock::Tcp(stream, address), None) => {
                self.let_in(Io::Plain(stream), Peer::Plain(address), places).await;
            }
            (Knock::Tcp(stream, address), Some(wanted)) => {
                let Some((busy, given_up)) = self.gate.handshakes.begin(Instant::now()).await else {
                    return self.gate.refuse(self.role, &address, &"too many handshakes are under way");
                };
                tokio::spawn(async move {
                    let shaken = tokio::select! {
                        shaken = self.shake_hands(stream, address, wanted, busy, places) => shaken,
                        _ = given_up => Err("its handshake takes long, and another needs its place".to_owned()),
                    };
                    if let Err(why) = shaken {
                        self.gate.refuse(self.role, &address, &why);
                    }
                });
            }
        }
    }

    /// A place of the listener and one of all. Where there is none, whoever makes no call gives up theirs: those who come
    /// and say nothing must not keep out those who have something to say.
    async fn places(&self) -> Option<Places> {
        let all = &self.gate.places;
        let place = async |of: &Arc<Semaphore>, role| {
            if let Ok(place) = of.clone().try_acquire_owned() {
                return Some(place);
            }
            if !self.gate.lines.displace(role, Instant::now()) {
                return None;
            }
            tokio::time::timeout(GIVEN_UP, of.clone().acquire_owned()).await.ok()?.ok()
        };
        Some([place(&self.places, Some(self.role)).await?, place(all, None).await?])
    }

    fn room(&self) -> Room {
        Room::new(self.gate.hall.clone())
    }

    async fn let_in(&self, io: Io, peer: Peer, places: Places) {
        let (line, ended) = Line::new(self.role, peer, None, self.room(), Instant::now());
        let connection = Connection::new(io, line, self.gate.lines.clone(), ended, places);
        // Fails when the server stops: then nobody is let in.
        let _ = self.to.send(Ok(connection)).await;
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        wanted: ClientCertificate,
        busy: OwnedSemaphorePermit,
        places: Places,
    ) -> Result<(), String> {
        let material = self.gate.material.as_ref().ok_or("there are no certificates")?;
        let loaded = material.current();
        let acceptor = TlsAcceptor::from(loaded.config(wanted));
        let shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream).into_fallible()).await;
        let stream = match shaken.map_err(|_| "the handshake took too long")? {
            Ok(stream) => stream,
            Err((error, socket)) => {
                let _ = tokio::time::timeout(LINGER, part(socket)).await;
                return Err(error.to_string());
            }
        };
        drop(busy);
        let (shown, spiffe, certificate) = match stream.get_ref().1.peer_certificates() {
            Some(chain @ [own, ..]) => {
                let leaf = Leaf::read(own).ok_or("its certificate cannot be read")?;
                let chain = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
                (Some(Shown { chain, not_after: leaf.not_after }), leaf.spiffe, Some(leaf.hash))
            }
            Some([]) | None => (None, None, None),
        };
        let peer = Peer::Tls { address, spiffe, certificate };
        let (line, ended) = Line::new(self.role, peer, shown, self.room(), Instant::now());
        let lines = self.gate.lines.clone();
        let connection = Connection::new(Io::Tls(Box::new(stream)), line.clone(), lines, ended, places);
        // What was revoked during the handshake was looked for before this line was noted.
        let current = material.current();
        if !Arc::ptr_eq(&current, &loaded) && !line.stands(&current, (self.gate.now)()) {
            line.end(End::Revoked);
        }
        let _ = self.to.send(Ok(connection)).await;
        Ok(())
    }
}

/// Ends a connection so that its last words arrive: closed with bytes unread, the network would drop them, and the other
/// end would not learn why.
async fn part(mut socket: TcpStream) {
    let _ = socket.shutdown().await;
    let mut unread = [0; 512];
    while socket.read(&mut unread).await.is_ok_and(|read| read > 0) {}
}

impl Socket {
    async fn accept(&self) -> io::Result<Knock> {
        match self {
            Self::Tcp(socket) => {
                let (stream, address) = socket.accept().await?;
                // Answers are small and waited for.
                stream.set_nodelay(true)?;
                Ok(Knock::Tcp(stream, address))
            }
            Self::Unix(socket) => Ok(Knock::Unix(socket.accept().await?.0)),
        }
    }
}

impl std::fmt::Display for Knock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(_, address) => write!(f, "{address}"),
            Self::Unix(_) => f.write_str("a Unix socket"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;
    use tonic::transport::server::Connected;

    use super::*;
    use crate::grpc::transport::listener::Access;
    use crate::model::date::Timestamp;

    fn gate(connections: usize) -> Arc<Gate> {
        Gate::new(connections, None, Arc::new(|| Timestamp::from_nanos(0)))
    }

    fn run(work: impl Future<Output = io::Result<()>>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work).expect("the sockets work");
    }

    #[test]
    fn a_unix_socket_says_who_is_at_its_other_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let listen = Listen::Unix(folder.path().join("socket"));
        let Listen::Unix(path) = &listen else { unreachable!("it is one") };
        run(async {
            let (_, mut incoming) = gate(8).open(&Listener::plain(Role::Api, listen.clone())).await?;
            let _client = tokio::net::UnixStream::connect(path).await?;
            let connection = incoming.next().await.expect("somebody came")?;
            let pid = i32::try_from(std::process::id()).ok();
            let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
            assert_eq!(*connection.connect_info().peer(), Peer::Unix { uid, gid, pid });
            Ok(())
        });
    }

    #[test]
    fn more_connections_than_may_be_are_closed_and_places_come_free() {
        let tcp = || Listen::Tcp(([127, 0, 0, 1], 0).into());
        // Places of the listener, of all; how many of three get in.
        for (own, all, places) in [(2, 9, 2), (9, 1, 1), (9, 9, 3)] {
            run(async {
                let listener = Listener { connections: own, ..Listener::plain(Role::Api, tcp()) };
                let (bound, mut incoming) = gate(all).open(&listener).await?;
                let Listen::Tcp(address) = bound else { unreachable!("it is one") };
                let mut inside = Vec::new();
                for number in 0..3 {
                    let mut client = TcpStream::connect(address).await?;
                    if number < places {
                        let connection = incoming.next().await.expect("somebody came")?;
                        assert!(matches!(connection.connect_info().peer(), Peer::Plain(_)));
                        inside.push((client, connection));
                    } else {
                        assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0, "closed at once");
                    }
                }
                drop(inside.pop());
                let _again = TcpStream::connect(address).await?;
                incoming.next().await.expect("somebody came")?;
                Ok(())
            });
        }
    }

    #[test]
    fn a_socket_without_its_group_is_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let access = Access { group: Some("no such group".to_owned()), ..Access::default() };
        let listener = Listener { access, ..Listener::plain(Role::Api, Listen::Unix(path.clone())) };
        run(async {
            let error = gate(8).open(&listener).await.err().expect("is refused");
            assert!(error.to_string().contains("give its number"), "{error}");
            assert_eq!(std::fs::read_dir(folder.path())?.count(), 0, "nothing is left");
            Ok(())
        });
    }
}
