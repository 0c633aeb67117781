//! The bytes of an answer -> the JSON in them, or the events of a stream that was not requested.
//!
//! Some proxies compress answers without a request, put a byte order mark or comments before them, or declare a stream as JSON.

use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use crate::engine::http::failure::TryFailure;

/// Most bytes of an unpacked answer: a thousand times as many as a judge writes.
const MOST: u64 = 64 << 20;

/// Returns `body` as the server wrote it, unpacked if its headers say that it is compressed.
pub(crate) fn unpacked(headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>, TryFailure> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_lowercase());
    let packed = |what: &str| TryFailure::Unreadable(format!("the answer is compressed ({what}), which was not asked for"));
    match encoding.as_deref() {
        None | Some("" | "identity") => Ok(body.to_vec()),
        Some("gzip" | "x-gzip") => read(MultiGzDecoder::new(body)).ok_or_else(|| packed("a broken gzip")),
        Some("deflate") => read(ZlibDecoder::new(body)).ok_or_else(|| packed("a broken deflate")),
        Some(other) => Err(packed(other)),
    }
}

fn read(from: impl Read) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    let read = from.take(MOST + 1).read_to_end(&mut unpacked).ok()?;
    (read as u64 <= MOST).then_some(unpacked)
}

/// Returns `body` from the beginning of its JSON: without a byte order mark, white space and comment lines (`: PROCESSING`) before it.
pub(crate) fn json(body: &[u8]) -> &[u8] {
    let mut rest = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    while rest.starts_with(b":") {
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        rest = rest[end..].trim_ascii_start();
    }
    rest
}

/// Returns whether the body, after [`json`], is a stream of events.
pub(crate) fn is_events(body: &[u8]) -> bool {
    [&b"data:"[..], b"event:"].iter().any(|start| body.starts_with(start))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn headers(encoding: &'static str) -> HeaderMap {
        [(CONTENT_ENCODING, encoding.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn what_is_packed_is_unpacked_or_named() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(b"{\"a\":1}").unwrap();
        let gzip = gzip.finish().unwrap();
        assert_eq!(unpacked(&headers("gzip"), &gzip).unwrap(), b"{\"a\":1}");
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(b"x").unwrap();
        assert_eq!(unpacked(&headers("deflate"), &zlib.finish().unwrap()).unwrap(), b"x");
        assert_eq!(unpacked(&HeaderMap::new(), b"x").unwrap(), b"x");
        let said = |encoding, body: &[u8]| format!("{:?}", unpacked(&headers(encoding), body).unwrap_err());
        assert!(said("br", b"x").contains("compressed (br)"));
        assert!(said("gzip", &gzip[..gzip.len() - 4]).contains("broken gzip"));
    }

    #[test]
    fn what_stands_in_front_is_passed_over() {
        for body in ["{}", "\u{feff}{}", "\n\n {}", ": PROCESSING\n\n: PROCESSING\r\n\r\n{}", "\u{feff}: a\n{}"] {
            assert_eq!(json(body.as_bytes()), b"{}", "{body:?}");
        }
        assert!(json(b": only").is_empty());
        assert!(is_events(json(b": hello\n\ndata: {}")) && !is_events(b"{\"data:\":1}"));
    }
}
