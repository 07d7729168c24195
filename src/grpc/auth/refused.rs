//! Why a token is refused.

/// Says what is wrong and nothing of the token: the text may go into answers and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// Longer than [`TOKEN_BYTES_MAX`](super::token::TOKEN_BYTES_MAX).
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url, or not JSON of the shape that RFC 7519 says.
    #[error("the token is no signed JWT")]
    Malformed,
    /// Its header wants more than a signature (`crit`), or it is encrypted.
    #[error("the token's header asks for what is not supported")]
    Header,
    /// `none`, HMAC, or one that is not on the issuer's list.
    #[error("the token's algorithm is not allowed for its issuer")]
    Algorithm,
    /// An issuer that is not configured.
    #[error("the token is of an issuer that is not trusted here")]
    Issuer,
    /// No key of that id, or no id where the issuer has several keys.
    #[error("the token is signed with a key that its issuer does not publish")]
    UnknownKey,
    /// The issuer's keys were never read, or too long ago.
    #[error("the issuer's keys are not at hand: its key set cannot be read")]
    NoKeys,
    /// The signature is not one of that key over these bytes.
    #[error("the token's signature is wrong")]
    Signature,
    /// For somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Its `exp` is past.
    #[error("the token has expired")]
    Expired,
    /// Its `nbf` is ahead.
    #[error("the token is not valid yet")]
    NotYet,
    /// No `sub`, or one that is too long or has control characters.
    #[error("the token's subject cannot be used")]
    Subject,
    /// Bound (`cnf`) to a certificate that the connection did not show, or in a way that is not supported.
    #[error("the token is bound to another connection's certificate")]
    Bound,
}
