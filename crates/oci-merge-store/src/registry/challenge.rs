//! What a registry wants to be shown: `WWW-Authenticate` (RFC 9110 section 11.6.1), read totally and within bounds.

/// The longest header that is read, in bytes; what follows is left out.
const MAX_BYTES: usize = 16 << 10;
/// The most challenges of an answer, and the most parameters of a challenge.
const MAX_ITEMS: usize = 32;

/// One challenge of possibly several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// Lower case: `bearer`, `basic`.
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// A parameter by its lower-case name; of several the first.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The challenges of one header, as far as they can be read.
    pub(super) fn parse(header: &[u8]) -> Vec<Challenge> {
        let mut text = Cursor(header.get(..header.len().min(MAX_BYTES)).unwrap_or_default());
        let mut challenges = Vec::new();
        while challenges.len() < MAX_ITEMS {
            text.skip(b" \t,");
            let Some(scheme) = text.token() else { break };
            text.skip(b" \t");
            let mut challenge = Challenge { scheme: scheme.to_ascii_lowercase(), parameters: Vec::new() };
            challenge.read_parameters(&mut text);
            challenges.push(challenge);
        }
        challenges
    }

    fn read_parameters(&mut self, text: &mut Cursor<'_>) {
        for first in std::iter::once(true).chain(std::iter::repeat(false)).take(MAX_ITEMS) {
            let before = Cursor(text.0);
            let Some(name) = text.token() else { return };
            text.skip(b" \t");
            match text.take_if(b'=').then(|| text.value()) {
                Some(Some(value)) => self.parameters.push((name.to_ascii_lowercase(), value)),
                // `Negotiate dG9rZW4=`: a scheme with a token in the place of parameters.
                _ if first => text.skip_until(b','),
                // A name without a value after a comma begins the next challenge.
                _ => {
                    *text = before;
                    return;
                }
            }
            text.skip(b" \t");
            if !text.take_if(b',') {
                return;
            }
            text.skip(b" \t,");
        }
    }
}

/// What of a header has not been read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn advance(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    fn skip(&mut self, any: &[u8]) {
        self.advance(self.0.iter().take_while(|b| any.contains(b)).count());
    }

    fn skip_until(&mut self, end: u8) {
        self.advance(self.0.iter().take_while(|b| **b != end).count());
    }

    fn take_if(&mut self, wanted: u8) -> bool {
        let is_there = self.0.first() == Some(&wanted);
        if is_there {
            self.advance(1);
        }
        is_there
    }

    fn token(&mut self) -> Option<String> {
        let is_token = |b: &&u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
        let length = self.0.iter().take_while(is_token).count();
        let token: String = self.0.iter().take(length).map(|b| char::from(*b)).collect();
        self.advance(length);
        (!token.is_empty()).then_some(token)
    }

    /// A token, also one with the `/`, `:` and `=` that registries leave unquoted, or a quoted string.
    fn value(&mut self) -> Option<String> {
        self.skip(b" \t");
        if !self.take_if(b'"') {
            let length = self.0.iter().take_while(|b| b.is_ascii_graphic() && !b",\"".contains(b)).count();
            let value = String::from_utf8_lossy(self.0.get(..length).unwrap_or_default()).into_owned();
            self.advance(length);
            return (!value.is_empty()).then_some(value);
        }
        let mut value = Vec::new();
        loop {
            let byte = *self.0.first()?;
            self.advance(1);
            match byte {
                b'"' => return Some(String::from_utf8_lossy(&value).into_owned()),
                b'\\' => {
                    value.push(*self.0.first()?);
                    self.advance(1);
                }
                byte => value.push(byte),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(header: &str) -> Vec<(String, Vec<(String, String)>)> {
        Challenge::parse(header.as_bytes()).into_iter().map(|c| (c.scheme, c.parameters)).collect()
    }

    fn expect(list: &[(&str, &[(&str, &str)])]) -> Vec<(String, Vec<(String, String)>)> {
        let pair = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        list.iter().map(|(scheme, parameters)| (scheme.to_string(), parameters.iter().map(pair).collect())).collect()
    }

    #[test]
    fn challenges_of_real_registries_are_read() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/ubuntu:pull""#;
        let hub_read: &[(&str, &str)] = &[
            ("realm", "https://auth.docker.io/token"),
            ("service", "registry.docker.io"),
            ("scope", "repository:library/ubuntu:pull"),
        ];
        assert_eq!(read(hub), expect(&[("bearer", hub_read)]));
        let quay = r#"Bearer realm="https://quay.io/v2/auth",service="quay.io",error="insufficient_scope""#;
        let quay_read: &[(&str, &str)] =
            &[("realm", "https://quay.io/v2/auth"), ("service", "quay.io"), ("error", "insufficient_scope")];
        assert_eq!(read(quay), expect(&[("bearer", quay_read)]));
        let ecr = r#"Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com""#;
        let ecr_read: &[(&str, &str)] =
            &[("realm", "https://1.dkr.ecr.eu-west-1.amazonaws.com/"), ("service", "ecr.amazonaws.com")];
        assert_eq!(read(ecr), expect(&[("basic", ecr_read)]));
    }

    #[test]
    fn the_grammar_of_the_rfc_is_understood() {
        // RFC 9110 section 11.6.1, with the parameters in its own order.
        let rfc = r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#;
        let newauth: &[(&str, &str)] = &[("realm", "apps"), ("type", "1"), ("title", "Login to \"apps\"")];
        assert_eq!(read(rfc), expect(&[("basic", &[("realm", "simple")]), ("newauth", newauth)]));
        assert_eq!(read("Negotiate"), expect(&[("negotiate", &[])]));
        assert_eq!(read("Negotiate, Basic realm=x"), expect(&[("negotiate", &[]), ("basic", &[("realm", "x")])]));
        assert_eq!(read("Negotiate dG9=, Basic realm=x")[1..], expect(&[("basic", &[("realm", "x")])]));
        assert_eq!(read("NTLM abc==, Bearer realm=\"y\"").last(), expect(&[("bearer", &[("realm", "y")])]).last());
        assert_eq!(
            read(", ,Basic realm = \"a\" ,, service=b"),
            expect(&[("basic", &[("realm", "a"), ("service", "b")])])
        );
        assert_eq!(read("BEARER REALM=https://a/t"), expect(&[("bearer", &[("realm", "https://a/t")])]));
        assert_eq!(
            read(r#"Bearer realm="a,b=c",scope="x""#),
            expect(&[("bearer", &[("realm", "a,b=c"), ("scope", "x")])])
        );
    }

    #[test]
    fn what_is_broken_ends_the_reading() {
        assert_eq!(read(r#"Bearer realm="unfinished"#), expect(&[("bearer", &[])]));
        assert_eq!(read(""), expect(&[]));
        assert_eq!(read("\"quoted\""), expect(&[]));
        assert_eq!(read("Bearer realm="), expect(&[("bearer", &[])]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_within_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let challenges = Challenge::parse(&bytes);
            prop_assert!(challenges.len() <= MAX_ITEMS && challenges.iter().all(|c| c.parameters.len() <= MAX_ITEMS));
        }

        #[test]
        fn what_is_quoted_comes_back(values in proptest::collection::vec("[ -~]{1,20}", 1..5)) {
            let quote = |v: &String| format!("p=\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\""));
            let header = format!("Bearer {}", values.iter().map(quote).collect::<Vec<_>>().join(","));
            let read: Vec<String> = Challenge::parse(header.as_bytes()).into_iter().flat_map(|c| c.parameters).map(|p| p.1).collect();
            prop_assert_eq!(read, values);
        }
    }
}
