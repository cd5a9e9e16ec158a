//! Addresses of http and https: read, resolved against another, compared by origin, shown without secrets.

use oci_merge_image::shown;
use std::fmt;
use std::net::Ipv6Addr;

/// The longest address that is read, in bytes.
const MAX_URL_BYTES: usize = 16 << 10;

/// Parameters whose values say what was asked for and give no access to anything.
const HARMLESS: [&str; 8] = ["digest", "from", "last", "mount", "n", "scope", "service", "tag"];

/// An absolute address of http or https, without user name, password or fragment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Url {
    https: bool,
    host: String,
    port: u16,
    path: String,
    query: Option<String>,
}

/// Why a text is not an address that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", shown(text))]
pub(crate) struct BadUrl {
    text: String,
    why: &'static str,
}

impl Url {
    /// Reads an absolute address. Characters that an address cannot hold are percent-encoded.
    pub(crate) fn parse(text: &str) -> Result<Url, BadUrl> {
        let refuse = |why| bad(text, why);
        let (scheme, rest) = scheme(text).ok_or_else(|| refuse("an address that begins with https:// is expected"))?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(refuse("only http and https are spoken")),
        };
        let rest = rest.strip_prefix("//").ok_or_else(|| refuse("no // after the scheme"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (host, port) = authority_of(authority).map_err(refuse)?;
        let (path, query) = path_and_query(text, rest)?;
        let path = if path.is_empty() { "/".to_owned() } else { path };
        Ok(Url { https, host, port: port.unwrap_or(if https { 443 } else { 80 }), path, query })
    }

    /// The address that a reference stands for here (RFC 3986 section 5.2).
    pub(crate) fn join(&self, reference: &str) -> Result<Url, BadUrl> {
        if scheme(reference).is_some() {
            return Url::parse(reference);
        }
        if reference.starts_with("//") {
            return Url::parse(&format!("{}:{reference}", self.scheme()));
        }
        let (path, query) = path_and_query(reference, reference)?;
        if path.split('/').next().is_some_and(|first| first.contains(':')) {
            return Err(bad(reference, "neither an absolute address nor a relative one"));
        }
        let (path, query) = match path.as_str() {
            "" => (self.path.clone(), query.or_else(|| self.query.clone())),
            absolute if absolute.starts_with('/') => (without_dots(absolute), query),
            relative => {
                let parent = self.path.rfind('/').map_or("/", |slash| self.path.get(..=slash).unwrap_or("/"));
                (without_dots(&format!("{parent}{relative}")), query)
            }
        };
        Ok(Url { path, query, ..self.clone() })
    }

    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// The host, lower case; an IPv6 address in brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port, also where it is the usual one.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, the port always there.
    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether scheme, host and port are the same.
    pub(crate) fn same_origin(&self, other: &Url) -> bool {
        (self.https, &self.host, self.port) == (other.https, &other.host, other.port)
    }

    /// The same address in plain HTTP; a port that was the default of https becomes that of http.
    pub(crate) fn in_clear(&self) -> Url {
        Url { https: false, port: if self.port == 443 { 80 } else { self.port }, ..self.clone() }
    }

    /// The same address with one more parameter.
    pub(crate) fn with(&self, name: &str, value: &str) -> Url {
        let more = format!("{}={}", encode(name), encode(value));
        let query = match self.query.as_deref() {
            None | Some("") => more,
            Some(there) => format!("{there}&{more}"),
        };
        Url { query: Some(query), ..self.clone() }
    }

    /// For logs and messages: the values of parameters that may give access are left out.
    pub(crate) fn redacted(&self) -> String {
        let hide = |pair: &str| match pair.split_once('=') {
            Some((name, _)) if !HARMLESS.contains(&name) => format!("{name}=…"),
            _ => pair.to_owned(),
        };
        let query = self.query.as_ref().map(|q| q.split('&').map(hide).collect::<Vec<_>>().join("&"));
        let clean = Url { query, ..self.clone() };
        clean.to_string()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.host)?;
        if self.port != if self.https { 443 } else { 80 } {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)?;
        self.query.iter().try_for_each(|query| write!(f, "?{query}"))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

/// A text as the value of a parameter or of a form: what could end it is percent-encoded.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() || b"-._~:/,".contains(&b) { char::from(b).into() } else { percent(b) })
        .collect()
}

/// The bytes that a percent-encoded text stands for; a broken escape stands for itself.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

fn bad(text: &str, why: &'static str) -> BadUrl {
    BadUrl { text: text.chars().take(200).collect(), why }
}

fn percent(byte: u8) -> String {
    format!("%{byte:02X}")
}

/// The scheme and what follows its colon.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let starts = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (starts && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))).then_some((scheme, rest))
}

fn authority_of(text: &str) -> Result<(String, Option<u16>), &'static str> {
    if text.contains('@') {
        return Err("a user name or password in an address would be written to logs");
    }
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, rest)) => {
            let v6: Ipv6Addr = v6.parse().map_err(|_| "no IPv6 address between the brackets")?;
            let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or("no port after the ]")?) };
            (format!("[{v6}]"), port)
        }
        None if text.starts_with('[') => return Err("a bracket that nothing closes"),
        None => match text.split_once(':') {
            Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
            None => (text.to_ascii_lowercase(), None),
        },
    };
    if host.is_empty()
        || !host.starts_with('[') && !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    {
        return Err("not a host name");
    }
    match port {
        None | Some("") => Ok((host, None)),
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => match port.parse() {
            Ok(0) | Err(_) => Err("no such port"),
            Ok(port) => Ok((host, Some(port))),
        },
        Some(_) => Err("no such port"),
    }
}

/// Path and query, without the fragment, with what an address cannot hold percent-encoded.
fn path_and_query(whole: &str, text: &str) -> Result<(String, Option<String>), BadUrl> {
    if whole.len() > MAX_URL_BYTES {
        return Err(bad(whole, "too long for an address"));
    }
    if text.bytes().any(|b| b.is_ascii_control()) {
        return Err(bad(whole, "a control character in an address"));
    }
    let text = text.split('#').next().unwrap_or_default();
    let safe = |part: &str| -> String {
        let keep = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b);
        part.bytes().map(|b| if keep(b) { char::from(b).into() } else { percent(b) }).collect()
    };
    Ok(match text.split_once('?') {
        Some((path, query)) => (safe(path), Some(safe(query))),
        None => (safe(text), None),
    })
}

/// RFC 3986 section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    out.pop();
                }
                if last {
                    out.push("");
                }
            }
            other => out.push(other),
        }
    }
    format!("/{}", out.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 3986 sections 5.4.1 and 5.4.2 against `http://a/b/c/d;p?q`, without fragments, which are never sent.
    const EXAMPLES: [(&str, &str); 31] = [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("https://h:8443/x?y=1", "https://h:8443/x?y=1"),
    ];

    #[test]
    fn references_are_resolved_as_the_rfc_shows() {
        let base = Url::parse("http://a/b/c/d;p?q").unwrap();
        for (reference, expected) in EXAMPLES {
            assert_eq!(base.join(reference).unwrap().to_string(), expected, "{reference}");
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let base = Url::parse("https://registry.test/v2/a/blobs/uploads/").unwrap();
        for text in [
            "ht!tp://[::bad",
            "ftp://a/",
            "javascript:alert(1)",
            "https:/a",
            "https://",
            "https://u:p@a/",
            "https://a:0/",
            "https://a:65536/",
            "https://a:+1/",
            "https://[::1/",
            "https://[::1]x/",
            "https://a b/",
            "a\r\nb",
            "https://a/\u{7f}",
        ] {
            assert!(base.join(text).is_err(), "{text:?}");
        }
        assert!(base.join(&"a".repeat(MAX_URL_BYTES + 1)).is_err());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let of = |text| Url::parse(text).unwrap();
        let here = of("https://Registry.test/v2/");
        assert!(here.same_origin(&of("https://registry.test:443/x")));
        for other in [
            "http://registry.test/",
            "https://registry.test:444/",
            "https://registry.test.evil/",
            "http://registry.test:443/",
        ] {
            assert!(!here.same_origin(&of(other)), "{other}");
        }
    }

    #[test]
    fn logs_hold_no_signature() {
        let url = Url::parse("https://cdn.test/b?digest=sha256:1&X-Amz-Signature=secret&_state=secret&flag").unwrap();
        assert_eq!(url.redacted(), "https://cdn.test/b?digest=sha256:1&X-Amz-Signature=…&_state=…&flag");
        assert_eq!(format!("{url:?}"), url.redacted());
    }

    #[test]
    fn parameters_are_encoded_and_decoded() {
        let url = Url::parse("https://a/t?x=1").unwrap().with("scope", "repository:a/b:pull,push");
        assert_eq!(url.to_string(), "https://a/t?x=1&scope=repository:a/b:pull,push");
        assert_eq!(encode("a b&c=d+e%f#g?h"), "a%20b%26c%3Dd%2Be%25f%23g%3Fh");
        assert_eq!(decode("%2Fgr%C3%B6%zz%"), b"/gr\xc3\xb6%zz%");
        assert_eq!(Url::parse("https://a/ö b").unwrap().to_string(), "https://a/%C3%B6%20b");
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_what_is_read_is_written(text in "(https?://)?[ -~ö]{0,30}", reference in any::<String>()) {
            let base = Url::parse("https://registry.test/v2/a/").unwrap();
            for url in [Url::parse(&text), base.join(&text), base.join(&reference)].into_iter().flatten() {
                let written = url.to_string();
                prop_assert_eq!(&Url::parse(&written).unwrap(), &url);
                prop_assert!(written.parse::<ureq::http::Uri>().is_ok(), "{}", written);
                prop_assert!(written.is_ascii() && !written.contains(char::is_whitespace) && !url.host().contains('@'));
            }
        }
    }
}
