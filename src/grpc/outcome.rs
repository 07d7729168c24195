//! Brings tonic's own refusals in line with the outcome table: a message that is too large, or cannot be decoded,
//! never reaches a service, so tonic answers for it, with other codes than Akta promises.

use tonic::codegen::http::{HeaderValue, Response};
use tonic::{Code, Status};

/// Rewrites the status of a call that tonic refused before a service saw it.
///
/// No service of Akta answers OUT_OF_RANGE or INTERNAL, so these two are tonic's: a message over the limit, and one
/// that cannot be read. Nothing of either was applied.
pub fn in_line<B>(mut response: Response<B>) -> Response<B> {
    let code = response.headers().get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
    let status = match code {
        Some(code @ (Code::OutOfRange | Code::Internal)) => aligned(code),
        Some(_) | None => return response,
    };
    let headers = response.headers_mut();
    headers.insert("grpc-status", HeaderValue::from(status.code() as i32));
    // Percent-encoded by the protocol; ASCII text without percent signs stands for itself.
    if let Ok(message) = HeaderValue::from_str(status.message()) {
        headers.insert("grpc-message", message);
    }
    response
}

/// The same for a message of a stream.
pub fn on_stream(status: Status) -> Status {
    match status.code() {
        code @ (Code::OutOfRange | Code::Internal) => aligned(code),
        _ => status,
    }
}

fn aligned(code: Code) -> Status {
    if code == Code::OutOfRange {
        Status::resource_exhausted(
            "the message is too large and was not read: an event is at most 64 KiB (512 KiB with many subjects), a batch 4 MiB, a question 64 KiB; report less or split it",
        )
    } else {
        Status::invalid_argument(
            "the message cannot be decoded and was not applied: it is not what proto/akta/v1 says, or was damaged on the way",
        )
    }
}
