//! Sizes and times as they are typed.

use super::deadline;
use std::time::Duration;

/// `500`, `20MB`, `1.5 GB`: a MB is 1,000,000 bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size such as 500MB or 10GB".to_owned();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
    let unit: u64 = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "T" | "TB" => 1_000_000_000_000,
        _ => return Err(wrong()),
    };
    match number.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((number * unit as f64) as u64),
        _ => Err(wrong()),
    }
}

/// A time, in days too: `12h`, `30d`.
pub(crate) fn days(text: &str) -> Result<Duration, String> {
    let time = match text.strip_suffix('d') {
        Some(days) => deadline::time(&format!("{days}h")).ok().and_then(|time| time.checked_mul(24)),
        None => deadline::time(text).ok(),
    };
    time.ok_or_else(|| "expected a time such as 12h or 30d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let sizes = [("0", 0), ("500", 500), ("20MB", 20_000_000), ("1.5 GB", 1_500_000_000), ("3k", 3_000)];
        for (text, bytes) in sizes {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        assert_eq!(size("1TB"), Ok(1_000_000_000_000));
        for bad in ["", "GB", "-1", "1X", "1GiB", "1.2.3", "NaN", "inf"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_have_days() {
        let hours = |hours: u64| Ok(Duration::from_secs(hours * 3600));
        assert_eq!((days("12h"), days("30d"), days("1.5d")), (hours(12), hours(720), hours(36)));
        assert!(days("d").is_err() && days("0d").is_err() && days("1w").is_err());
    }
}
