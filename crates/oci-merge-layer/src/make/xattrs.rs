//! Which extended attributes a layer keeps, and which a kernel takes.

use crate::Body;

/// What a program may do that its user may not (`capabilities(7)`).
pub(crate) const CAPABILITY: &[u8] = b"security.capability";

/// Whether a layer keeps an attribute: capabilities, which programs need, and what users have set.
///
/// Not kept are labels and signatures of the machine that the layer was made on (`security.selinux`,
/// `security.ima`), what only its kernel understands (`trusted.*`, `system.*`), and what overlay file systems take for
/// whiteouts and the like. Nor is a name with `=`, which a PAX record cannot hold.
pub(crate) fn is_kept(name: &[u8]) -> bool {
    let is_overlay = name.starts_with(b"user.overlay.") || name.starts_with(b"user.fuseoverlayfs.");
    name == CAPABILITY || name.starts_with(b"user.") && !is_overlay && !name.contains(&b'=')
}

/// Whether Linux takes an attribute of an entry (`xattr(7)`), and every runtime sets it: where not, some fail to unpack the
/// layer, and others go on without (containerd leaves `trusted.*` out, docker fails at names of no namespace).
pub(crate) fn is_possible(body: &Body, name: &[u8], value: &[u8]) -> bool {
    let Some((namespace, rest)) = name.iter().position(|&b| b == b'.').and_then(|dot| name.split_at_checked(dot))
    else {
        return false;
    };
    let is_taken = match namespace {
        b"user" => matches!(body, Body::File { .. } | Body::Directory | Body::HardLink { .. }),
        // The three versions of `struct vfs_cap_data`.
        b"security" => name != CAPABILITY || matches!(value.len(), 12 | 20 | 24),
        b"system" => rest.starts_with(b".posix_acl_"),
        _ => false,
    };
    // `XATTR_NAME_MAX` and `XATTR_SIZE_MAX`.
    is_taken && rest.len() > 1 && name.len() <= 255 && value.len() <= 64 << 10
}
