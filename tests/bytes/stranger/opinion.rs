//! What a verifier thinks of a folder, in terms that both have, and whether two of them agree.

use std::collections::{BTreeMap, BTreeSet};

use akta::trail::verify::Report;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// An opinion.
#[derive(Debug, Clone)]
pub(crate) struct Opinion {
    /// Something is not as it should be.
    pub(crate) found: bool,
    /// Sealed parts were opened.
    pub(crate) opened: bool,
    /// A guard was compared.
    pub(crate) guarded: bool,
    /// Trails by origin.
    pub(crate) trails: BTreeMap<String, Trail>,
    /// Records that are named as bad.
    pub(crate) records: BTreeSet<(String, u64)>,
    /// Everything that was said.
    pub(crate) words: Vec<String>,
}

/// What was seen of a trail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trail {
    pub(crate) size: u64,
    pub(crate) root: String,
    pub(crate) head: String,
    pub(crate) events: u64,
    pub(crate) notices: u64,
    pub(crate) intact: u64,
    pub(crate) expired: u64,
    pub(crate) sealed: u64,
    pub(crate) held: u64,
    pub(crate) erased: u64,
    pub(crate) people: u64,
    /// Only where the index can be read.
    pub(crate) postings: u64,
}

impl Trail {
    /// Adds the numbers of another one.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, number) in [
            (&mut self.size, other.size),
            (&mut self.events, other.events),
            (&mut self.notices, other.notices),
            (&mut self.intact, other.intact),
            (&mut self.expired, other.expired),
            (&mut self.sealed, other.sealed),
            (&mut self.held, other.held),
            (&mut self.erased, other.erased),
            (&mut self.people, other.people),
            (&mut self.postings, other.postings),
        ] {
            *sum += number;
        }
    }
}

/// How two opinions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Difference {
    /// Only Akta finds something.
    OnlyAkta,
    /// Only the stranger finds something.
    OnlyStranger,
    /// Both find something, at other records.
    OtherRecord,
    /// Both find nothing, but saw something else.
    Sight,
    /// The stranger failed itself.
    Defect,
}

impl Opinion {
    /// Akta's own.
    pub(crate) fn of_akta(report: &Result<Report, String>, keys: bool) -> Self {
        let report = match report {
            Ok(report) => report,
            Err(why) => return Self::refused(why),
        };
        let trails = report.trails.iter().map(|trail| {
            let seen = Trail {
                size: trail.size,
                root: STANDARD.encode(trail.root.0),
                head: STANDARD.encode(trail.head.0),
                events: trail.records - trail.notices,
                notices: trail.notices,
                intact: trail.groups_intact,
                expired: trail.groups_expired,
                sealed: trail.groups_sealed,
                held: trail.groups_held,
                erased: trail.groups_erased,
                people: trail.people,
                postings: if keys { trail.postings } else { 0 },
            };
            (trail.origin.clone(), seen)
        });
        let named = |seq: Option<u64>| seq.map(|seq| format!(" record {seq}")).unwrap_or_default();
        Self {
            found: !report.findings.is_empty(),
            opened: !report.sealed,
            guarded: !report.unguarded,
            trails: trails.collect(),
            records: report.findings.iter().filter_map(|found| Some((found.origin.clone(), found.seq?))).collect(),
            words: report.findings.iter().map(|it| format!("{}{}: {}", it.origin, named(it.seq), it.what)).collect(),
        }
    }

    fn refused(why: &str) -> Self {
        let (trails, records) = (BTreeMap::new(), BTreeSet::new());
        Self { found: true, opened: false, guarded: false, trails, records, words: vec![why.to_owned()] }
    }

    /// The stranger's, as it prints it.
    pub(crate) fn of_stranger(said: &Value) -> Self {
        let list = |name: &str| said[name].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value.as_u64().unwrap_or(u64::MAX);
        let trails = list("trails").into_iter().map(|trail| {
            let seen = Trail {
                size: number(&trail["size"]),
                root: text(&trail["root"]),
                head: text(&trail["head"]),
                events: number(&trail["events"]),
                notices: number(&trail["notices"]),
                intact: number(&trail["parts"]["intact"]),
                expired: number(&trail["parts"]["expired"]),
                sealed: number(&trail["parts"]["sealed"]),
                held: number(&trail["parts"]["held"]),
                erased: number(&trail["parts"]["erased"]),
                people: number(&trail["people"]),
                postings: number(&trail["postings"]),
            };
            (text(&trail["origin"]), seen)
        });
        let findings = list("findings");
        Self {
            found: said["verdict"] != "good",
            opened: said["opened"] == true,
            guarded: !list("notes").iter().any(|note| note == "no guard: not compared"),
            trails: trails.collect(),
            records: findings.iter().filter_map(|it| Some((text(&it["origin"]), it["seq"].as_u64()?))).collect(),
            words: findings
                .iter()
                .map(|it| format!("{} {}: {}", text(&it["origin"]), it["seq"], text(&it["what"])))
                .collect(),
        }
    }

    /// Whether a stranger agrees with this opinion, Akta's own; else how not.
    pub(crate) fn agrees(&self, stranger: &Self) -> Result<(), (Difference, String)> {
        if let Some(defect) = stranger.words.iter().find(|word| word.contains("this verifier failed")) {
            return Err((Difference::Defect, defect.clone()));
        }
        match (self.found, stranger.found) {
            (true, false) => Err((Difference::OnlyAkta, self.shown())),
            (false, true) => Err((Difference::OnlyStranger, stranger.shown())),
            (true, true) => self.names_the_same(stranger),
            (false, false) => self.sees_the_same(stranger),
        }
    }

    /// Each record that this opinion names is one that the stranger names, as far as he names any of the trail: he goes
    /// on after the first.
    fn names_the_same(&self, stranger: &Self) -> Result<(), (Difference, String)> {
        for (origin, seq) in &self.records {
            let of_trail: Vec<u64> =
                stranger.records.iter().filter(|(other, _)| other == origin).map(|(_, seq)| *seq).collect();
            if !of_trail.is_empty() && !of_trail.contains(seq) {
                let what = format!("{}\n  the stranger: {}", self.shown(), stranger.shown());
                return Err((Difference::OtherRecord, what));
            }
        }
        Ok(())
    }

    fn sees_the_same(&self, stranger: &Self) -> Result<(), (Difference, String)> {
        let differ = |what: String| Err((Difference::Sight, what));
        if (self.opened, self.guarded) != (stranger.opened, stranger.guarded) {
            return differ(format!(
                "opened {}, guarded {}; the stranger: opened {}, guarded {}",
                self.opened, self.guarded, stranger.opened, stranger.guarded
            ));
        }
        for origin in self.trails.keys().chain(stranger.trails.keys()) {
            let (here, there) = (self.trails.get(origin), stranger.trails.get(origin));
            if here != there {
                return differ(format!("{origin}: {here:?}\n  the stranger: {there:?}"));
            }
        }
        Ok(())
    }

    /// What was said, not all of it.
    pub(crate) fn shown(&self) -> String {
        self.words.iter().take(4).cloned().collect::<Vec<_>>().join(" | ")
    }
}
