//! Which addresses are this machine's or a private network's, and the resolver that looks before it connects.

use super::agent::{DIAL, Dial};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The address that a host of a URL spells, if it spells one.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether a host is this machine by its name alone: `localhost`, 127.0.0.0/8, `[::1]`.
pub(crate) fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || literal(host).is_some_and(|ip| ip.to_canonical().is_loopback())
}

/// Whether the name of a host alone says that it is this machine or in a private network.
pub(crate) fn is_private_by_name(host: &str) -> bool {
    is_this_machine(host) || literal(host).is_some_and(|ip| !is_public(ip))
}

/// Whether an address can be that of a server on the Internet (IANA special-purpose address registries).
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // shared by carriers, RFC 6598
        || (a == 198 && (b == 18 || b == 19)) // benchmarks, RFC 2544
        || (a == 192 && b == 0 && c == 0); // protocol assignments, RFC 6890
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, .., high, low] = ip.segments();
    if (a, b) == (0x64, 0xff9b) {
        // An IPv4 address behind a translator, RFC 6052.
        let [w, x] = high.to_be_bytes();
        let [y, z] = low.to_be_bytes();
        return is_public_v4(Ipv4Addr::new(w, x, y, z));
    }
    // Global unicast is 2000::/3; of it, 2001::/23 is for protocols (Teredo tunnels to any IPv4 address), 2001:db8::/32
    // is documentation, and 2002::/16 tunnels to any IPv4 address.
    let special = a == 0x2001 && (b < 0x200 || b == 0xdb8) || a == 0x2002;
    a & 0xe000 == 0x2000 && !special
}

/// Hosts that were resolved, and whether all their addresses were public.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<BTreeMap<String, bool>>);

impl Seen {
    /// Whether a host's own address is public. One that was never resolved, as behind a proxy, counts as public
    /// unless its name says otherwise.
    pub(crate) fn is_public(&self, host: &str) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied();
        seen.unwrap_or_else(|| !is_private_by_name(host))
    }

    fn remember(&self, host: &str, public: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), public);
    }
}

/// A name that leads into this machine or a private network where it must not.
#[derive(Debug, thiserror::Error)]
#[error("{host} leads to {ip}, which is not a public address")]
pub(crate) struct PrivateAddress {
    host: String,
    ip: IpAddr,
}

/// Resolves names for a connection. What it returns is what is connected to, so nothing can change in between.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) inner: DefaultResolver,
    pub(crate) public_only: bool,
    pub(crate) seen: Arc<Seen>,
}

impl Resolver for Lookup {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        // A proxy is looked up in the middle of dialling.
        let before = DIAL.replace(Dial::Failed);
        let found = self.inner.resolve(uri, config, timeout)?;
        DIAL.set(before);
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let private = found.iter().map(|socket| socket.ip()).find(|ip| !is_public(*ip));
        match private {
            Some(ip) if self.public_only => Err(ureq::Error::Other(Box::new(PrivateAddress { host, ip }))),
            private => {
                if !self.public_only {
                    self.seen.remember(&host, private.is_none());
                }
                Ok(found)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        for public in [
            "1.1.1.1",
            "140.82.121.33",
            "100.128.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001:0:7f00:1::",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn this_machine_has_few_names() {
        for name in ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]"] {
            assert!(is_this_machine(name), "{name}");
        }
        for name in ["localhost.evil.test", "127.0.0.1.nip.io", "10.0.0.1", "2130706433", "[fe80::1]", ""] {
            assert!(!is_this_machine(name), "{name}");
        }
    }
}
