//! The body of an answer -> its bytes, up to a limit that no valid answer exceeds.

use reqwest::Response;

use crate::engine::http::failure::{self, TryFailure};

/// Most bytes of an error that are read; its message is at the beginning.
const ERROR: u64 = 64 << 10;

/// Most bytes of an answer that is no completion, such as a list of models or of tokens.
pub(crate) const OTHER: u64 = 64 << 20;

/// Returns the most bytes of an answer with this many tokens: a token has a few bytes, and up to a hundred with escapes.
pub(crate) fn of_tokens(max_tokens: u32) -> u64 {
    (1 << 20) + u64::from(max_tokens) * 1024
}

/// Reads the whole body, of at most `most` bytes.
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

/// Reads the beginning of the body of an error. If it breaks off, the status says enough.
pub(crate) async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while (body.len() as u64) < ERROR
        && let Ok(Some(bytes)) = response.chunk().await
    {
        body.extend_from_slice(&bytes);
    }
    body
}
