//! The body of an answer -> its bytes, as long as there are not more than any answer has.

use reqwest::Response;

use crate::engine::http::failure::{self, TryFailure};

/// Bytes of an error that are read; its words stand at the beginning.
const ERROR: u64 = 64 << 10;

/// Bytes of an answer that is no completion, such as a list of models or of tokens.
pub(crate) const OTHER: u64 = 64 << 20;

/// Bytes of an answer of so many tokens: a token is a few bytes, and takes a hundred where it is escaped.
pub(crate) fn of_tokens(max_tokens: u32) -> u64 {
    (1 << 20) + u64::from(max_tokens) * 1024
}

/// The whole body.
pub(crate) async fn read(mut response: Response, most: u64) -> Result<Vec<u8>, TryFailure> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(failure::transport)? {
        if (body.len() + bytes.len()) as u64 > most {
            return Err(TryFailure::Endless(most));
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

/// The beginning of the body of an error. The status says enough where it breaks off.
pub(crate) async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while (body.len() as u64) < ERROR
        && let Ok(Some(bytes)) = response.chunk().await
    {
        body.extend_from_slice(&bytes);
    }
    body
}
