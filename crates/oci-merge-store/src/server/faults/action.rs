//! The things that can go wrong.

use std::time::Duration;

/// What happens to a request. The word in parentheses is the one that a [`Fault`](super::Fault) is parsed from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    // Before the request is carried out; nothing is stored.
    /// The connection closes before the body is read (`drop`).
    Drop,
    /// The same with a reset (`reset`).
    Reset,
    /// It closes after so many bytes of the body (`drop-body:N`).
    DropBody(u64),
    /// The same with a reset (`reset-body:N`).
    ResetBody(u64),
    /// The body is read, and this is the answer (`status:CODE`, with `retry-after=TEXT`).
    Status(u16, Option<String>),
    /// This is the answer before the body is read, and the connection closes (`early-status:CODE`).
    EarlyStatus(u16, Option<String>),
    /// 200 and a page in HTML, as captive portals answer (`html`).
    Html,
    /// Nothing happens for so long, then all is well (`stall:SECONDS`).
    Stall(Duration),
    /// There is never an answer (`hang`).
    Hang,
    /// The upload session is forgotten (`lose-session`).
    LoseSession,
    /// So many bytes of the chunk are kept, then the connection closes (`partial:N`).
    Partial(u64),
    /// The chunk is read and not kept, and the answer says that it was (`discard-chunk`).
    DiscardChunk,
    /// Somebody else moves the tag just before (`move-tag`).
    MoveTag,
    /// 401 with a challenge, whatever the credential (`unauthorized`).
    Unauthorized,
    /// A manifest is taken although what it names is not there (`unchecked`).
    Unchecked,
    /// A manifest is refused for want of blobs (`lacks-blobs`).
    LacksBlobs,
    /// Tags beside a digest are ignored, as registries do that know nothing of them (`no-tags`).
    NoTags,
    /// `Range` is ignored (`no-range`).
    NoRange,
    /// A mount is answered like this (`mount:202`, `mount:lie`, `mount:CODE`).
    Mount(MountAnswer),
    /// Bodies of uploads with more bytes are refused with this status (`chunk-max:N`, `chunk-max:N:CODE`; 413).
    ChunkMax(u64, u16),
    /// Chunks must have so many bytes, but for the last (`chunk-min:N`).
    ChunkMin(u64),

    // After the request was carried out.
    /// There is no answer (`lost-response`).
    LostResponse,
    /// The answer's body ends too early, after so many bytes (`truncate:N`).
    Truncate(u64),
    /// The same with a reset (`truncate-reset:N`).
    TruncateReset(u64),
    /// Bit 0 of this byte of the body is flipped (`flip:N`).
    Flip(u64),
    /// Another body of the same length (`swap`).
    Swap,
    /// The right range is promised, and wrong bytes come (`bad-range`).
    BadRange,
    /// `Content-Length` is too large by this (`longer:N`).
    Longer(u64),
    /// `Content-Length` is too small by this (`shorter:N`).
    Shorter(u64),
    /// The body has neither length nor chunks, and ends with the connection (`no-length`).
    NoLength,
    /// The body comes in chunks (`chunked`).
    Chunked,
    /// The body comes at so many bytes a second (`slow:N`).
    Slow(u64),
    /// `Docker-Content-Digest` is this (`header-digest:TEXT`).
    HeaderDigest(String),
    /// `Content-Type` is this (`content-type:TEXT`).
    ContentType(String),
    /// There is a `Warning` (`warning:TEXT`).
    Warning(String),
    /// 307 for a blob (`redirect:cdn`, `redirect:registry`, `redirect:loop`, `redirect:URL`).
    Redirect(Elsewhere),
    /// The `Location` of an upload has this form (`location:KIND`).
    Location(UploadLocation),
    /// The connection closes though the answer did not say so (`keepalive-drop`).
    KeepaliveDrop,
    /// The answer says `Connection: close` (`close`).
    Close,
    /// A chunk is answered with this status; Amazon ECR's is 201 (`patch-status:CODE`).
    PatchStatus(u16),
    /// The chunk is kept, and `Range` says that it was not (`range-stuck`).
    RangeStuck,
    /// HEAD says that a blob is there that is not (`head-lies`).
    HeadLies,
    /// The token is in `access_token` only (`access-token`).
    AccessToken,
}

/// Where a redirection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// To another host, where the blob is.
    Cdn,
    /// To another path of the same registry, where the blob is.
    Registry,
    /// To itself, a hundred times.
    Loop,
    /// To this URL, whatever is there.
    Url(String),
}

/// How a mount is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountAnswer {
    /// With an upload session instead.
    Session,
    /// With 201, although the blob is not there.
    Lie,
    /// With this status.
    Status(u16),
}

/// Forms of an upload's `Location`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadLocation {
    /// A whole URL (`absolute`).
    Absolute,
    /// A path from the root, as it is anyway (`relative`).
    Relative,
    /// A path from the one that was asked for (`noslash`).
    NoSlash,
    /// A whole URL at another host, which takes the upload without a credential (`otherhost`).
    OtherHost,
    /// None (`missing`).
    Missing,
    /// No URL (`garbage`).
    Garbage,
}
