//! The bearer token that a client shows with each call (RFC 6750).

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use super::ConnectError;

/// Shows a token with each call; nothing without one. Does not print it.
#[derive(Debug, Clone, Default)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    /// That token.
    ///
    /// # Errors
    ///
    /// It has characters that no token has. It is not shown.
    pub fn new(token: &str) -> Result<Self, ConnectError> {
        let mut value: MetadataValue<Ascii> =
            format!("Bearer {}", token.trim()).parse().map_err(|_| ConnectError::Token)?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_to_the_server_and_to_nobody_else() {
        let mut bearer = Bearer::new("abc.def.ghi\n").expect("a token");
        let request = bearer.call(Request::new(())).expect("goes on");
        assert_eq!(request.metadata().get("authorization").expect("is there"), "Bearer abc.def.ghi");
        assert!(!format!("{bearer:?} {request:?}").contains("abc"), "{bearer:?}");
        let error = Bearer::new("abc\u{7}def").expect_err("is none").to_string();
        assert!(!error.contains("abc"), "{error}");
        let request = Bearer::default().call(Request::new(())).expect("goes on");
        assert!(request.metadata().is_empty());
    }
}
