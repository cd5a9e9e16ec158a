//! Header fields for logs: names all of them, values only where they give access to nothing.

use super::url::Url;
use oci_merge_image::shown;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The most of a value that is shown, in characters.
const MAX_VALUE: usize = 200;

/// Fields whose values are shown. What is not here may hold a secret that nobody has heard of yet.
const HARMLESS: [&str; 29] = [
    "accept",
    "accept-ranges",
    "age",
    "cache-control",
    "connection",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "docker-content-digest",
    "docker-distribution-api-version",
    "docker-upload-uuid",
    "etag",
    "if-match",
    "if-none-match",
    "last-modified",
    "oci-chunk-min-length",
    "oci-filters-applied",
    "oci-subject",
    "oci-tag",
    "range",
    "ratelimit-limit",
    "ratelimit-remaining",
    "retry-after",
    "server",
    "transfer-encoding",
    "via",
    "warning",
    "www-authenticate",
];

/// The fields of a request, as lines.
pub(super) fn of_request(headers: &[(HeaderName, HeaderValue)]) -> Vec<String> {
    headers.iter().map(|(name, value)| line(name, value)).collect()
}

/// The fields of an answer, as lines.
pub(super) fn of_answer(headers: &HeaderMap) -> Vec<String> {
    headers.iter().map(|(name, value)| line(name, value)).collect()
}

fn line(name: &HeaderName, value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    let is_id = name.as_str().contains("request") && name.as_str().ends_with("id");
    let value = if HARMLESS.contains(&name.as_str()) || is_id {
        text.chars().take(MAX_VALUE).collect()
    } else if name == header::LOCATION {
        // A relative one is shown as if it were of no host in particular.
        let base = Url::parse("https://registry/").ok();
        base.and_then(|base| base.join(&text).ok()).map_or_else(|| "…".to_owned(), |url| url.redacted())
    } else if name == header::AUTHORIZATION {
        format!("{} …", text.split(' ').next().unwrap_or_default())
    } else {
        "…".to_owned()
    };
    format!("{name}: {}", shown(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_and_the_rest_is_escaped() {
        let show = |name: &'static str, value: &'static [u8]| {
            line(&HeaderName::from_static(name), &HeaderValue::from_bytes(value).unwrap())
        };
        for (name, value, expected) in [
            ("authorization", &b"Bearer hunter2"[..], "authorization: Bearer …"),
            ("authorization", b"Basic am9uOmh1bnRlcjI=", "authorization: Basic …"),
            ("set-cookie", b"session=hunter2", "set-cookie: …"),
            ("x-amz-security-token", b"hunter2", "x-amz-security-token: …"),
            ("location", b"https://cdn.test/b?sig=hunter2&digest=1", "location: https://cdn.test/b?sig=…&digest=1"),
            (
                "location",
                b"/v2/a/blobs/uploads/1?_state=hunter2",
                "location: https://registry/v2/a/blobs/uploads/1?_state=…",
            ),
            ("range", b"0-99", "range: 0-99"),
            ("x-github-request-id", b"1A:2B", "x-github-request-id: 1A:2B"),
            ("server", b"x\xc2\x9by", "server: x\\u{9b}y"),
        ] {
            assert_eq!(show(name, value), expected);
        }
    }
}
