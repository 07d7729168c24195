//! Words of the vocabulary on the command line: any case, `-` or `_`, without their prefix.

use std::str::FromStr;

use crate::grpc::api;
use crate::model::stored;

/// An enum of the vocabulary. 0 is "not given" and has no word.
pub trait Vocabulary: Copy + TryFrom<i32> {
    /// What its names begin with, `_` included.
    const PREFIX: &'static str;
    /// What one of them is, with its article.
    const ONE: &'static str;

    /// Its name in the API.
    fn name(self) -> &'static str;

    /// As typed: `support-ticket`.
    fn word(self) -> String {
        self.name().trim_start_matches(Self::PREFIX).to_lowercase().replace('_', "-")
    }

    /// All that have a word; their numbers have no gaps.
    fn all() -> impl Iterator<Item = Self> {
        (1..).map_while(|number| Self::try_from(number).ok())
    }
}

macro_rules! vocabulary {
    ($($of:ty, $prefix:literal, $one:literal;)*) => {
        $(impl Vocabulary for $of {
            const PREFIX: &'static str = $prefix;
            const ONE: &'static str = $one;

            fn name(self) -> &'static str {
                self.as_str_name()
            }
        })*
    };
}

vocabulary! {
    stored::Action, "ACTION_", "an action";
    stored::ActorKind, "ACTOR_KIND_", "a kind of actor";
    stored::Channel, "CHANNEL_", "a channel";
    stored::ChildFlag, "CHILD_FLAG_", "a child flag";
    stored::HoldKind, "HOLD_KIND_", "a kind of hold";
    stored::DataCategory, "DATA_CATEGORY_", "a kind of data";
    stored::ErasureGround, "ERASURE_GROUND_", "a ground of an erasure";
    stored::ErasureKept, "ERASURE_KEPT_", "a ground to keep records";
    stored::LegalBasis, "LEGAL_BASIS_", "a legal basis";
    stored::Outcome, "OUTCOME_", "an outcome";
    stored::Purpose, "PURPOSE_", "a purpose";
    stored::RetentionClass, "RETENTION_CLASS_", "a retention class";
    stored::SourceAssurance, "SOURCE_ASSURANCE_", "an assurance";
    stored::SpecialCategory, "SPECIAL_CATEGORY_", "a special category";
    stored::SpecialLegalBasis, "SPECIAL_LEGAL_BASIS_", "a special legal basis";
    stored::Warning, "WARNING_", "a warning";
    api::ErasureOutcome, "ERASURE_OUTCOME_", "an outcome of an erasure";
    api::HoldStanding, "HOLD_STANDING_", "a standing of a hold";
    api::IdentityDomain, "IDENTITY_DOMAIN_", "a domain";
    api::Part, "PART_", "a part";
    api::RetentionPart, "RETENTION_PART_", "a part that lives by itself";
    api::RetentionRounding, "RETENTION_ROUNDING_", "a rounding";
    api::Verdict, "VERDICT_", "a verdict";
}

/// One of an enum, by its word.
#[derive(Debug, Clone, Copy)]
pub struct Word<E>(pub E);

impl<E: Vocabulary> FromStr for Word<E> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.to_lowercase().replace('_', "-");
        E::all().find(|one| one.word() == wanted).map(Self).ok_or_else(|| {
            let all: Vec<String> = E::all().map(E::word).collect();
            format!("is not {}; there are: {}", E::ONE, all.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trips<E: Vocabulary + PartialEq + std::fmt::Debug>(count: usize) {
        let all: Vec<E> = E::all().collect();
        assert_eq!(all.len(), count, "every {} has a word", E::PREFIX);
        for one in all {
            assert_eq!(one.word().parse::<Word<E>>().map(|word| word.0), Ok(one));
            assert_eq!(one.word().to_uppercase().replace('-', "_").parse::<Word<E>>().map(|word| word.0), Ok(one));
        }
        let refused = "nothing-of-the-kind".parse::<Word<E>>().map(|word| word.0).unwrap_err();
        assert!(refused.contains(E::ONE) && refused.contains(", "), "{refused}");
        assert!("unspecified".parse::<Word<E>>().is_err());
    }

    #[test]
    fn every_word_is_understood_and_others_are_refused_with_all_there_are() {
        round_trips::<stored::Action>(34);
        round_trips::<stored::ActorKind>(7);
        round_trips::<stored::Channel>(12);
        round_trips::<stored::ChildFlag>(4);
        round_trips::<stored::DataCategory>(20);
        round_trips::<stored::ErasureGround>(6);
        round_trips::<stored::ErasureKept>(4);
        round_trips::<stored::HoldKind>(2);
        round_trips::<stored::LegalBasis>(6);
        round_trips::<stored::Outcome>(5);
        round_trips::<stored::Purpose>(19);
        round_trips::<stored::RetentionClass>(9);
        round_trips::<stored::SourceAssurance>(4);
        round_trips::<stored::SpecialCategory>(9);
        round_trips::<stored::SpecialLegalBasis>(11);
        round_trips::<stored::Warning>(16);
        round_trips::<api::ErasureOutcome>(3);
        round_trips::<api::HoldStanding>(4);
        round_trips::<api::IdentityDomain>(4);
        round_trips::<api::Part>(6);
        round_trips::<api::RetentionPart>(4);
        round_trips::<api::RetentionRounding>(2);
        round_trips::<api::Verdict>(5);
        assert!("art6-1-c".parse::<Word<stored::LegalBasis>>().is_ok());
    }
}
