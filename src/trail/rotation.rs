//! Keys that are replaced: the one that signs checkpoints, and the KEK that the keyring is sealed under.
//!
//! A signing key, each step durable before the next:
//!
//! 1. the next key beside the old one in the keyring;
//! 2. one batch: every trail tells, signed by the old key;
//! 3. the next key alone in the keyring; only now readers see the heads of that batch, so that the old key never signs
//!    one beyond its own notice.
//!
//! Stopped after 1 or 2, the next start goes on before anything else. The KEK: the keyring under the new one, then a
//! generation that the old one never sealed, then the notice; what of it is missing is made up for at the next start.

use std::sync::Arc;

use prost::Message;

use super::base::Base;
use super::group::{Group, WriteError};
use super::keyring::{self, Kek};
use super::reader::ReadError;
use super::trails::Info;
use super::writer::{Step, Writer};
use crate::model::notice::{self, Says};
use crate::model::origin::{Controller, Origin};
use crate::model::stored::NoticeCore;
use crate::store::{Batch, Family, Scan, keys};

/// Why a key was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The keyring is under the old KEK, or under both, one in each slot: keep both.
    #[error(transparent)]
    Keyring(#[from] keyring::Error),
    /// Nobody knows how far it came: the writer has stopped, the next start goes on.
    #[error("how far the rotation came is not known; the writer has stopped, and the next start goes on: {0}")]
    Write(#[from] WriteError),
    /// There is no writer any more.
    #[error("akta is closing, or its writer has stopped: restart it")]
    Closing,
}

impl Writer {
    /// Replaces the key that signs checkpoints. After an error only reopening decides.
    pub fn rotate_signing_key(&mut self) -> Result<Step, WriteError> {
        let base = self.base.clone();
        base.keyring.bring_signing_key(base.world.entropy.as_ref())?;
        self.hand_over()
    }

    /// Seals the keyring under another KEK and says so in the node's trail; nothing to publish if it is under that one.
    ///
    /// # Errors
    ///
    /// `Keyring`: the writer can go on. `Write`: it cannot.
    pub fn rotate_kek(&mut self, kek: Kek) -> Result<Option<Step>, RotateError> {
        let base = self.base.clone();
        if base.keyring.is_under(&kek) {
            return Ok(None);
        }
        base.keyring.rotate(kek, base.world.entropy.as_ref())?;
        Ok(self.tell_kek()?)
    }

    /// Goes on with what a stop left half done. Before anything is read or written.
    pub(super) fn finish_rotations(&mut self) -> Result<(), WriteError> {
        if self.base.keyring.next_signing_key().is_some() {
            tracing::warn!("the signing key was being replaced when akta stopped: going on with it");
            self.hand_over()?.publish();
        }
        if let Some(step) = self.tell_kek()? {
            step.publish();
        }
        Ok(())
    }

    /// From the next key beside the old one to the next key alone.
    fn hand_over(&mut self) -> Result<Step, WriteError> {
        let base = self.base.clone();
        let infos = every(&base)?;
        let mut group = Group::new(&base);
        if !is_told(&base, &infos)? {
            for info in &infos {
                let size = info.position().size;
                info.sign_from(size + 1);
                let told = base.keyring.hand_over(&info.origin, size);
                let told = told.expect("there is a key and a next one");
                group.tell(info, Says::SigningKeyRotated(told), base.now());
            }
        }
        let step = self.commit(group)?;
        base.keyring.change_signing_key(base.world.entropy.as_ref())?;
        self.note_generation()?;
        Ok(step)
    }

    /// Tells in the node's trail that the keyring was sealed under another KEK, if that was not told yet.
    fn tell_kek(&mut self) -> Result<Option<Step>, WriteError> {
        let base = self.base.clone();
        let Some(before) = base.keyring.kek_rotated_at() else { return Ok(None) };
        let told = match base.trail(&Controller::node())? {
            Some(node) => newest(&base, &node, |says| match says {
                Says::KekRotated(told) => Some(told.generation_before),
                _ => None,
            })?,
            None => None,
        };
        if told.is_some_and(|told| told >= before) {
            return Ok(None);
        }
        base.keyring.pass_old_kek(base.world.entropy.as_ref())?;
        let rotated = notice::kek_rotated(before, base.keyring.generation());
        Ok(Some(self.notice(&Controller::node(), rotated)?))
    }

    /// Notes the keyring's generation, so that an older one is refused from now on.
    pub(super) fn note_generation(&mut self) -> Result<(), WriteError> {
        let generation = self.base.keyring.generation();
        let mut batch = Batch::default();
        batch.put(Family::Meta, keys::META_GENERATION, generation.to_be_bytes());
        self.write(batch, generation)?;
        Ok(())
    }
}

/// Every trail of the node that goes on, opened.
fn every(base: &Base) -> Result<Vec<Arc<Info>>, ReadError> {
    let controllers = base.descriptions()?.into_iter().filter(|meta| !meta.frozen);
    let controllers = controllers.filter_map(|meta| Some(Origin::parse(&meta.origin)?.controller()));
    let infos = controllers.map(|controller| base.trail(&controller));
    let infos = infos.filter_map(Result::transpose);
    infos.filter(|info| !info.as_ref().is_ok_and(|info| info.frozen)).collect()
}

/// Whether the batch in which every trail tells of the next key is there; one trail that does speaks for all.
fn is_told(base: &Base, infos: &[Arc<Info>]) -> Result<bool, ReadError> {
    let Some(info) = infos.first() else { return Ok(false) };
    let last = newest(base, info, |says| match says {
        Says::SigningKeyRotated(told) => Some(told.new_key),
        _ => None,
    })?;
    Ok(last.is_some() && last.as_deref() == base.keyring.next_signing_key().as_ref().map(|key| key.as_slice()))
}

/// What the newest notice of a trail says of which `pick` makes something.
fn newest<T>(base: &Base, info: &Info, pick: impl Fn(Says) -> Option<T>) -> Result<Option<T>, ReadError> {
    let of = |seq| keys::trail_seq(info.number, seq);
    for row in base.db.scan(Scan::back(Family::Notice, &of(0), &of(u64::MAX))) {
        let (_, core) = row?;
        // What is not well-formed verification will name.
        if let Some(found) = NoticeCore::decode(&*core).ok().and_then(|core| pick(core.kind?)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{ManualClock, SeededEntropy};
    use crate::model::checkpoint::Checkpoint;
    use crate::model::date::{Timestamp, Zone};
    use crate::model::handover;
    use crate::model::vkey::Signer;
    use crate::store::disk::Disk;
    use crate::store::files::MemoryFiles;
    use crate::store::space::Scripted;
    use crate::store::{Store, memory};
    use crate::trail::base::{Settings, World};
    use crate::trail::proof::sign;
    use crate::trail::verify::verify;

    fn writer() -> Writer {
        let store = || Arc::new(memory::Disk::new().open()) as Arc<dyn Store>;
        let files = || Arc::new(MemoryFiles::new());
        let disk = Disk {
            db: store(),
            vault: store(),
            index: store(),
            files: files(),
            guard: files(),
            space: Arc::new(Scripted::default()),
        };
        let settings = Settings {
            authority: "akta.test".to_owned(),
            zone: Zone::default(),
            open_controllers: true,
            controllers: Vec::new(),
            new_guard: false,
            disk_reserve: None,
        };
        let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(1_795_341_600_000_000_000)));
        let world = World { clock, entropy: Arc::new(SeededEntropy::new(1)) };
        let base = Base::open(disk, Kek::dev(), settings, world).expect("opens");
        Writer::open(Arc::new(base)).expect("opens")
    }

    fn node(writer: &Writer) -> Arc<Info> {
        writer.base.trail(&Controller::node()).expect("reads").expect("is there")
    }

    fn findings(writer: &Writer) -> Vec<(Option<u64>, String)> {
        let mut findings = verify(&writer.base, |_, _, _| {}).findings;
        // There is no indexer here.
        findings.retain(|finding| !finding.what.contains("index"));
        findings.into_iter().map(|finding| (finding.seq, finding.what)).collect()
    }

    /// Whoever has the folder and its keys can write a notice that its trail holds; the old key's signature they can
    /// only make if they have it.
    #[test]
    fn a_false_handover_is_named_by_its_position() {
        type Change = fn(&mut crate::model::stored::SigningKeyRotated);
        let changes: [(Change, &str); 5] = [
            (|told| told.signature[3] ^= 1, "did not sign"),
            (|told| told.new_key = told.old_key.clone(), "by itself"),
            (|told| told.size += 1, "at another size"),
            (|told| told.old_key = vec![1; 3], "is none"),
            (|_| (), ""),
        ];
        for (change, want) in changes {
            let mut writer = writer();
            let info = node(&writer);
            let size = info.position().size;
            let old = writer.base.keyring.signer(&info.origin).expect("has a key");
            let next = Signer::from_seed(info.origin.as_str(), &[9; 32]).expect("a name");
            let mut told = handover::sign(&info.origin, size, &old, next.vkey().public());
            change(&mut told);
            writer.notice(&Controller::node(), Says::SigningKeyRotated(told)).expect("writes").publish();
            let found = findings(&writer);
            match want {
                "" => assert_eq!(found, []),
                want => assert!(found[0].0 == Some(size) && found[0].1.contains(want), "{want}: {found:?}"),
            }
        }
    }

    #[test]
    fn what_does_not_follow_is_named() {
        let mut writer = writer();
        writer.rotate_signing_key().expect("rotates").publish();
        assert_eq!(findings(&writer), []);
        let keyring = &writer.base.keyring;
        keyring.bring_signing_key(&SeededEntropy::new(5)).expect("writes");
        assert_eq!(findings(&writer), [], "one that is being brought in");
        keyring.change_signing_key(&SeededEntropy::new(5)).expect("writes");
        let found = findings(&writer);
        assert!(found[0].1.contains("a key that no notice leads to"), "{found:?}");
        for (before, after, want) in [(0, 1, "older"), (9, 9, "not newer"), (9, 12, "says")] {
            let mut writer = self::writer();
            let size = node(&writer).position().size;
            let told = notice::kek_rotated(before, after);
            writer.notice(&Controller::node(), told).expect("writes").publish();
            let found = findings(&writer);
            assert!(found[0].0 == Some(size) && found[0].1.contains(want), "{want}: {found:?}");
        }
    }

    /// Between the batch and the new key nothing is signed, and after it nothing smaller: a size has one key.
    #[test]
    fn no_key_signs_a_size_that_is_not_its_own() {
        let mut writer = writer();
        let base = writer.base.clone();
        let info = node(&writer);
        let guard = || base.guard.as_ref().expect("is there").tick(&base).expect("writes");
        guard();
        let head = info.guarded().expect("is guarded");
        let before = sign(&base, &info, head).expect("is signed");
        let step = writer.rotate_signing_key().expect("rotates");
        // Its head is durable, and not to be seen yet.
        guard();
        assert_eq!((info.guarded(), sign(&base, &info, head), info.size()), (None, None, head.size));
        step.publish();
        assert_eq!(info.guarded(), None);
        guard();
        let next = info.guarded().expect("is guarded");
        let after = sign(&base, &info, next).expect("is signed");
        assert!(next.size == head.size + 1 && after.verification_key != before.verification_key);
        let report = verify(&base, |_, _, _| {});
        let handovers = &report.trails[0].handovers;
        let first = before.verification_key.parse().expect("a vkey");
        for signed in [before, after] {
            let (key, _) = handovers.from(&first, signed.head.size).expect("leads there");
            assert!(Checkpoint::open(signed.note.as_bytes(), key).is_ok());
        }
    }
}
