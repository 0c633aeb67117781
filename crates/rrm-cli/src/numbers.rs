//! Numbers -> text for people.

/// Formats a number with commas between groups of three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// Returns a number with the word for what is counted: `1 vote`, `2 votes`.
pub fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// Formats a number with three digits and a letter.
pub fn rounded(number: u64) -> String {
    scaled(number, &[(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")]).unwrap_or_else(|| number.to_string())
}

/// Formats a number of bytes with three digits and a unit.
pub fn size(bytes: u64) -> String {
    scaled(bytes, &[(1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " KB")]).unwrap_or_else(|| format!("{bytes} bytes"))
}

fn scaled(number: u64, units: &[(f64, &str)]) -> Option<String> {
    let number = number as f64;
    let (unit, name) = units.iter().find(|(unit, _)| number >= *unit * 0.9995)?;
    let value = number / unit;
    let places = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    Some(format!("{value:.places$}{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1000, 134_515_008].map(grouped), ["0", "999", "1,000", "134,515,008"]);
        assert_eq!([999, 1000, 12_340, 134_515_008, 999_950_000].map(rounded), ["999", "1.00K", "12.3K", "135M", "1.00B"]);
        assert_eq!(size(269_060_552), "269 MB");
        assert_eq!([0, 1, 1200].map(|number| counted(number, "vote")), ["0 votes", "1 vote", "1,200 votes"]);
    }
}
