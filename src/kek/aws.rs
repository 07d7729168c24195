//! What AWS's own tools take from the environment: region, endpoint, credentials; and requests signed with them
//! (Signature Version 4), by AWS's own library.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use zeroize::Zeroizing;

use super::KekError;
use crate::model::date::Timestamp;

/// Headers of a request; the values may be secrets.
pub(super) type Headers = Vec<(String, Zeroizing<String>)>;

/// Who asks, and where.
#[derive(Clone)]
pub struct Aws {
    region: Option<String>,
    endpoint: Option<String>,
    id: Option<String>,
    secret: Option<Zeroizing<String>>,
    session: Option<Zeroizing<String>>,
}

impl Aws {
    /// As the environment of this process says.
    pub fn of_process() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    /// As these variables say: `AWS_REGION` or `AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL_KMS` or `AWS_ENDPOINT_URL`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`. Empty ones are taken for unset.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
        Self {
            region: first(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
            endpoint: first(&["AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL"]),
            id: first(&["AWS_ACCESS_KEY_ID"]),
            secret: first(&["AWS_SECRET_ACCESS_KEY"]).map(Zeroizing::new),
            session: first(&["AWS_SESSION_TOKEN"]).map(Zeroizing::new),
        }
    }

    fn region(&self) -> Result<&str, KekError> {
        let region =
            self.region.as_deref().ok_or_else(|| KekError("kek_kms_file: AWS_REGION is not set".to_owned()))?;
        // It becomes part of a host's name.
        let good = region.len() <= 64 && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if good { Ok(region) } else { Err(KekError("kek_kms_file: AWS_REGION is no region".to_owned())) }
    }

    fn credentials(&self) -> Result<Credentials, KekError> {
        let (Some(id), Some(secret)) = (&self.id, &self.secret) else {
            let missing = "kek_kms_file: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set";
            return Err(KekError(missing.to_owned()));
        };
        let session = self.session.as_ref().map(|session| session.to_string());
        // The library erases them.
        Ok(Credentials::new(id, secret.as_str(), session, None, "environment"))
    }

    /// Whether all is there.
    pub(super) fn check(&self) -> Result<(), KekError> {
        self.endpoint()?;
        self.credentials().map(drop)
    }

    /// The address of its KMS.
    pub(super) fn endpoint(&self) -> Result<String, KekError> {
        let region = self.region()?;
        Ok(match &self.endpoint {
            Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
            None => format!("https://kms.{region}.amazonaws.com/"),
        })
    }

    /// Adds to the headers of a POST those that prove who asks, at that time.
    pub(super) fn sign(&self, url: &str, headers: &mut Headers, body: &[u8], now: Timestamp) -> Result<(), KekError> {
        let failed = |error: &dyn fmt::Display| KekError(format!("kek_kms_file: sign the request: {error}"));
        let identity = self.credentials()?.into();
        let seconds = u64::try_from(now.parts().0).unwrap_or_default();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region()?)
            .name("kms")
            .time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| failed(&error))?
            .into();
        let signed = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request =
            SignableRequest::new("POST", url, signed, SignableBody::Bytes(body)).map_err(|error| failed(&error))?;
        let (instructions, _) = sign(request, &parameters).map_err(|error| failed(&error))?.into_parts();
        headers.extend(instructions.headers().map(|(name, value)| (name.to_owned(), Zeroizing::new(value.to_owned()))));
        Ok(())
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("region", &self.region).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
