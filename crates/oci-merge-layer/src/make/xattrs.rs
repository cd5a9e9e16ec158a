//! Which extended attributes a layer keeps.

/// Whether a layer keeps an attribute: capabilities, which programs need, and what users have set.
///
/// Not kept are labels and signatures of the machine that the layer was made on (`security.selinux`,
/// `security.ima`), what only its kernel understands (`trusted.*`, `system.*`), and what overlay file systems take for
/// whiteouts and the like. Nor is a name with `=`, which a PAX record cannot hold.
pub(crate) fn is_kept(name: &[u8]) -> bool {
    let is_overlay = name.starts_with(b"user.overlay.") || name.starts_with(b"user.fuseoverlayfs.");
    name == b"security.capability" || name.starts_with(b"user.") && !is_overlay && !name.contains(&b'=')
}
