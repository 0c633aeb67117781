//! The headers of a refusal -> the time that the server asks to wait.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Longest wait. It keeps a sum with an instant in range, and a caller that is asked for more gives up anyway.
const LONGEST: Duration = Duration::from_secs(1_000_000);

/// Reads `Retry-After-Ms`, or `Retry-After` in seconds (fractions too) or as a date, which is compared with the server's own `Date` if it sends one.
pub(super) fn asked(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(wait) = header("retry-after-ms").and_then(|text| seconds(text.parse::<f64>().ok()? / 1000.0)) {
        return Some(wait);
    }
    let text = header(RETRY_AFTER.as_str())?;
    if let Ok(number) = text.parse::<f64>() {
        return seconds(number);
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let date = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    Some(until.duration_since(date.unwrap_or(now)).unwrap_or_default().min(LONGEST))
}

fn seconds(number: f64) -> Option<Duration> {
    (number >= 0.0).then(|| Duration::from_secs_f64(number.min(LONGEST.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn wait(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let header =
            |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:00 GMT").unwrap();
        asked(&pairs.iter().map(header).collect(), now)
    }

    #[test]
    fn a_wait_is_seconds_milliseconds_or_a_date() {
        const AFTER: &str = "retry-after";
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(wait(&[(AFTER, "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[(AFTER, "0.25")]), Some(Duration::from_millis(250)));
        assert_eq!(wait(&[(AFTER, date)]), Some(Duration::from_secs(37)));
        assert_eq!(wait(&[(AFTER, date), ("date", "Sun, 06 Nov 1994 08:49:30 GMT")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[("retry-after-ms", "50"), (AFTER, "1")]), Some(Duration::from_millis(50)));
        for nonsense in ["soon", "-1", "NaN", ""] {
            assert_eq!(wait(&[(AFTER, nonsense)]), None, "{nonsense}");
        }
    }

    /// Seconds as servers might write them, dates of any year, and any other header value.
    fn header() -> impl Strategy<Value = String> {
        let number = any::<f64>().prop_map(|number| number.to_string());
        let power = (any::<bool>(), 0_u32..400).prop_map(|(minus, power)| format!("{}1e{power}", if minus { "-" } else { "" }));
        let date = (1970_u32..10_000, 1_u32..29).prop_map(|(year, day)| format!("Fri, {day:02} Dec {year} 23:59:59 GMT"));
        prop_oneof![number, power, any::<i128>().prop_map(|number| number.to_string()), date, "[ -~]{0,30}"]
    }

    proptest! {
        #[test]
        fn no_header_asks_for_more_than_the_longest_wait(
            after in header(), ms in prop::option::of(header()), date in prop::option::of(header()), now in 0_u64..u64::from(u32::MAX),
        ) {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(&after).unwrap());
            ms.iter().for_each(|ms| drop(headers.insert("retry-after-ms", HeaderValue::from_str(ms).unwrap())));
            date.iter().for_each(|date| drop(headers.insert(DATE, HeaderValue::from_str(date).unwrap())));
            let wait = asked(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(now));
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST));
        }
    }

    #[test]
    fn no_wait_is_too_long_for_a_clock() {
        for long in ["1e19", "10000000000000000000", "1e308", "1e999", "inf", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(wait(&[("retry-after", long)]), Some(LONGEST), "{long}");
        }
        assert_eq!(wait(&[("retry-after-ms", "1e300")]), Some(LONGEST));
    }
}
