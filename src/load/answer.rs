use crate::history::Failure;
use bytes::Bytes;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::{HeaderMap, StatusCode, header};
use std::io::Read;
use std::time::Instant;

/// A response that was read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Decoded; empty when the step reads nothing from it.
    pub body: Bytes,
    /// Bytes of the body as received, before decoding.
    pub body_bytes: usize,
    pub first_byte: Instant,
    pub last_byte: Instant,
}

/// Undoes the response's content encoding, to at most `limit` bytes.
///
/// # Errors
/// [`Failure::TooLarge`] past the limit, [`Failure::Malformed`] when the body is not what its header says.
pub fn decode(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Failure> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else { return Ok(body) };
    let mut decoded = body;
    // Encodings are named in the order they were applied (RFC 9110 §8.4).
    for encoding in encoding.to_str().map_err(|_| Failure::Malformed)?.rsplit(',') {
        decoded = match encoding.trim().to_ascii_lowercase().as_str() {
            "identity" | "" => decoded,
            "gzip" | "x-gzip" => read_to(GzDecoder::new(&*decoded), limit)?,
            "br" => read_to(brotli_decompressor::Decompressor::new(&*decoded, 4096), limit)?,
            // "deflate" means zlib, but some servers send the bare stream; the first byte of zlib's tells.
            "deflate" if decoded.first().is_some_and(|first| first & 0x0f == 8) => {
                read_to(ZlibDecoder::new(&*decoded), limit)?
            }
            "deflate" => read_to(DeflateDecoder::new(&*decoded), limit)?,
            _ => return Err(Failure::Malformed),
        };
    }
    Ok(decoded)
}

fn read_to(reader: impl Read, limit: usize) -> Result<Bytes, Failure> {
    let mut out = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut out).map_err(|_| Failure::Malformed)?;
    if out.len() > limit { Err(Failure::TooLarge) } else { Ok(out.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use std::io::Write;

    fn headers(encoding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static(encoding))])
    }

    fn gzip(text: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn each_encoding_is_undone() {
        assert_eq!(decode(&headers("gzip"), gzip(b"hello"), 100).unwrap(), "hello");
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(b"hello").unwrap();
        assert_eq!(decode(&headers("deflate"), zlib.finish().unwrap().into(), 100).unwrap(), "hello");
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        bare.write_all(b"hello").unwrap();
        assert_eq!(decode(&headers("deflate"), bare.finish().unwrap().into(), 100).unwrap(), "hello");
        // "hello" as brotli's one uncompressed meta-block, by RFC 7932 §9.2.
        let brotli: &[u8] = &[0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];
        assert_eq!(decode(&headers("br"), Bytes::from_static(brotli), 100).unwrap(), "hello");
        assert_eq!(decode(&headers("gzip, gzip"), gzip(&gzip(b"hello")), 100).unwrap(), "hello");
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0u8; 1 << 20]);
        assert_eq!(decode(&headers("gzip"), bomb, 1000).unwrap_err(), Failure::TooLarge);
    }

    #[test]
    fn a_body_that_is_not_what_it_says_is_malformed() {
        for encoding in ["gzip", "br", "deflate", "compress"] {
            let body = Bytes::from_static(b"\x18plain text");
            assert_eq!(decode(&headers(encoding), body, 1000).unwrap_err(), Failure::Malformed, "{encoding}");
        }
    }
}
