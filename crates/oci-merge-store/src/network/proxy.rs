//! Proxies as curl and Go understand the variables: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, in either case.
//!
//! Whatever is asked for goes through a tunnel (CONNECT, RFC 9110 section 9.3.6), so a proxy sees names and no request.
//! This machine is never asked for through a proxy.

use super::address::{is_this_machine, literal};
use super::url::Url;
use crate::registry::Environment;
use crate::{Error, ErrorKind, Result};
use std::fmt;
use std::net::IpAddr;

/// Which hosts are reached through which proxy. The default is none.
#[derive(Clone, Default)]
pub struct Proxies {
    /// A variable that holds none is an error for whoever needs it, and for nobody else.
    https: Option<Result<Proxy>>,
    http: Option<Result<Proxy>>,
    except: Vec<Except>,
}

/// A proxy, and its address as messages may show it.
#[derive(Clone)]
struct Proxy {
    proxy: ureq::Proxy,
    shown: String,
}

/// One item of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Except {
    Everything,
    /// A domain and what is below it; without its own name if it began with a dot. With a port, only that.
    Domain {
        name: String,
        below_only: bool,
        port: Option<u16>,
    },
    Network {
        address: IpAddr,
        bits: u8,
    },
}

impl Proxies {
    /// The proxies that an environment names.
    pub fn of(environment: &Environment) -> Proxies {
        let find = |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, environment.text(name)?)));
        let proxy = |names| find(names).map(|(name, text)| Proxy::parse(name, &text));
        let except = find(["NO_PROXY", "no_proxy"]).map(|(_, text)| text).unwrap_or_default();
        Proxies {
            https: proxy(["HTTPS_PROXY", "https_proxy"]),
            http: proxy(["HTTP_PROXY", "http_proxy"]),
            except: except.split(',').filter_map(Except::parse).collect(),
        }
    }

    /// The proxy for an address.
    ///
    /// # Errors
    /// The variable does not hold the address of a proxy that can be used.
    pub(super) fn find(&self, url: &Url) -> Result<Option<&ureq::Proxy>> {
        Ok(self.applying(url)?.map(|proxy| &proxy.proxy))
    }

    /// The same as a text without its password.
    pub(crate) fn shown(&self, url: &Url) -> Option<&str> {
        self.applying(url).ok()?.map(|proxy| proxy.shown.as_str())
    }

    fn applying(&self, url: &Url) -> Result<Option<&Proxy>> {
        let proxy = if url.is_https() { &self.https } else { &self.http };
        if is_this_machine(url.host()) || self.except.iter().any(|except| except.fits(url)) {
            return Ok(None);
        }
        proxy.as_ref().map(|proxy| proxy.as_ref().map_err(Clone::clone)).transpose()
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("https", &self.https)
            .field("http", &self.http)
            .field("except", &self.except)
            .finish()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Proxy {
    fn parse(variable: &str, text: &str) -> Result<Proxy> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        // A name and a password may stand before the last `@`, and go into no message.
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place).trim_end_matches('/');
        let refuse = |why: &str| {
            let text = format!("it holds no proxy that can be used: {why}");
            Error::new(ErrorKind::Policy, variable, text)
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "http" => {}
            // TLS to the proxy would need roots, certificates and exceptions of its own, not those of who is asked for.
            "https" => {
                return Err(refuse(
                    "it is spoken to in plain HTTP only; write http://HOST:PORT (what goes to an https registry is \
                     encrypted on all of its way, through the proxy too)",
                ));
            }
            _ => return Err(refuse("only http:// proxies are spoken to")),
        }
        let shown = format!("http://{place}");
        Url::parse(&shown).map_err(|_| refuse("expected http://HOST:PORT"))?;
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let proxy = ureq::Proxy::new(&whole).map_err(|_| refuse("expected http://HOST:PORT"))?;
        Ok(Proxy { proxy, shown })
    }
}

impl Except {
    fn parse(text: &str) -> Option<Except> {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "" => return None,
            "*" => return Some(Except::Everything),
            _ => {}
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (literal(address), bits.parse().ok()),
            None => (literal(&text), Some(128)),
        };
        if let (Some(address), Some(bits)) = (address, bits) {
            return Some(Except::Network { address, bits });
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port.parse().ok()?)),
            _ => (text.as_str(), None),
        };
        let name = name.strip_prefix('*').unwrap_or(name);
        let below_only = name.starts_with('.');
        Some(Except::Domain { name: name.trim_start_matches('.').to_owned(), below_only, port })
    }

    fn fits(&self, url: &Url) -> bool {
        match self {
            Except::Everything => true,
            Except::Network { address, bits } => literal(url.host()).is_some_and(|ip| is_within(ip, *address, *bits)),
            Except::Domain { name, below_only, port } => {
                let below = url.host().strip_suffix(name.as_str()).is_some_and(|head| head.ends_with('.'));
                port.is_none_or(|port| url.port() == port) && (below || !below_only && url.host() == name)
            }
        }
    }
}

/// Whether the first bits of two addresses of one kind are the same.
fn is_within(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    let same = |a: &[u8], b: &[u8]| {
        let bits = usize::from(bits).min(a.len() * 8);
        let bit = |bytes: &[u8], at: usize| bytes.get(at / 8).map(|byte| byte >> (7 - at % 8) & 1);
        (0..bits).all(|at| bit(a, at) == bit(b, at))
    };
    match (ip.to_canonical(), network.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(&a.octets(), &b.octets()),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(&a.octets(), &b.octets()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::of(&Environment::of(variables.iter().copied()))
    }

    fn shown(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.shown(&Url::parse(url).unwrap()).map(str::to_owned)
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let both = [("HTTPS_PROXY", "proxy.test:3128"), ("http_proxy", "http://jon:hunter2@clear.test:80/")];
        let both = proxies(&both);
        assert_eq!(shown(&both, "https://ghcr.io/v2/").as_deref(), Some("http://proxy.test:3128"));
        assert_eq!(shown(&both, "http://registry.lan/v2/").as_deref(), Some("http://clear.test:80"));
        assert!(!format!("{both:?}").contains("hunter2"));
        for here in ["https://localhost:5000/", "https://127.0.0.1/", "http://[::1]:5000/"] {
            assert_eq!(shown(&both, here), None, "{here}");
        }
        assert_eq!(shown(&proxies(&[("HTTPS_PROXY", "")]), "https://ghcr.io/"), None);
    }

    #[test]
    fn exceptions_are_those_of_go() {
        // golang.org/x/net/http/httpproxy, the documentation of Config.NoProxy.
        for (except, url, direct) in [
            ("*", "https://a.test/", true),
            ("a.test", "https://a.test/", true),
            ("a.test", "https://x.a.test/", true),
            ("a.test", "https://xa.test/", false),
            (".a.test", "https://x.a.test/", true),
            (".a.test", "https://a.test/", false),
            ("b.test, A.test", "https://a.test/", true),
            ("a.test:443", "https://a.test/", true),
            ("a.test:8443", "https://a.test/", false),
            ("10.1.2.3", "https://10.1.2.3/", true),
            ("10.1.0.0/16", "https://10.1.2.3/", true),
            ("10.2.0.0/16", "https://10.1.2.3/", false),
            ("10.0.0.0/9", "https://10.128.0.1/", false),
            ("fd00::/8", "https://[fd12::1]/", true),
            ("0.0.0.0/0", "https://[fd12::1]/", false),
            ("", "https://a.test/", false),
        ] {
            let proxies = proxies(&[("https_proxy", "p.test:1"), ("no_proxy", except)]);
            assert_eq!(shown(&proxies, url).is_none(), direct, "{except} for {url}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_its_password() {
        for text in [
            "socks5://jon:hunter2@p.test:1",
            "https://jon:hunter2@p.test:1",
            "HTTPS://p.test:443",
            "http://",
            "http://jon:hunter2@p test:1",
            "ftp://p.test",
        ] {
            let proxies = proxies(&[("HTTPS_PROXY", text)]);
            assert!(!format!("{proxies:?}").contains("hunter2"));
            let error = proxies.find(&Url::parse("https://a.test/").unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Policy, "{text}");
            let error = error.to_string();
            assert!(error.starts_with("HTTPS_PROXY: ") && !error.contains("hunter2"), "{error}");
            assert!(error.contains("http://"), "what would do is said: {error}");
        }
    }
}
