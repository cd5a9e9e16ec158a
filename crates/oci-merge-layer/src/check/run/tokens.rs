//! `$ORIGIN`, `$LIB` and `$PLATFORM` in the paths that a dynamic linker looks along.

use std::borrow::Cow;

/// Puts in the place of `$NAME` and `${NAME}` what they stand for, wherever they are (glibc's `_dl_dst_substitute`);
/// `None` if one stands for nothing.
pub(super) fn of_glibc(path: &[u8], tokens: &[(&[u8], Option<&[u8]>)]) -> Option<Vec<u8>> {
    let (mut out, mut rest) = (Vec::new(), path);
    while let Some(at) = rest.iter().position(|&b| b == b'$') {
        let (before, token) = rest.split_at(at);
        out.extend_from_slice(before);
        let token = token.get(1..).unwrap_or_default();
        match tokens.iter().find_map(|(name, value)| Some((after(token, name)?, value))) {
            Some((after, value)) => {
                out.extend_from_slice((*value)?);
                rest = after;
            }
            None => {
                out.push(b'$');
                rest = token;
            }
        }
    }
    out.extend_from_slice(rest);
    Some(out)
}

/// What follows a name, in braces or where no name goes on (`is_dst`).
fn after<'p>(token: &'p [u8], name: &[u8]) -> Option<&'p [u8]> {
    match token.strip_prefix(b"{") {
        Some(braced) => braced.strip_prefix(name)?.strip_prefix(b"}"),
        None => {
            let goes_on = |after: &&[u8]| after.first().is_some_and(|&b| b.is_ascii_alphanumeric() || b == b'_');
            token.strip_prefix(name).filter(|after| !goes_on(after))
        }
    }
}

/// The same for musl, which knows `$ORIGIN` alone and leaves out a list of paths that has anything else (`fixup_rpath`).
pub(super) fn of_musl<'p>(paths: &'p [u8], origin: &[u8]) -> Option<Cow<'p, [u8]>> {
    let mut parts = paths.split(|&b| b == b'$');
    let mut out: Cow<'p, [u8]> = parts.next().unwrap_or_default().into();
    for part in parts {
        let after = part.strip_prefix(b"ORIGIN").or_else(|| part.strip_prefix(b"{ORIGIN}"))?;
        let out = out.to_mut();
        out.extend_from_slice(origin);
        out.extend_from_slice(after);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_linker_has_its_tokens() {
        let glibc =
            |path: &'static str, tokens| of_glibc(path.as_bytes(), tokens).map(|path| String::from_utf8(path).unwrap());
        let tokens: [(&[u8], Option<&[u8]>); 2] = [(b"ORIGIN", Some(b"/a/bin")), (b"LIB", Some(b"lib64"))];
        for (path, expected) in [
            ("/lib", "/lib"),
            ("$ORIGIN/../lib", "/a/bin/../lib"),
            ("/$ORIGIN/../${LIB}/x$LIB", "//a/bin/../lib64/xlib64"),
            ("$ORIGINAL/$LIB_/$LIB64/${LIB/$", "$ORIGINAL/$LIB_/$LIB64/${LIB/$"),
            ("${ORIGIN}x/$LIB-x", "/a/binx/lib64-x"),
        ] {
            assert_eq!(glibc(path, &tokens).as_deref(), Some(expected));
        }
        assert_eq!(glibc("/x/$ORIGIN", &[(b"ORIGIN", None)]), None);

        let musl = |path: &'static str| of_musl(path.as_bytes(), b"/a/bin").map(Cow::into_owned);
        assert_eq!(musl("/lib:$ORIGIN/../lib:/${ORIGIN}x$ORIGINAL").unwrap(), b"/lib:/a/bin/../lib://a/binx/a/binAL");
        assert_eq!(musl("/lib:$ORIGIN/x:$LIB"), None);
        assert_eq!(musl("/lib").unwrap(), b"/lib");
    }
}
