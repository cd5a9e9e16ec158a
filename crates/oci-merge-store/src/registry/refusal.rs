//! What a registry says when it says no, as people and programs need it.

use super::credentials::Looked;
use crate::network::Response;
use oci_merge_image::shown;
use serde_json::Value;
use std::fmt;

/// The most of an error's body that is read, in bytes.
const MAX_ERROR_BYTES: u64 = 64 << 10;
/// The most of a server's words that is shown, in characters.
const MAX_WORDS: usize = 400;

/// A registry's answer, or that of its token service, that ended an attempt for good: the [`source`](std::error::Error::source) of the error that
/// tells of it, for programs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refusal {
    /// The registry as references name it.
    pub registry: String,
    /// The repository in it.
    pub repository: String,
    /// The HTTP status.
    pub status: u16,
    /// The registry's own code, such as `DENIED` (distribution-spec, Error Codes).
    pub code: Option<String>,
    /// The registry's own words, escaped and cut.
    pub message: Option<String>,
    /// The server's own name for the request.
    pub request_id: Option<String>,
    /// The address that was asked, without secrets.
    pub url: String,
    /// How many attempts were made.
    pub attempts: u32,
    /// For 401 and 403: the places in which a login was looked for.
    pub looked: Vec<Looked>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.status, self.url)?;
        self.request_id.iter().try_for_each(|id| write!(f, ", request {}", shown(id)))
    }
}

impl std::error::Error for Refusal {}

/// An answer other than the hoped-for one, in the server's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    /// Whether it is about blobs that a manifest names and the registry lacks.
    pub(super) lacks_blobs: bool,
}

impl Said {
    /// Reads the body of an error.
    pub(super) fn read(response: &mut Response) -> Said {
        Said::parse(response.status, &response.read_some(MAX_ERROR_BYTES))
    }

    fn parse(status: u16, body: &[u8]) -> Said {
        let said = Said { status, code: None, message: None, lacks_blobs: false };
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            let text = String::from_utf8_lossy(body);
            let line = text.lines().map(str::trim).find(|line| !line.is_empty());
            // A page for browsers says nothing in its first line.
            return Said { message: line.filter(|line| !line.starts_with('<')).map(words), ..said };
        };
        let errors: &[Value] = json.get("errors").and_then(Value::as_array).map_or(&[], Vec::as_slice);
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(words);
        match errors.first() {
            Some(first) => Said {
                code: text(first, "code"),
                message: text(first, "message").or_else(|| text(first, "detail")),
                lacks_blobs: errors.iter().any(|e| {
                    matches!(e.get("code").and_then(Value::as_str), Some("MANIFEST_BLOB_UNKNOWN" | "BLOB_UNKNOWN"))
                }),
                ..said
            },
            // Token services and proxies have habits of their own.
            None => Said {
                message: ["error_description", "message", "details", "error"].iter().find_map(|name| text(&json, name)),
                ..said
            },
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        self.code.iter().try_for_each(|code| write!(f, " {code}"))?;
        self.message.iter().try_for_each(|message| write!(f, ": {message}"))
    }
}

/// A server's words, escaped and cut.
fn words(text: &str) -> String {
    let cut: String = text.chars().take(MAX_WORDS).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", shown(&cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_body_is_read_and_shown_safely(body in proptest::collection::vec(any::<u8>(), 0..200), json in r#"\{"errors":\[.{0,80}\]\}"#) {
            for body in [&body[..], json.as_bytes()] {
                let said = Said::parse(500, body).to_string();
                prop_assert!(said.chars().all(|c| !c.is_control()), "{said:?}");
            }
        }
    }

    #[test]
    fn errors_of_real_services_are_understood() {
        let cases = [
            (
                403,
                r#"{"errors":[{"code":"DENIED","message":"permission_denied: write_package"}]}"#,
                "403 DENIED: permission_denied: write_package",
            ),
            (
                401,
                r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[{"Type":"repository"}]}]}"#,
                "401 UNAUTHORIZED: authentication required",
            ),
            (401, r#"{"details":"incorrect username or password"}"#, "401: incorrect username or password"),
            (400, r#"{"error":"invalid_grant","error_description":"expired"}"#, "400: expired"),
            (404, "404 page not found\n", "404: 404 page not found"),
            (502, "<html><body>Bad Gateway</body></html>", "502"),
            (500, "", "500"),
            (500, "[]", "500"),
            (500, r#"{"errors":[]}"#, "500"),
            (500, r#"{"errors":[{"code":7,"message":{"a":1}}]}"#, "500"),
        ];
        for (status, body, expected) in cases {
            assert_eq!(Said::parse(status, body.as_bytes()).to_string(), expected, "{body}");
        }
    }

    #[test]
    fn a_server_cannot_write_to_the_terminal_or_fill_it() {
        let body = format!("{{\"errors\":[{{\"code\":\"X\\u001b[2J\",\"message\":\"{}\"}}]}}", "a".repeat(5000));
        let said = Said::parse(400, body.as_bytes()).to_string();
        assert!(said.starts_with("400 X\\x1b[2J: aaa") && said.ends_with("a…") && said.len() < 450, "{said}");
    }

    #[test]
    fn missing_blobs_are_told_apart() {
        let lacks = |code: &str| {
            let body = format!(r#"{{"errors":[{{"code":"OTHER"}},{{"code":"{code}"}}]}}"#);
            Said::parse(400, body.as_bytes()).lacks_blobs
        };
        assert!(lacks("MANIFEST_BLOB_UNKNOWN") && lacks("BLOB_UNKNOWN") && !lacks("MANIFEST_UNKNOWN"));
    }
}
