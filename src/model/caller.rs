//! Callers: what a connection or a token has proved, and the name it is recorded under.

use std::fmt;
use std::sync::Arc;

use super::date::Timestamp;
use super::permission::holder::Holder;
use super::spiffe::SpiffeId;
use super::stored::ActorKind;

/// Longest name of a caller in bytes, as of every id.
const NAME_BYTES_MAX: usize = 128;

/// What a checked token says about its bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who gave it out: claim `iss`.
    pub issuer: String,
    /// Whom it was given to: claim `sub`.
    pub subject: String,
    /// The groups it names: claim `groups`.
    pub groups: Vec<String>,
}

/// What a caller has proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Nothing: the node runs with `--dev`.
    Dev,
    /// A certificate of a trusted authority with this id.
    Workload(SpiffeId),
    /// A process of this user, at the other end of a Unix socket.
    Socket {
        /// Its user id.
        uid: u32,
    },
    /// A token of a trusted issuer.
    Person(Claims),
}

/// Who calls. Made once at the door, from what was proved; cheap to clone. It does not remember what the policy said:
/// that is asked anew for each call, so that a changed policy holds at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    credential: Credential,
    name: String,
    holders: Vec<Holder>,
    until: Option<Timestamp>,
}

impl Caller {
    /// Namespace of callers among identities.
    pub const NAMESPACE: &'static str = "caller";

    /// The caller that proved this.
    pub fn new(credential: Credential) -> Self {
        let holders = match &credential {
            Credential::Dev => Vec::new(),
            Credential::Workload(id) => vec![Holder::Workload(id.clone())],
            Credential::Socket { uid } => vec![Holder::Socket(*uid)],
            Credential::Person(Claims { issuer, subject, groups }) => {
                let person = Holder::Subject { issuer: issuer.clone(), subject: subject.clone() };
                let group = |group: &String| Holder::Group { issuer: issuer.clone(), group: group.clone() };
                std::iter::once(person).chain(groups.iter().map(group)).collect()
            }
        };
        // The first is the caller itself, groups come after it.
        let name = holders.first().map_or_else(|| "dev".to_owned(), |holder| short(holder.to_string()));
        Self(Arc::new(Inner { credential, name, holders, until: None }))
    }

    /// The caller that proved this until that instant, at which a token ends.
    pub fn until(credential: Credential, until: Timestamp) -> Self {
        let mut caller = Self::new(credential);
        if let Some(inner) = Arc::get_mut(&mut caller.0) {
            inner.until = Some(until);
        }
        caller
    }

    /// Whether what it proved has ended: a stream may outlive the token that opened it.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.0.until.is_some_and(|until| now >= until)
    }

    /// The caller of `--dev`.
    pub fn dev() -> Self {
        Self::new(Credential::Dev)
    }

    /// What it proved.
    pub fn credential(&self) -> &Credential {
        &self.0.credential
    }

    /// The name that it is recorded under, at most 128 bytes: `spiffe://...`, `uid:1000`, `ISSUER#SUBJECT` or `dev`. No
    /// two callers have the same one.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The names under which it may stand in the policy.
    pub fn holders(&self) -> &[Holder] {
        &self.0.holders
    }

    /// Whether it may go by that name.
    pub fn is(&self, holder: &Holder) -> bool {
        self.0.holders.contains(holder)
    }

    /// Whether it is the caller of `--dev`, who may do everything.
    pub fn is_dev(&self) -> bool {
        self.0.credential == Credential::Dev
    }

    /// What it is recorded as: whoever a token was given to counts as a person.
    pub fn kind(&self) -> ActorKind {
        match self.0.credential {
            Credential::Dev | Credential::Person(_) => ActorKind::Human,
            Credential::Workload(_) | Credential::Socket { .. } => ActorKind::Service,
        }
    }

    /// Whether it stands for a person or job that somebody vouched for by a token; only such a one can approve.
    pub fn is_person(&self) -> bool {
        matches!(self.0.credential, Credential::Person(_))
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name within the limit of ids: of a longer one the beginning, and a hash that tells it from all others.
fn short(name: String) -> String {
    const DIGITS: usize = 32;
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let hash = blake3::derive_key("akta v1 caller name", name.as_bytes());
    let hash: String = hash[..DIGITS / 2].iter().map(|byte| format!("{byte:02x}")).collect();
    let mut end = NAME_BYTES_MAX - DIGITS - 1;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}~{hash}", &name[..end])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn person(issuer: &str, subject: &str, groups: &[&str]) -> Caller {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Caller::new(Credential::Person(Claims { issuer: issuer.to_owned(), subject: subject.to_owned(), groups }))
    }

    #[test]
    fn every_caller_has_a_name_of_its_own() {
        let gradebook = SpiffeId::parse("spiffe://schools.example/gradebook").expect("an id");
        let long = "ż".repeat(127);
        let callers = [
            (Caller::dev(), "dev"),
            (Caller::new(Credential::Workload(gradebook)), "spiffe://schools.example/gradebook"),
            (Caller::new(Credential::Socket { uid: 1_000 }), "uid:1000"),
            (person("https://login.example", "anna", &["dpo"]), "https://login.example#anna"),
            (person("https://login.example/anna", "", &[]), "https://login.example/anna#"),
            (person("https://login.example", &long, &[]), "https://login.example#żżż"),
            (person("https://login.example", &format!("{long}!"), &[]), "https://login.example#żżż"),
        ];
        for (caller, begins) in &callers {
            assert!(caller.name().starts_with(begins) && caller.name().len() <= NAME_BYTES_MAX, "{caller}");
            assert!(caller.name() == *begins || begins.ends_with('ż'), "{caller}");
        }
        let names: BTreeSet<&str> = callers.iter().map(|(caller, _)| caller.name()).collect();
        assert_eq!(names.len(), callers.len(), "{names:?}");
    }

    #[test]
    fn a_token_ends() {
        let end = Timestamp::from_nanos(1_000);
        let credential = || Credential::Socket { uid: 1 };
        for (now, ended) in [(999, false), (1_000, true), (1_001, true)] {
            assert_eq!(Caller::until(credential(), end).has_ended(Timestamp::from_nanos(now)), ended, "{now}");
            assert!(!Caller::new(credential()).has_ended(Timestamp::from_nanos(now)));
        }
    }

    #[test]
    fn a_token_proves_its_bearer_and_the_groups_of_its_issuer() {
        let (here, there) = ("https://login.example", "https://other.example");
        let anna = person(here, "anna", &["dpo", "staff"]);
        let subject = |issuer: &str, of: &str| Holder::Subject { issuer: issuer.to_owned(), subject: of.to_owned() };
        let group = |issuer: &str, of: &str| Holder::Group { issuer: issuer.to_owned(), group: of.to_owned() };
        let rows = [
            (subject(here, "anna"), true),
            (group(here, "dpo"), true),
            (group(here, "staff"), true),
            (subject(there, "anna"), false),
            (group(there, "dpo"), false),
            // A group of that name is not a person of that name.
            (group(here, "anna"), false),
            (subject(here, "dpo"), false),
            (Holder::Socket(0), false),
        ];
        for (holder, is) in rows {
            assert_eq!(anna.is(&holder), is, "{holder}");
        }
        assert!(Caller::dev().holders().is_empty(), "dev is in no policy");
        assert_eq!([anna.is_person(), Caller::dev().is_person()], [true, false]);
    }
}
