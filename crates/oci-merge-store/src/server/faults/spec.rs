//! Faults as text: `do=status:429,retry-after=2,on=PUT,path=/manifests/,times=3`.

use super::super::ledger::Desk;
use super::{Action, Elsewhere, Fault, MountAnswer, UploadLocation};
use crate::{Error, ErrorKind};
use oci_merge_image::shown;
use std::str::FromStr;
use std::time::Duration;

impl FromStr for Fault {
    type Err = Error;

    /// Reads `key=value` pairs with commas between them. `do=ACTION[:ARGUMENT]` must be among them; the others are
    /// `on=METHOD[|METHOD…]`, `path=PART`, `host=registry|token|cdn`, `nth=N`, `times=N` (0: always) and `retry-after=TEXT`.
    fn from_str(text: &str) -> Result<Fault, Error> {
        let refuse = |why: String| Error::new(ErrorKind::Policy, format!("fault {}", shown(text)), why);
        let mut action = None;
        let mut retry_after = None;
        let mut fault = Fault::new(Action::Drop);
        for pair in text.trim().split(',') {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| refuse(format!("expected key=value, found {pair}")))?;
            let number = || value.parse().map_err(|_| refuse(format!("expected a number, found {pair}")));
            match key {
                "do" => action = Some(value),
                "on" => fault.methods = value.split('|').map(str::to_owned).collect(),
                "path" => fault.path = value.to_owned(),
                "nth" => fault.nth = number()?,
                "times" => fault.times = number()?,
                "retry-after" => retry_after = Some(value.to_owned()),
                "host" => {
                    fault.desk = match value {
                        "registry" => Desk::Registry,
                        "token" => Desk::Token,
                        "cdn" => Desk::Cdn,
                        _ => return Err(refuse(format!("there is no host {value}"))),
                    }
                }
                _ => return Err(refuse(format!("there is no key {key}"))),
            }
        }
        let action = action.ok_or_else(|| refuse("it does not say what to do".to_owned()))?;
        fault.action = action_of(action, retry_after).ok_or_else(|| refuse(format!("there is no action {action}")))?;
        Ok(fault)
    }
}

fn action_of(text: &str, retry_after: Option<String>) -> Option<Action> {
    let (name, argument) = text.split_once(':').map_or((text, None), |(name, argument)| (name, Some(argument)));
    let word = || argument.map(str::to_owned);
    let number = || argument?.parse::<u64>().ok();
    let status = || argument?.parse::<u16>().ok();
    let with_argument = match name {
        "drop-body" => Action::DropBody(number()?),
        "reset-body" => Action::ResetBody(number()?),
        "status" => Action::Status(status()?, retry_after),
        "early-status" => Action::EarlyStatus(status()?, retry_after),
        "stall" => Action::Stall(Duration::try_from_secs_f64(argument?.parse().ok()?).ok()?),
        "partial" => Action::Partial(number()?),
        "mount" => Action::Mount(match argument? {
            "202" => MountAnswer::Session,
            "lie" => MountAnswer::Lie,
            _ => MountAnswer::Status(status()?),
        }),
        "chunk-max" => match argument?.split_once(':') {
            Some((most, status)) => Action::ChunkMax(most.parse().ok()?, status.parse().ok()?),
            None => Action::ChunkMax(number()?, 413),
        },
        "chunk-min" => Action::ChunkMin(number()?),
        "truncate" => Action::Truncate(number()?),
        "truncate-reset" => Action::TruncateReset(number()?),
        "flip" => Action::Flip(number()?),
        "longer" => Action::Longer(number()?),
        "shorter" => Action::Shorter(number()?),
        "slow" => Action::Slow(number()?),
        "header-digest" => Action::HeaderDigest(word()?),
        "content-type" => Action::ContentType(word()?),
        "warning" => Action::Warning(word()?),
        "redirect" => Action::Redirect(match argument? {
            "cdn" => Elsewhere::Cdn,
            "registry" => Elsewhere::Registry,
            "loop" => Elsewhere::Loop,
            url => Elsewhere::Url(url.to_owned()),
        }),
        "location" => Action::Location(match argument? {
            "absolute" => UploadLocation::Absolute,
            "relative" => UploadLocation::Relative,
            "noslash" => UploadLocation::NoSlash,
            "otherhost" => UploadLocation::OtherHost,
            "missing" => UploadLocation::Missing,
            "garbage" => UploadLocation::Garbage,
            _ => return None,
        }),
        "patch-status" => Action::PatchStatus(status()?),
        _ if argument.is_some() => return None,
        "drop" => Action::Drop,
        "reset" => Action::Reset,
        "html" => Action::Html,
        "hang" => Action::Hang,
        "lose-session" => Action::LoseSession,
        "discard-chunk" => Action::DiscardChunk,
        "move-tag" => Action::MoveTag,
        "unauthorized" => Action::Unauthorized,
        "unchecked" => Action::Unchecked,
        "lacks-blobs" => Action::LacksBlobs,
        "no-tags" => Action::NoTags,
        "no-range" => Action::NoRange,
        "lost-response" => Action::LostResponse,
        "swap" => Action::Swap,
        "bad-range" => Action::BadRange,
        "no-length" => Action::NoLength,
        "chunked" => Action::Chunked,
        "keepalive-drop" => Action::KeepaliveDrop,
        "close" => Action::Close,
        "range-stuck" => Action::RangeStuck,
        "head-lies" => Action::HeadLies,
        "access-token" => Action::AccessToken,
        _ => return None,
    };
    Some(with_argument)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_builder_say_the_same() {
        for (text, fault) in [
            ("do=drop,on=PATCH,nth=2", Fault::new(Action::Drop).on("PATCH").nth(2)),
            (
                "do=status:429,retry-after=2,on=PUT,path=/manifests/,times=3",
                Fault::new(Action::Status(429, Some("2".into()))).on("PUT").path("/manifests/").times(3),
            ),
            ("do=stall:0.5,times=0", Fault::new(Action::Stall(Duration::from_millis(500))).always()),
            ("do=drop,host=token", Fault::new(Action::Drop).at(Desk::Token)),
            ("do=drop-body:7,on=PATCH|PUT", Fault::new(Action::DropBody(7)).on("PATCH").on("PUT")),
            ("do=chunk-max:100:416", Fault::new(Action::ChunkMax(100, 416))),
            ("do=mount:405", Fault::new(Action::Mount(MountAnswer::Status(405)))),
            ("do=redirect:http://127.0.0.9/", Fault::new(Action::Redirect(Elsewhere::Url("http://127.0.0.9/".into())))),
        ] {
            assert_eq!(text.parse::<Fault>().unwrap(), fault, "{text}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for bad in [
            "",
            "on=PUT",
            "do=explode",
            "do=drop:1",
            "do=flip",
            "do=flip:x",
            "do=stall:-1",
            "do=drop,host=moon",
            "do=drop,x",
        ] {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }
}
