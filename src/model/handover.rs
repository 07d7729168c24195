//! One signing key hands over to the next: what the old one signs, and the keys that follow from one that is trusted.
//!
//! ```text
//! signed = "akta v1 signing key rotated\n" · origin · "\n" · size, decimal · "\n" · new key, base64 · "\n"
//! ```
//!
//! No checkpoint begins so: an origin has no blank. A key signs checkpoints up to the size at which it hands over, the
//! next one those beyond. Whoever trusts a key can go on to those after it, never back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::origin::Origin;
use super::stored::SigningKeyRotated;
use super::vkey::{Signer, Vkey};

/// First line of what is signed.
pub const CONTEXT: &str = "akta v1 signing key rotated";

/// A handover whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// Who signs checkpoints up to that size.
    pub old: Vkey,
    /// Who signs greater ones.
    pub new: Vkey,
    /// Number of records before the notice of it.
    pub size: u64,
}

/// Why a notice is no handover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// One of the keys.
    #[error("it names a signing key that is none")]
    Key,
    /// Where it stands.
    #[error("it tells of a signing key at another size than the trail has there")]
    Size,
    /// The same key twice.
    #[error("it replaces a signing key by itself")]
    Same,
    /// The old key did not sign.
    #[error("the old signing key did not sign the new one: the signature in it is false")]
    False,
    /// The key before is another.
    #[error("it replaces a signing key that was not in force")]
    Stranger,
}

/// What the old key signs.
pub fn text(origin: &str, size: u64, new: &[u8; 32]) -> String {
    format!("{CONTEXT}\n{origin}\n{size}\n{}\n", STANDARD.encode(new))
}

/// The notice at `size` of a trail in which `old` hands over to the key with these public bytes.
pub fn sign(origin: &Origin, size: u64, old: &Signer, new: &[u8; 32]) -> SigningKeyRotated {
    SigningKeyRotated {
        old_key: old.vkey().public().to_vec(),
        new_key: new.to_vec(),
        size,
        signature: old.sign(&text(origin.as_str(), size, new)).to_vec(),
    }
}

impl Handover {
    /// The handover that the notice at `seq` of a trail tells of.
    ///
    /// # Errors
    ///
    /// It is none, or the old key did not sign it.
    pub fn check(told: &SigningKeyRotated, origin: &Origin, seq: u64) -> Result<Self, HandoverError> {
        let key = |bytes: &[u8]| {
            let bytes = bytes.try_into().map_err(|_| HandoverError::Key)?;
            Vkey::log(origin.as_str(), bytes).map_err(|_| HandoverError::Key)
        };
        let (old, new) = (key(&told.old_key)?, key(&told.new_key)?);
        if told.size != seq {
            return Err(HandoverError::Size);
        }
        if old == new {
            return Err(HandoverError::Same);
        }
        let signed = text(origin.as_str(), seq, new.public());
        old.verify(&signed, &told.signature).ok_or(HandoverError::False)?;
        Ok(Self { old, new, size: seq })
    }
}

/// The handovers of a trail, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handovers(Vec<Handover>);

impl Handovers {
    /// The next one.
    ///
    /// # Errors
    ///
    /// It does not follow the one before.
    pub fn add(&mut self, next: Handover) -> Result<(), HandoverError> {
        match self.0.last() {
            Some(last) if last.new != next.old => return Err(HandoverError::Stranger),
            Some(last) if last.size >= next.size => return Err(HandoverError::Size),
            Some(_) | None => self.0.push(next),
        }
        Ok(())
    }

    /// All of them.
    pub fn all(&self) -> &[Handover] {
        &self.0
    }

    /// Every key, oldest first; none where no key was ever replaced.
    pub fn keys(&self) -> impl Iterator<Item = &Vkey> {
        self.0.first().map(|first| &first.old).into_iter().chain(self.0.iter().map(|handover| &handover.new))
    }

    /// Whose signature counts at `size` for somebody who trusts `trusted`, and the handovers that lead there.
    ///
    /// # Errors
    ///
    /// What is wrong with that: the trusted key never signed for the trail, or came after that size.
    pub fn from<'a>(&'a self, trusted: &'a Vkey, size: u64) -> Result<(&'a Vkey, &'a [Handover]), FollowError> {
        let Some(begin) = self.0.iter().position(|handover| handover.old == *trusted) else {
            return match self.0.last() {
                Some(last) if last.new != *trusted => Err(FollowError::Stranger),
                Some(last) if last.size >= size => Err(FollowError::Later(last.size)),
                Some(_) | None => Ok((trusted, &[])),
            };
        };
        // Who came before it was replaced by it at that size.
        if let Some(before) = begin.checked_sub(1).and_then(|before| self.0.get(before)).filter(|by| by.size >= size) {
            return Err(FollowError::Later(before.size));
        }
        let followed = &self.0[begin..];
        let count = followed.iter().take_while(|handover| handover.size < size).count();
        let key = followed[..count].last().map_or(trusted, |last| &last.new);
        Ok((key, &followed[..count]))
    }
}

/// Why no key follows from the trusted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// Another trail's, or nobody's.
    #[error("the key that you trust is none that ever signed for this trail, as its notices tell")]
    Stranger,
    /// It signs greater sizes only.
    #[error(
        "the key that you trust signs from record {0} on, the checkpoint is older: trust leads from a key to those after it, never back"
    )]
    Later(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin::parse("akta.example/school-12/w0a1b2c3d").expect("an origin")
    }

    fn signer(seed: u8) -> Signer {
        Signer::from_seed(origin().as_str(), &[seed; 32]).expect("a name")
    }

    fn public(seed: u8) -> [u8; 32] {
        *signer(seed).vkey().public()
    }

    #[test]
    fn what_is_no_handover_is_refused_by_name() {
        let good = sign(&origin(), 17, &signer(1), &public(2));
        let checked = Handover::check(&good, &origin(), 17).expect("holds");
        assert_eq!((checked.old, checked.new), (signer(1).vkey().clone(), signer(2).vkey().clone()));
        let with = |change: fn(&mut SigningKeyRotated)| {
            let mut told = good.clone();
            change(&mut told);
            told
        };
        let elsewhere = Origin::parse("akta.example/school-13/w0a1b2c3d").expect("an origin");
        for (told, origin, seq, error) in [
            (good.clone(), origin(), 18, HandoverError::Size),
            (good.clone(), elsewhere, 17, HandoverError::False),
            (with(|told| told.size = 18), origin(), 18, HandoverError::False),
            (with(|told| told.new_key = public(3).to_vec()), origin(), 17, HandoverError::False),
            (with(|told| told.old_key = public(3).to_vec()), origin(), 17, HandoverError::False),
            (with(|told| told.new_key = public(1).to_vec()), origin(), 17, HandoverError::Same),
            (with(|told| told.signature[9] ^= 1), origin(), 17, HandoverError::False),
            (with(|told| told.signature.clear()), origin(), 17, HandoverError::False),
            (with(|told| told.old_key.clear()), origin(), 17, HandoverError::Key),
            // The neutral element: everybody signs under it.
            (with(|told| told.new_key = [&[1][..], &[0; 31]].concat()), origin(), 17, HandoverError::Key),
        ] {
            assert_eq!(Handover::check(&told, &origin, seq), Err(error));
        }
    }

    #[test]
    fn trust_leads_from_a_key_to_those_after_it() {
        let mut handovers = Handovers::default();
        let one = |old, new, size| {
            Handover::check(&sign(&origin(), size, &signer(old), &public(new)), &origin(), size).expect("holds")
        };
        handovers.add(one(1, 2, 10)).expect("is the first");
        assert_eq!(handovers.add(one(3, 4, 20)), Err(HandoverError::Stranger));
        assert_eq!(handovers.add(one(2, 3, 10)), Err(HandoverError::Size));
        handovers.add(one(2, 3, 20)).expect("follows");
        let keys: Vec<_> = handovers.keys().cloned().collect();
        assert_eq!(keys, [1, 2, 3].map(|seed| signer(seed).vkey().clone()));
        for (trusted, size, want) in [
            (1, 5, Ok((1, 0))),
            (1, 10, Ok((1, 0))),
            (1, 11, Ok((2, 1))),
            (1, 20, Ok((2, 1))),
            (1, 21, Ok((3, 2))),
            (2, 10, Err(FollowError::Later(10))),
            (2, 11, Ok((2, 0))),
            (2, 21, Ok((3, 1))),
            (3, 20, Err(FollowError::Later(20))),
            (3, 21, Ok((3, 0))),
            (4, 21, Err(FollowError::Stranger)),
        ] {
            let trusted = signer(trusted).vkey().clone();
            let found = handovers.from(&trusted, size).map(|(key, followed)| (key.clone(), followed.len()));
            assert_eq!(found, want.map(|(key, count)| (signer(key).vkey().clone(), count)), "{trusted} at {size}");
        }
        let any = signer(9).vkey().clone();
        assert_eq!(Handovers::default().from(&any, 7), Ok((&any, [].as_slice())), "none was ever replaced");
    }
}
