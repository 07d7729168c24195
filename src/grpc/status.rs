//! Errors to statuses: the outcome table of the API, one exhaustive match per error, no wildcard.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::api;
use super::auth::door::Forbidden;
use super::transport::calls::word;
use crate::model::check::Violation;
use crate::model::event::{EVENT_BYTES_MAX, LARGE_EVENT_BYTES_MAX, MANY_SUBJECTS};
use crate::model::permission::acts::Refusal as Unchanged;
use crate::trail::acts::ChangeError;
use crate::trail::answer::AskError;
use crate::trail::expiry::ExpireError;
use crate::trail::proof::ProveError;
use crate::trail::reader::ReadError;
use crate::trail::submission::{RETRY_AFTER, RecordError};

/// Why a call or one event on a stream was refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    code: Code,
    message: String,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
}

impl Refusal {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), violations: Vec::new(), retry_after: None }
    }

    /// Somebody may not; `hidden` is what they hear, who would hear the same if there were no such controller.
    pub fn forbidden(why: Forbidden, hidden: impl Into<Self>) -> Self {
        match why {
            Forbidden::NotPermitted => hidden.into(),
            Forbidden::Ended => Self::new(
                Code::Unauthenticated,
                "the token has ended: call again, or open the stream again, with a new one",
            ),
        }
    }

    /// A caller reports faster than it may, or has too many streams: not applied.
    pub fn held_back(after: Duration) -> Self {
        let told = "not recorded, try again: this caller reports more than it may (caller_events, caller_bytes in \
                    [limits]); a stream is slowed down instead";
        Self { retry_after: Some(after), ..Self::new(Code::Unavailable, told) }
    }

    /// A caller asks more than it may: not answered.
    pub fn asked_too_much(after: Duration) -> Self {
        let told = "not answered, try again: this caller asks more than it may at once, or faster (caller_events, \
                    caller_bytes in [limits])";
        Self { retry_after: Some(after), ..Self::new(Code::ResourceExhausted, told) }
    }

    /// Too many verifications are under way.
    pub fn verifies_too_much(after: Duration) -> Self {
        let told = "not verified, try again: as many verifications are under way as this caller, or all, may have";
        Self { retry_after: Some(after), ..Self::new(Code::ResourceExhausted, told) }
    }

    /// Its status as the protocol spells it.
    pub fn word(&self) -> &'static str {
        word(self.code)
    }

    /// There is no such controller, or it is not theirs to decide about: not told apart.
    pub fn no_controller() -> Self {
        Self::new(Code::PermissionDenied, "no such controller, or you may not decide that for it")
    }

    /// Somebody may not be the one who asks or agrees, whoever they are.
    pub fn no_person() -> Self {
        Self::new(
            Code::PermissionDenied,
            "only a person may ask for approval, agree or object: show a token of theirs, no certificate or socket",
        )
    }

    /// Names are withheld, and the request does not open them.
    pub fn names_withheld(why: &str) -> Self {
        Self::new(
            Code::PermissionDenied,
            format!("in an incident names are withheld, and nobody may be asked about: {why}"),
        )
    }

    /// A change does not follow from what is decided: not applied.
    pub fn unchanged(refusal: &Unchanged) -> Self {
        let code = match refusal {
            Unchanged::Field { field, why } => {
                return Self::invalid(vec![Violation { field: (*field).to_owned(), description: why.clone() }]);
            }
            Unchanged::Unknown(_) | Unchanged::Nobody => Code::NotFound,
            Unchanged::Taken | Unchanged::Already => Code::AlreadyExists,
            Unchanged::TooMany { .. } => Code::ResourceExhausted,
            Unchanged::Stands(_)
            | Unchanged::OwnVoice
            | Unchanged::NotTheirs
            | Unchanged::Held(_)
            | Unchanged::Unexported(_)
            | Unchanged::Closed(_) => Code::FailedPrecondition,
        };
        Self::new(code, refusal.to_string())
    }

    /// Fields that are not as they should be: not applied.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let listed = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self { violations, ..Self::new(Code::InvalidArgument, format!("refused: {listed}")) }
    }

    /// An event over its limit: not applied.
    pub fn too_large(bytes: usize) -> Self {
        Self::new(
            Code::ResourceExhausted,
            format!(
                "the event is {bytes} bytes; the limit is {EVENT_BYTES_MAX}, and {LARGE_EVENT_BYTES_MAX} with more than \
                 {MANY_SUBJECTS} subjects: report fewer attributes or split it with one operation_id"
            ),
        )
    }

    /// A batch over its limit: not applied.
    pub fn batch_too_large(bytes: usize, limit: usize) -> Self {
        Self::new(Code::ResourceExhausted, format!("the batch is {bytes} bytes; the limit is {limit}: split it"))
    }

    /// Why a batch was refused: names the event by its place.
    pub fn of_batch(error: RecordError) -> Self {
        match error {
            RecordError::Invalid { index, .. } | RecordError::Conflict { index } => Self::from(error).at(index),
            RecordError::NoController
            | RecordError::Closed { .. }
            | RecordError::Busy { .. }
            | RecordError::Damaged
            | RecordError::Uncertain => Self::from(error),
        }
    }

    /// The same of an event in a batch: paths and words begin with its place.
    #[must_use]
    pub fn at(mut self, index: usize) -> Self {
        self.message = format!("events[{index}]: {}", self.message);
        for violation in &mut self.violations {
            violation.field = format!("events[{index}].{}", violation.field);
        }
        self
    }

    /// The bad fields of a refusal that names some; any other refusal as it is.
    pub fn into_violations(self) -> Result<Vec<Violation>, Self> {
        if self.violations.is_empty() { Err(self) } else { Ok(self.violations) }
    }

    /// As a status, with the details of google.rpc.
    pub fn status(self) -> Status {
        let mut details = ErrorDetails::new();
        if !self.violations.is_empty() {
            let fields = self.violations.into_iter();
            details
                .set_bad_request(fields.map(|bad| FieldViolation::new(bad.field, bad.description)).collect::<Vec<_>>());
        }
        if let Some(after) = self.retry_after {
            details.set_retry_info(Some(after));
        }
        Status::with_error_details(self.code, self.message, details)
    }

    /// As the answer to one event on a stream.
    pub fn message(self) -> api::Refusal {
        let violations = self.violations.into_iter();
        api::Refusal {
            code: self.code as u32,
            message: self.message,
            violations: violations
                .map(|bad| api::FieldViolation { field: bad.field, description: bad.description })
                .collect(),
            retry_after: self.retry_after.and_then(|after| after.try_into().ok()),
        }
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Invalid { violations, .. } => Self::invalid(violations),
            RecordError::NoController => Self::new(Code::PermissionDenied, error.to_string()),
            RecordError::Closed { .. } => Self::new(Code::FailedPrecondition, error.to_string()),
            RecordError::Busy { .. } => {
                Self { retry_after: Some(RETRY_AFTER), ..Self::new(Code::Unavailable, error.to_string()) }
            }
            RecordError::Conflict { .. } => Self::new(Code::AlreadyExists, error.to_string()),
            RecordError::Damaged => Self::new(Code::DataLoss, error.to_string()),
            RecordError::Uncertain => Self::new(Code::Unknown, error.to_string()),
        }
    }
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Refused { refusal, .. } => Self::unchanged(&refusal),
            ChangeError::Zone { .. } => Self::new(Code::AlreadyExists, error.to_string()),
            ChangeError::Record(RecordError::NoController) => Self::no_controller(),
            ChangeError::Record(RecordError::Uncertain) => {
                Self::new(Code::Unknown, "it is not known whether it was recorded: send it again, with the same id")
            }
            ChangeError::Record(
                error @ (RecordError::Invalid { .. }
                | RecordError::Closed { .. }
                | RecordError::Busy { .. }
                | RecordError::Conflict { .. }
                | RecordError::Damaged),
            ) => error.into(),
        }
    }
}

impl From<AskError> for Refusal {
    fn from(error: AskError) -> Self {
        match error {
            AskError::NoController => Self::new(Code::PermissionDenied, error.to_string()),
            AskError::Closed { .. } => Self::new(Code::FailedPrecondition, error.to_string()),
            AskError::NotFound => Self::new(Code::NotFound, error.to_string()),
            AskError::Origin => Self::invalid(vec![Violation {
                field: "origin".to_owned(),
                description: "is none of this controller's trails: list the controller to see them".to_owned(),
            }]),
            AskError::Cursor => Self::invalid(vec![Violation {
                field: "page_token".to_owned(),
                description: "is not a token of this question of yours: take next_page_token as it came, with the same controller, filter and order".to_owned(),
            }]),
            AskError::Read(ReadError::DataLoss { .. }) => {
                tracing::error!(%error, "what is stored is not what was recorded");
                Self::new(Code::DataLoss, error.to_string())
            }
            AskError::Read(ReadError::Store(_)) => {
                tracing::error!(%error, "the store failed");
                Self::new(Code::Unavailable, "the store failed; the operator finds the reason in akta's log")
            }
            AskError::Unrecorded(_) | AskError::Closing => {
                Self { retry_after: Some(RETRY_AFTER), ..Self::new(Code::Unavailable, error.to_string()) }
            }
        }
    }
}

impl From<ExpireError> for Refusal {
    fn from(error: ExpireError) -> Self {
        match error {
            ExpireError::Confirm { .. } | ExpireError::ConfirmedOther { .. } => {
                let told = format!("nothing was destroyed: {error} (confirmed_date; --confirm)");
                Self::new(Code::FailedPrecondition, told)
            }
            ExpireError::Damaged(_) => {
                tracing::error!(%error, "nothing is destroyed");
                Self::new(Code::DataLoss, error.to_string())
            }
            ExpireError::Write(_) => {
                tracing::error!(%error, "the expiry was broken off");
                Self::new(Code::Unknown, error.to_string())
            }
            ExpireError::Closing => {
                Self { retry_after: Some(RETRY_AFTER), ..Self::new(Code::Unavailable, error.to_string()) }
            }
        }
    }
}

impl From<ProveError> for Refusal {
    fn from(error: ProveError) -> Self {
        match error {
            ProveError::Ask(error) => error.into(),
            ProveError::Range { field, what } => {
                Self::invalid(vec![Violation { field: field.to_owned(), description: what }])
            }
            ProveError::Unguarded => {
                Self { retry_after: Some(RETRY_AFTER), ..Self::new(Code::Unavailable, error.to_string()) }
            }
        }
    }
}
