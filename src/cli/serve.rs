//! `akta serve`: runs a node.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use super::args::{Ahead, KekArgs, OldKekArgs};
use super::text::say;
use super::{Failure, Outcome, block_on, keys};
use crate::config::{self, Access, Listen, Size};
use crate::kek::Provider;
use crate::model::recipient::Places;
use crate::server::{Options, Server};
use crate::telemetry;
use crate::trail::base::Settings;
use crate::trail::keyring::Kek;

/// Run a node: take events, keep them, answer questions
///
/// With --dev it serves everything in plaintext on loopback, makes its keys on first start (they are public: for
/// trying out only) and opens a trail for every controller it hears of. Without --dev it needs a configuration with
/// at least data, authority and controllers, and a key-encryption key. A policy file that it names must be sound.
///
/// Prints "listening NAME ADDRESS" on stdout for each listener once it serves. SIGTERM or Ctrl-C ends it cleanly;
/// kill -9 loses nothing that was acknowledged. SIGHUP has it read certificates, policy and key-encryption key again:
/// if that is another one, the keyring is sealed under it. It is so at start, too, where the old key is given besides.
/// SIGUSR1 has it sign checkpoints with a new key, which the old one signs in; akta keys shows it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Configuration file (TOML)
    #[arg(long, env = "AKTA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder; made if it is missing
    #[arg(long, env = "AKTA_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen for everything: ADDRESS:PORT (port 0 takes a free one) or unix:PATH; goes before the listeners
    /// of the configuration file; 127.0.0.1:7425 unless set
    #[arg(long, env = "AKTA_LISTEN", value_name = "ADDRESS")]
    listen: Option<Listen>,
    /// Folder of the file "guard", better on another volume; the data folder unless set
    #[arg(long, env = "AKTA_GUARD", value_name = "DIR")]
    guard: Option<PathBuf>,
    /// Begin a new guard where the old one is lost for good: what it would have noticed is not noticed any more
    #[arg(long)]
    new_guard: bool,
    /// Free space of the volume below which no event is taken, for example "512 MiB"; unless set, an eighth of
    /// the volume, at least 256 MiB and at most 512 MiB
    #[arg(long, env = "AKTA_DISK_RESERVE", value_name = "SIZE")]
    disk_reserve: Option<Size>,
    #[command(flatten)]
    kek: KekArgs,
    #[command(flatten)]
    old_kek: OldKekArgs,
    #[command(flatten)]
    ahead: Ahead,
}

/// Runs until it is told to stop.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    telemetry::start("info");
    let mut file = args.config.as_deref().map(config::File::read).transpose()?.unwrap_or_default();
    file.disk_reserve = args.disk_reserve.or(file.disk_reserve);
    let data = args.data.or(file.data.clone()).ok_or("there is no data folder: give --data DIR")?;
    let access = file.access(args.kek.dev)?;
    let listen = config::listen::ways(args.listen.as_ref(), &file).map_err(|wrong| wrong.join("; "))?;
    let provider = args.kek.place(Some(&file)).provider()?;
    let kek = provider.kek()?;
    if let Some(old) = args.old_kek.at_hand()? {
        rotate(&data, &old, &kek)?;
    }
    let options = Options {
        data,
        guard: args.guard.or(file.guard.clone()),
        listen,
        kek,
        settings: Settings { new_guard: args.new_guard, ..file.settings(args.kek.dev)? },
        access,
        places: Places { region: file.region()?, recipients: file.recipients()?.into() },
        copies: file
            .copies
            .as_ref()
            .map(|copies| Ok::<_, Failure>((copies.folder.clone(), copies.rhythm()?)))
            .transpose()?,
        dev: args.kek.dev,
        clock: args.ahead.clock(),
    };
    if options.dev {
        tracing::warn!("--dev: keys are public; never with real data");
    }
    if let Some(days) = args.ahead.days() {
        tracing::warn!(
            days,
            "--days-ahead: the clock is ahead; what expires by it is gone, also for a clock that is right"
        );
    }
    if options.access == Access::Everybody {
        tracing::warn!("there is no policy: whoever reaches a listener may do everything");
    }
    block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut user = signal(SignalKind::user_defined1())?;
        let server = tokio::select! {
            started = Server::start(options) => started?,
            // Recovery may take long; it leaves nothing half done.
            _ = terminate.recv() => return Ok(Outcome::Good),
        };
        for (role, address) in server.addresses() {
            say(format!("listening {role} {address}"));
        }
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = tokio::signal::ctrl_c() => break,
                _ = hangup.recv() => {
                    server.read_again().await;
                    read_kek_again(&server, provider.clone()).await;
                }
                _ = user.recv() => rotate_signing_key(&server).await,
            }
        }
        tracing::info!("stopping: calls under way may finish");
        if !server.stop().await {
            return Err(Failure("calls did not finish within the grace period; nothing acknowledged is lost".into()));
        }
        Ok(Outcome::Good)
    })
}

/// Rotates before the start, where there is something to rotate.
fn rotate(data: &Path, old: &Kek, new: &Kek) -> Result<(), Failure> {
    if !data.join("keyring").is_file() {
        return Ok(());
    }
    match keys::rotate::rotate(data, old, new)? {
        true => tracing::info!("the keyring is sealed under the new key-encryption key: destroy the old one"),
        false => tracing::warn!("the old key-encryption key is still given, though it opens nothing: destroy it"),
    }
    Ok(())
}

/// Rotates while serving, where the key has changed.
async fn read_kek_again(server: &Server, provider: Arc<dyn Provider>) {
    let kek = match tokio::task::spawn_blocking(move || provider.kek()).await {
        Ok(Ok(kek)) => kek,
        Ok(Err(error)) => return tracing::error!("the key-encryption key stays the same: {error}"),
        Err(error) => return tracing::error!("the key-encryption key stays the same: {error}"),
    };
    match server.rotate_kek(kek).await {
        Ok(true) => tracing::info!("the keyring is sealed under the new key-encryption key: destroy the old one"),
        Ok(false) => tracing::info!("the key-encryption key is the same as before"),
        Err(error) => tracing::error!("the keyring could not be sealed anew, keep both key-encryption keys: {error}"),
    }
}

/// Replaces the key that signs checkpoints while serving.
async fn rotate_signing_key(server: &Server) {
    match server.rotate_signing_key().await {
        Ok(()) => tracing::info!("checkpoints are signed by a new key: hand out the new verification keys (akta keys)"),
        Err(error) => tracing::error!("the signing key was not replaced: {error}"),
    }
}
