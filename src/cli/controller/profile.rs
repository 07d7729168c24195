//! What kind of controller it is, as flags.

use crate::grpc::api::{ControllerProfile, ForeignPurposes};

/// What kind of controller it is; what is not given is not so.
#[derive(Debug, clap::Args)]
pub(super) struct Profile {
    /// A public authority or body: legitimate interests are no ground for its tasks (GDPR art. 6(1), last sentence)
    #[arg(long)]
    public_body: bool,
    /// It keeps a school register
    #[arg(long)]
    register_keeper: bool,
    /// Source whose exports and disclosures concern groups, and need not list everybody [several: each]
    #[arg(long, value_name = "SOURCE")]
    group_only: Vec<String>,
    /// Events for marketing or analytics, which a processor has no business with: record them flagged, or refuse them
    #[arg(long, value_name = "WHAT", default_value = "flag")]
    foreign_purposes: Foreign,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Foreign {
    Flag,
    Refuse,
}

impl Profile {
    /// As the API says it.
    pub(super) fn wire(self) -> ControllerProfile {
        let foreign_purposes = match self.foreign_purposes {
            Foreign::Flag => ForeignPurposes::Flag,
            Foreign::Refuse => ForeignPurposes::Refuse,
        };
        ControllerProfile {
            public_body: self.public_body,
            register_keeper: self.register_keeper,
            group_only_sources: self.group_only,
            foreign_purposes: foreign_purposes.into(),
        }
    }
}

/// In words, for people.
pub(super) fn words(profile: &ControllerProfile) -> String {
    let mut words = Vec::new();
    words.extend(profile.public_body.then(|| "public body".to_owned()));
    words.extend(profile.register_keeper.then(|| "register keeper".to_owned()));
    if !profile.group_only_sources.is_empty() {
        words.push(format!("groups only from {}", profile.group_only_sources.join(" ")));
    }
    words.extend(refuses(profile).then(|| "refuses foreign purposes".to_owned()));
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

/// Whether it refuses MARKETING and ANALYTICS.
pub(super) fn refuses(profile: &ControllerProfile) -> bool {
    profile.foreign_purposes() == ForeignPurposes::Refuse
}
