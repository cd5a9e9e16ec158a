//! From a header and its extensions to an entry.

use super::blocks::BLOCK;
use super::content::Rest;
use super::extensions::Extensions;
use super::header::{Format, Header, IDS, TIMES};
use super::pax::{self, Pax};
use super::sparse::{Form, Map, SparseKeys};
use super::{Item, Scanner};
use crate::make::is_possible;
use crate::{Body, Entry, Error, Result, Time};
use oci_merge_image::{LayerPath, shown};
use std::io::Read;

/// Longest link target, in bytes (Linux `PATH_MAX` less its NUL).
const MAX_TARGET: usize = 4095;
/// The largest size that octal digits in a header can say.
const MAX_OCTAL_SIZE: u64 = 0o77_777_777_777;

/// What a typeflag stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    File,
    HardLink,
    Symlink,
    CharDevice,
    BlockDevice,
    Directory,
    Fifo,
    /// Nothing that would become a file: Go passes over it.
    Unknown,
}

impl Type {
    fn is_link(self) -> bool {
        matches!(self, Type::HardLink | Type::Symlink)
    }

    /// The type bits of a mode.
    fn mode_bits(self) -> u32 {
        match self {
            Type::File | Type::HardLink => 0o10,
            Type::Symlink => 0o12,
            Type::CharDevice => 0o2,
            Type::BlockDevice => 0o6,
            Type::Directory => 0o4,
            Type::Fifo => 0o1,
            Type::Unknown => 0,
        }
    }
}

impl<R: Read> Scanner<R> {
    /// The entry of a header that is no extension; `None` for one that nothing comes of.
    pub(super) fn entry(&mut self, header: &Header) -> Result<Option<Item>> {
        let item = self.read_entry(header)?;
        let path = match &item {
            Some(Item::Entry(Entry { path, .. }) | Item::Whiteout(path)) => Some(path),
            None => None,
        };
        self.judge.place(path);
        Ok(item)
    }

    fn read_entry(&mut self, header: &Header) -> Result<Option<Item>> {
        let mut said = std::mem::take(&mut self.extensions);
        let mut pax = said.pax.take();
        let mut kind = self.kind(header, pax.is_none() && said.is_empty())?;
        self.set_name(header, &said, pax.as_ref());
        let (uid, gid) = self.owner(header, pax.as_ref())?;
        let mtime = self.mtime(header, pax.as_ref())?;
        let size = self.size(header, kind, pax.as_ref())?;
        let link = said.link.or_else(|| pax.as_mut().and_then(|pax| pax.linkpath.take()));
        let (xattrs, keys) = pax.map(|pax| (pax.xattrs, pax.sparse)).unwrap_or_default();
        self.rest = Rest::new(size);
        let expanded = self.expand(header, kind, size, keys)?;
        if kind == Type::Unknown {
            return Ok(None);
        }
        self.judge_trailing_slash(header, &mut kind, size)?;
        if kind != Type::File {
            self.rest = Rest::default();
        }
        let Some(path) = self.path()? else { return Ok(None) };
        self.count()?;
        if !self.judge_place(&path, kind, header)? {
            return Ok(None);
        }
        if is_whiteout(&path)? {
            return Ok(Some(Item::Whiteout(path)));
        }
        let link = link.unwrap_or_else(|| if kind.is_link() { header.link().to_vec() } else { Vec::new() });
        let Some(body) = self.body(kind, expanded, link)? else { return Ok(None) };
        if let Some((name, _)) = xattrs.iter().find(|(name, value)| !is_possible(&body, name, value)) {
            let name = name.get(..256).unwrap_or(name);
            self.judge.harmless("TAR_XATTR", || {
                format!(
                    "the attribute {} is none that every runtime sets on such an entry: some fail there",
                    shown(name)
                )
            })?;
        }
        let mode = (header.mode & 0o7777) as u16;
        Ok(Some(Item::Entry(Entry { path, body, mode, uid, gid, mtime, xattrs })))
    }

    fn kind(&mut self, header: &Header, alone: bool) -> Result<Type> {
        Ok(match header.typeflag {
            b'0' | 0 => Type::File,
            b'1' => Type::HardLink,
            b'2' => Type::Symlink,
            b'3' => Type::CharDevice,
            b'4' => Type::BlockDevice,
            b'5' => Type::Directory,
            b'6' => Type::Fifo,
            b'S' => Type::File,
            b'7' => {
                self.judge.harmless("TAR_TYPEFLAG", || "a contiguous file (type 7): a file like any other".into())?;
                Type::File
            }
            b'V' if header.size == 0 && alone => {
                self.judge.harmless("TAR_TYPEFLAG", || "the label of a volume (type V)".into())?;
                Type::Unknown
            }
            _ => {
                self.judge.ambiguous("TAR_TYPEFLAG", || {
                    let found = [header.typeflag];
                    format!("expected a header of type 0 to 6, found \"{}\": some readers see a file", shown(&found))
                })?;
                Type::Unknown
            }
        })
    }

    /// GNU's long name counts before that of a sparse file, that of PAX, and that of the header: as in Go, and for
    /// archives that are not refused there is but one.
    fn set_name(&mut self, header: &Header, said: &Extensions, pax: Option<&Pax>) {
        let long = said.name.as_ref().or_else(|| pax.and_then(|pax| pax.sparse.name.as_ref().or(pax.path.as_ref())));
        match long {
            Some(name) => self.name.clone_from(name),
            None => header.name(&mut self.name),
        }
    }

    fn owner(&mut self, header: &Header, pax: Option<&Pax>) -> Result<(u32, u32)> {
        let uid = pax.and_then(|pax| pax.uid).unwrap_or_else(|| header.uid.into());
        let gid = pax.and_then(|pax| pax.gid).unwrap_or_else(|| header.gid.into());
        let largest = *IDS.end() as u64;
        if uid.max(gid) > largest {
            self.judge.ambiguous("TAR_PAX_VALUE", || {
                format!("expected a uid and gid up to {largest}, found {uid} and {gid}")
            })?;
        }
        Ok((uid.min(largest) as u32, gid.min(largest) as u32))
    }

    /// The time of modification. bsdtar writes an impossible one into the header where PAX has the right one.
    fn mtime(&mut self, header: &Header, pax: Option<&Pax>) -> Result<Time> {
        let said = pax.and_then(|pax| pax.mtime);
        let text = |seconds: i64| format!("expected a time that file systems hold, found {seconds} seconds since 1970");
        match said {
            None if TIMES.contains(&header.mtime) => {}
            Some(said) if !pax::is_storable(said) => self.judge.ambiguous("TAR_MTIME", || text(said.seconds))?,
            None => self.judge.ambiguous("TAR_MTIME", || text(header.mtime))?,
            Some(_) if !TIMES.contains(&header.mtime) => self.judge.harmless("TAR_MTIME", || text(header.mtime))?,
            Some(_) => {}
        }
        let in_header = Time { seconds: header.mtime.clamp(*TIMES.start(), *TIMES.end()), nanos: 0 };
        Ok(said.unwrap_or(in_header))
    }

    /// Bytes that the archive holds of the entry.
    fn size(&mut self, header: &Header, kind: Type, pax: Option<&Pax>) -> Result<u64> {
        let mut size = header.size;
        let has_content = matches!(kind, Type::File | Type::Unknown);
        let on_link = "a size on what is not a file: some readers skip so many bytes, and with them entries";
        if let Some(said) = pax.and_then(|pax| pax.size) {
            if !has_content && said != 0 {
                self.judge.ambiguous("TAR_SIZE_ON_LINK", || on_link.into())?;
            }
            if said != size && !(size == 0 && said > MAX_OCTAL_SIZE) {
                self.judge.ambiguous("TAR_PAX_SIZE", || {
                    format!(
                        "the header says {size} bytes, PAX says {said}: readers that go by one miss what others see"
                    )
                })?;
            }
            size = said;
        }
        if !has_content && size != 0 {
            self.judge.ambiguous("TAR_SIZE_ON_LINK", || on_link.into())?;
            size = 0;
        }
        Ok(size)
    }

    /// Bytes of the file, of which the archive holds `size`; takes the map of a sparse file out of its content.
    fn expand(&mut self, header: &Header, kind: Type, size: u64, mut keys: SparseKeys) -> Result<u64> {
        let is_old = header.typeflag == b'S';
        if !is_old && keys.is_empty() {
            return Ok(size);
        }
        if self.judge.is_base() && !is_old && !keys.has_map() {
            // Go takes the keys for nothing then.
            self.judge.ambiguous("TAR_SPARSE", || "a sparse file without a map".into())?;
            return Ok(size);
        }
        let clash = is_old && (!keys.is_empty() || header.format != Format::Gnu);
        if kind != Type::File || clash {
            return Err(Error::refused("TAR_SPARSE", "a sparse file of two forms, or one that is no file"));
        }
        let limits = &self.limits;
        let blocks = &mut self.blocks;
        let next_block = || {
            let truncated = |_| Error::refused("TAR_TRUNCATED", "the archive ends within the map of a sparse file");
            <[u8; BLOCK]>::try_from(blocks.block()?).map_err(truncated)
        };
        let (map, taken) = if is_old {
            (Map::old_gnu(header, limits, next_block)?, 0)
        } else {
            match keys.form(size)? {
                Form::Listed(map) => (map, 0),
                Form::Leading(expanded) => Map::leading(expanded, size, limits, next_block)?,
            }
        };
        self.expanded = self.expanded.saturating_add(map.size());
        if self.expanded > limits.layer_bytes {
            let text = format!("sparse files of more than {} bytes in all (limit layer-bytes)", limits.layer_bytes);
            return Err(Error::refused("LIMIT_LAYER_BYTES", text));
        }
        let expanded = map.size();
        self.rest = Rest::sparse(size - taken, map);
        Ok(expanded)
    }

    /// Before POSIX a directory was a file whose name ends in a slash.
    fn judge_trailing_slash(&mut self, header: &Header, kind: &mut Type, size: u64) -> Result<()> {
        let is_old = header.typeflag == 0;
        if is_old && self.name.ends_with(b"/") != header.name_ends_in_slash() {
            self.judge.ambiguous("TAR_FILE_TRAILING_SLASH", || {
                "its header's own name and the longer one differ in a slash at the end: a directory for some readers"
                    .into()
            })?;
        }
        if !self.name.ends_with(b"/") || *kind == Type::Directory {
            return Ok(());
        }
        if is_old && header.format == Format::V7 && size == 0 {
            *kind = Type::Directory;
            return Ok(());
        }
        // No directory, no file: the root, which has a refusal of its own.
        if is_only_dots(&self.name) {
            return Ok(());
        }
        self.judge.ambiguous("TAR_FILE_TRAILING_SLASH", || {
            "a name that ends in a slash, on what is not a directory: a directory for some readers".into()
        })?;
        if is_old {
            *kind = Type::Directory;
        }
        Ok(())
    }

    /// The normalised name; `None` for one that Go's users pass over.
    fn path(&mut self) -> Result<Option<LayerPath>> {
        if self.name.is_empty() {
            self.judge.ambiguous("TAR_PATH_EMPTY", || "an entry without a name".into())?;
            return Ok(None);
        }
        let error = match LayerPath::parse(&self.name) {
            Ok(path) => return Ok(Some(path)),
            Err(error) => error,
        };
        let name = &self.name;
        self.judge
            .ambiguous(error.reason(), || format!("the name \"{}\" {error}", shown(name.get(..256).unwrap_or(name))))?;
        Ok(LayerPath::parse(&without_dotdot(name)).ok())
    }

    fn count(&mut self) -> Result<()> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            let text = format!("more than {} entries (limit entries)", self.limits.entries);
            return Err(Error::refused("LIMIT_ENTRIES", text));
        }
        Ok(())
    }

    /// Whether an entry of a kind may stand at a path; false if it is to be passed over.
    fn judge_place(&mut self, path: &LayerPath, kind: Type, header: &Header) -> Result<bool> {
        if path.is_root() && kind != Type::Directory {
            self.judge.ambiguous("TAR_ROOT_NOT_DIR", || "the root is not a directory".into())?;
            return Ok(false);
        }
        let has_mark = is_marked(path);
        if has_mark && self.judge.is_layer() {
            let text = "a whiteout: what it hides depends on the order of the layers, and on the runtime";
            return Err(Error::refused("TAR_WHITEOUT", text));
        }
        if has_mark && !self.judge_mark(path)? {
            return Ok(false);
        }
        let mode = header.mode;
        if mode >> 12 != 0 && mode >> 12 != kind.mode_bits() {
            self.judge.ambiguous("TAR_MODE", || format!("the mode {mode:o} is that of another kind of entry"))?;
        }
        if matches!(kind, Type::CharDevice | Type::BlockDevice) && self.judge.is_layer() {
            return Err(Error::refused("TAR_DEVICE", "a device: it reaches past the container"));
        }
        if kind == Type::CharDevice && header.device == (0, 0) && self.judge.is_base() {
            self.judge.ambiguous("TAR_DEVICE", || {
                "the character device 0:0: a whiteout where layers are overlaid, a device elsewhere".into()
            })?;
        }
        Ok(true)
    }

    /// Whether a path of a base with `.wh.` in it counts: what AUFS kept at the root for itself is passed over, as
    /// Docker and containerd do; below a directory of such a name, anything does.
    fn judge_mark(&mut self, path: &LayerPath) -> Result<bool> {
        let is_aufs = path.as_bytes().starts_with(b".wh..wh.") && path.as_bytes() != b".wh..wh..opq";
        let mut above = path.components().rev().skip(1);
        if is_aufs || above.any(|component| component.starts_with(b".wh.")) {
            self.judge.ambiguous("TAR_WHITEOUT", || "what AUFS keeps for itself, or a name like it".into())?;
        }
        Ok(!is_aufs)
    }

    fn body(&mut self, kind: Type, size: u64, link: Vec<u8>) -> Result<Option<Body>> {
        Ok(Some(match kind {
            Type::File => Body::File { size },
            Type::Directory => Body::Directory,
            Type::Fifo => Body::Fifo,
            Type::CharDevice => Body::CharDevice,
            Type::BlockDevice => Body::BlockDevice,
            Type::Symlink => {
                if link.is_empty() || link.len() > MAX_TARGET {
                    let length = link.len();
                    self.judge.ambiguous("TAR_LINK_TARGET", || {
                        format!("expected a target of 1 to {MAX_TARGET} bytes, found {length}")
                    })?;
                    return Ok(None);
                }
                Body::Symlink { target: link }
            }
            Type::HardLink => match LayerPath::parse(&link) {
                Ok(target) => {
                    if link.ends_with(b"/") || link.ends_with(b"/.") {
                        self.judge.harmless("TAR_HARDLINK_TARGET", || {
                            "the target of a hard link ends in a slash: some readers fail there, some make a copy"
                                .into()
                        })?;
                    }
                    Body::HardLink { target }
                }
                Err(error) => {
                    let is_dotdot = error == oci_merge_image::PathError::DotDot;
                    let reason = if is_dotdot { "TAR_PATH_DOTDOT" } else { "TAR_HARDLINK_TARGET" };
                    self.judge.ambiguous(reason, || format!("the target of a hard link {error}"))?;
                    return Ok(None);
                }
            },
            Type::Unknown => return Ok(None),
        }))
    }
}

/// Whether a path has the mark of a whiteout anywhere (image-spec `layer.md`, Whiteouts).
pub(crate) fn is_marked(path: &LayerPath) -> bool {
    path.components().any(|component| component.starts_with(b".wh."))
}

/// Whether it is a whiteout; of a base, for there is none in other layers.
fn is_whiteout(path: &LayerPath) -> Result<bool> {
    match path.name() {
        Some(b".wh.") => Err(Error::refused("TAR_WHITEOUT", "a whiteout of nothing: it has no name after .wh.")),
        Some(name) => Ok(name.starts_with(b".wh.")),
        None => Ok(false),
    }
}

/// Whether a name is one of the root.
fn is_only_dots(name: &[u8]) -> bool {
    name.split(|&byte| byte == b'/').all(|component| matches!(component, b"" | b"."))
}

/// A name with its `..` taken lexically and never above the root, as Go's `filepath.Clean("/" + name)`.
fn without_dotdot(name: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for component in name.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            component => kept.push(component),
        }
    }
    kept.join(&b'/')
}
