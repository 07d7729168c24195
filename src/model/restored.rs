//! A trail that goes on where a restored copy ends: what its second notice says of the one before it.

use super::hold::row::HoldId;
use super::origin::Origin;
use super::stored::{GuardedHead, TrailRestored};
use super::tree::Hash;

/// What is known of a trail when another one takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Origin of the trail that ends.
    pub predecessor: Origin,
    /// Number of records that the copy has of it.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// The last that the guard remembered of it; what is beyond the copy is lost.
    pub guarded: Option<Guarded>,
    /// Holds of it that were released after the copy was made, ascending.
    pub released: Vec<HoldId>,
    /// Only of the node: trails that the guard remembers and the copy lacks, by origin.
    pub lost: Vec<Guarded>,
    /// Only of the node: trails whose controller came to its end after the copy was made, by origin.
    pub ended: Vec<Guarded>,
}

/// What the guard remembered of a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    /// Its origin.
    pub origin: Origin,
    /// Number of its records.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

impl Restored {
    /// As a notice tells it.
    pub fn told(&self) -> TrailRestored {
        TrailRestored {
            predecessor: self.predecessor.to_string(),
            size: self.size,
            root: self.root.0.to_vec(),
            guarded: self.guarded.as_ref().map(Guarded::told),
            released: self.released.iter().map(|id| id.to_vec()).collect(),
            lost: self.lost.iter().map(Guarded::told).collect(),
            ended: self.ended.iter().map(Guarded::told).collect(),
        }
    }

    /// What a notice tells.
    ///
    /// # Errors
    ///
    /// It is not as Akta writes it; in a few words.
    pub fn hear(told: &TrailRestored) -> Result<Self, &'static str> {
        let origin = |text: &String| Origin::parse(text).ok_or("it names an origin that is none");
        let all = |told: &[GuardedHead]| told.iter().map(Guarded::hear).collect::<Result<Vec<_>, _>>();
        let ids = told.released.iter().map(|id| HoldId::try_from(id.as_slice()).ok()).collect::<Option<Vec<_>>>();
        let heard = Self {
            predecessor: origin(&told.predecessor)?,
            size: told.size,
            root: root(&told.root)?,
            guarded: told.guarded.as_ref().map(Guarded::hear).transpose()?,
            released: ids.ok_or("it names a hold by an id that is not 16 bytes")?,
            lost: all(&told.lost)?,
            ended: all(&told.ended)?,
        };
        let ascends = heard.released.is_sorted_by(|a, b| a < b)
            && heard.lost.is_sorted_by(|a, b| a.origin < b.origin)
            && heard.ended.is_sorted_by(|a, b| a.origin < b.origin);
        if !ascends {
            return Err("what it lists does not ascend");
        }
        if heard.size == 0 || heard.guarded.as_ref().is_some_and(|guarded| guarded.origin != heard.predecessor) {
            return Err("it says of its predecessor what cannot be");
        }
        Ok(heard)
    }
}

impl Guarded {
    fn told(&self) -> GuardedHead {
        GuardedHead { origin: self.origin.to_string(), size: self.size, root: self.root.0.to_vec() }
    }

    fn hear(told: &GuardedHead) -> Result<Self, &'static str> {
        let origin = Origin::parse(&told.origin).ok_or("it names an origin that is none")?;
        Ok(Self { origin, size: told.size, root: root(&told.root)? })
    }
}

fn root(bytes: &[u8]) -> Result<Hash, &'static str> {
    bytes.try_into().map(Hash).map_err(|_| "it gives a root that is not 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(writer: &str) -> Origin {
        Origin::parse(&format!("akta.test/school/{writer}")).expect("an origin")
    }

    #[test]
    fn it_is_heard_as_it_was_told() {
        let guarded = |writer| Guarded { origin: origin(writer), size: 9, root: Hash([2; 32]) };
        let restored = Restored {
            predecessor: origin("w1"),
            size: 7,
            root: Hash([1; 32]),
            guarded: Some(guarded("w1")),
            released: vec![[1; 16], [2; 16]],
            lost: vec![guarded("w2"), guarded("w3")],
            ended: vec![guarded("w4")],
        };
        assert_eq!(Restored::hear(&restored.told()), Ok(restored.clone()));
        type Change = fn(&mut TrailRestored);
        let changes: [(&str, Change); 8] = [
            ("no predecessor", |told| told.predecessor.clear()),
            ("an empty copy", |told| told.size = 0),
            ("a short root", |told| told.root.truncate(31)),
            ("another's guard", |told| told.guarded.as_mut().expect("is there").origin.push('x')),
            ("a short id", |told| told.released[0].truncate(15)),
            ("twice the same", |told| told.released[0] = vec![2; 16]),
            ("the lost out of order", |told| told.lost.reverse()),
            ("no origin", |told| told.ended[0].origin.clear()),
        ];
        for (what, change) in changes {
            let mut told = restored.told();
            change(&mut told);
            assert!(Restored::hear(&told).is_err(), "{what}");
        }
    }
}
